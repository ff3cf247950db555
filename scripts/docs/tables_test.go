package docs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// The front's networks, by parameters.
const fewest, most = 100, 10_000

// frontTable lists the networks that no smaller one equals on the validation
// images, or where they are opened on the test images.
func frontTable(root string) (string, error) {
	r, err := readRecords(root)
	if err != nil {
		return "", err
	}
	listed := append(r.front(result.Validation), r.front(result.Test)...)
	var rows [][]string
	for _, n := range r.drawn() {
		if !slices.Contains(listed, n) {
			continue
		}
		m, err := n.measured()
		if err != nil {
			return "", err
		}
		row := []string{"`" + n.slug() + "`", text.Thousands(n.Footprint.Parameters), fmt.Sprint(len(n.seeds))}
		for _, split := range []result.Split{result.Validation, result.Test} {
			if mean, in, ok := n.mean(split); ok {
				row = append(row, text.Percentage(mean)+", "+span(in))
			} else {
				row = append(row, "closed")
			}
		}
		low := ""
		if row[4] != "closed" {
			low = text.Percentage(n.lowest())
		}
		rows = append(rows, append(row, low, text.Thousands(n.int8Bytes()), text.Thousands(m.TFLiteInt8),
			text.Thousands(n.Footprint.MACs), n.proof()))
	}
	return table([]string{"network", "parameters", "seeds", "validation: mean, interval, %", "test: mean, interval, %", "lowest seed",
		"int8 bytes", "int8 file", "MACs", "certified"}, 1, rows), nil
}

// front has, of the networks between fewest and most, those more often right on
// the images of split than every smaller one.
func (r *records) front(split result.Split) (all []*net) {
	best := 0.0
	for _, n := range r.drawn() {
		if mean, _, ok := n.mean(split); ok && mean > best {
			all, best = append(all, n), mean
		}
	}
	return all
}

// drawn are MNIST's networks between fewest and most.
func (r *records) drawn() (all []*net) {
	for _, n := range r.nets {
		if n.onMNIST() && len(n.seeds) > 0 && n.Footprint.Parameters >= fewest && n.Footprint.Parameters <= most {
			all = append(all, n)
		}
	}
	return all
}

func (n *net) proof() string {
	if n.certified == 0 {
		return ""
	}
	return "at " + text.Threshold(n.certified)
}

// paperTable answers the paper's question, in each of its three costs, by its own
// network, and by the cheapest certified one of its design, of its design with
// another recipe, and of any design.
func paperTable(root string) (string, error) {
	r, err := readRecords(root)
	if err != nil {
		return "", err
	}
	layers, _ := models.Named("base")
	base, err := footprint.Of(models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers})
	if err != nil {
		return "", err
	}
	paper := slices.IndexFunc(r.nets, func(n *net) bool { return n.Experiment == "paper-final" && n.Footprint.Parameters == 14014 })
	if paper < 0 {
		return "", fmt.Errorf("no results of the paper's final network")
	}
	rows := [][]string{r.paperRow("", "the paper's own", base, r.nets[paper], "none", r.nets[paper].lowest())}
	for _, cost := range []footprint.Cost{footprint.Parameters, footprint.MACs, footprint.Peak} {
		for i, way := range []string{"its design and recipe", "its design, a better recipe", "any design"} {
			folder := []string{"/search-paper", "/records-paper/", ""}[i]
			name := r.cheapest(cost, folder)
			if name == "" {
				rows = append(rows, []string{string(cost), way, "not certified", "", "", "", "", "", "", "", ""})
				continue
			}
			c := r.certificates[name]
			n, err := r.find(c.Winner.ConfigID)
			if err != nil {
				return "", err
			}
			low := 1.0
			for _, t := range c.Winner.Networks {
				low = min(low, t.Accuracy)
			}
			rows = append(rows, r.paperRow(string(cost), way, base, n, fmt.Sprintf("[%s](%s), %s, %s, confidence %s", n.slug(), pathTo(name),
				text.Count(len(c.Winner.Networks), "seed"), cmp.Or(c.Target.Precision, "float32"), text.Threshold(c.Target.Confidence)), low))
		}
	}
	return table([]string{"fewest", "by", "certificate", "parameters", "MACs", "peak", "weights", "activations", "int8 bytes",
		"ATmega328P: flash, RAM, cycles", "lowest seed, %"}, 3, rows), nil
}

// cheapest is the certificate at 95 % or more on MNIST whose winner costs least;
// folder begins the name of its run folder.
func (r *records) cheapest(cost footprint.Cost, folder string) (name string) {
	least := 0
	for key, c := range r.certificates {
		if c.Verdict != result.Certified || c.Dataset.Name != "mnist" || c.Target.Accuracy < 0.95 || !strings.Contains(key, folder) {
			continue
		}
		v := c.Winner.Footprint.Get(cost)
		asked := c.Target.Cost == cost // for the cost, where several have as little
		if name == "" || v < least || v == least && (asked || key < name && r.certificates[name].Target.Cost != cost) {
			name, least = key, v
		}
	}
	return name
}

// pathTo is the path from experiments/records of what this is the path of from experiments/.
func pathTo(path string) string {
	if in, ok := strings.CutPrefix(path, "records/"); ok {
		return in
	}
	return "../" + path
}

func (r *records) paperRow(cost, way string, base footprint.Footprint, n *net, certificate string, low float64) []string {
	f := n.Footprint
	ratio := func(c footprint.Cost) string {
		return text.Thousands(f.Get(c)) + " (" + text.Times(float64(base.Get(c))/float64(f.Get(c))) + ")"
	}
	chip := "not measured"
	if m := r.chip[n.slug()]; m != nil && m[1] == "" {
		chip = m[0]
	} else if m != nil {
		chip = whole(m[0]) + ", " + whole(m[1]) + ", " + whole(m[2])
	}
	return []string{cost, way, certificate, ratio(footprint.Parameters), ratio(footprint.MACs), ratio(footprint.Peak),
		ratio(footprint.Weights), ratio(footprint.ActivationE), text.Thousands(n.int8Bytes()), chip, text.Percentage(low)}
}

// tasksTable has the certificates of other data.
func tasksTable(root string) (string, error) {
	r, err := readRecords(root)
	if err != nil {
		return "", err
	}
	var names []string
	for name, c := range r.certificates {
		if c.Dataset.Name != "mnist" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var rows [][]string
	for _, name := range names {
		c := r.certificates[name]
		row := []string{c.Dataset.Name, fmt.Sprintf("[%s](%s)", c.Verdict, pathTo(name)), "", "", "", ""}
		asked := text.Threshold(c.Target.Accuracy)
		if c.Target.Metric != "" {
			asked += " " + strings.ReplaceAll(c.Target.Metric, "_", " ")
		}
		row[2] = asked
		if w := c.Winner; w != nil {
			var seeds []string
			for _, t := range w.Networks {
				got := t.Accuracy
				if t.Balanced != nil {
					got = *t.Balanced
				}
				seeds = append(seeds, text.Percentage(got))
			}
			row[3], row[4] = text.Thousands(w.Footprint.Parameters), strings.Join(seeds, ", ")
			row[5] = text.Percentage(w.Bound) + " at " + text.Threshold(1-w.Alpha)
		}
		rows = append(rows, row)
	}
	return table([]string{"data", "verdict", "asked", "parameters", "test, % of each seed", "at least, %"}, 3, rows), nil
}

// tilesTable has, of the certified network for magnetic tiles, each class of the test
// pictures: what is shown of it, and what could be if every answer were right.
func tilesTable(root string) (string, error) {
	r, err := readRecords(root)
	if err != nil {
		return "", err
	}
	c := r.certificates["records/results/records-tiles/certificate.json"]
	if c == nil || c.Winner == nil {
		return "", fmt.Errorf("no certificate for magnetic tiles")
	}
	n, err := r.find(c.Winner.ConfigID)
	if err != nil {
		return "", err
	}
	floors := map[int]float64{}
	for _, f := range c.Target.Recall {
		floors[f.Class] = f.Floor
	}
	var rows [][]string
	for class, name := range c.Classes {
		images, least, right := 0, 0, []string{}
		for i, s := range n.seeds {
			counts := s.Confusion.Test
			if s.Distinct != nil {
				counts = s.Distinct.Confusion
			}
			images = 0
			for _, k := range counts[class] {
				images += k
			}
			if got := counts[class][class]; i == 0 || got < least {
				least = got
			}
			right = append(right, fmt.Sprint(counts[class][class]))
		}
		row := []string{name, fmt.Sprint(images), strings.Join(right, ", "), ""}
		if floors[class] > 0 {
			row[3] = text.Threshold(floors[class])
		}
		for _, k := range []int{least, images} {
			bound, err := stats.LowerBound(k, images, 1-c.Winner.Alpha)
			if err != nil {
				return "", err
			}
			row = append(row, text.Percentage(bound))
		}
		rows = append(rows, row)
	}
	return table([]string{"class", "test pictures", "right, of each seed", "floor", "at least, %", "if all were right, %"}, 1, rows), nil
}
