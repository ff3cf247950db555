package docs

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/stats"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
)

// records is what the committed run folders hold, for the tables of
// experiments/records/README.md.
type records struct {
	nets         []*net                         // by parameters
	certificates map[string]*result.Certificate // by path from experiments/
	chip         map[string][]string            // of an ATmega328P, by slug: flash, RAM, cycles, or why not
}

// net is one configuration with the results of its seeds.
type net struct {
	result.Result // of its first seed
	seeds         []result.Result
	certified     float64 // the accuracy; 0: not certified
}

// readRecords reads every folder experiments/*/results/*.
func readRecords(root string) (*records, error) {
	r := &records{certificates: map[string]*result.Certificate{}, chip: map[string][]string{}}
	folders, err := filepath.Glob(filepath.Join(root, "experiments/*/results/*"))
	if err != nil || len(folders) == 0 {
		return nil, fmt.Errorf("no run folders: %w", err)
	}
	byID := map[string]*net{}
	for _, dir := range folders {
		if err := r.readFolder(root, dir, byID); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	for name, c := range r.certificates {
		w := c.Winner
		if c.Verdict != result.Certified {
			continue
		}
		if byID[w.ConfigID] == nil {
			return nil, fmt.Errorf("%s: no results of its winner", name)
		}
		byID[w.ConfigID].certified = max(byID[w.ConfigID].certified, c.Target.Accuracy)
	}
	slices.SortFunc(r.nets, func(a, b *net) int {
		return cmp.Or(cmp.Compare(a.Footprint.Parameters, b.Footprint.Parameters), cmp.Compare(a.ConfigID, b.ConfigID))
	})
	return r, r.readChip(filepath.Join(root, "experiments/records/atmega328p.csv"))
}

func (r *records) readFolder(root, dir string, byID map[string]*net) error {
	f, err := store.Open(dir)
	if err != nil {
		return err
	}
	results, damaged, err := f.Results(store.Full)
	if err != nil || len(damaged) > 0 {
		return fmt.Errorf("%d damaged results: %w", len(damaged), err)
	}
	for _, one := range results {
		n := byID[one.ConfigID]
		if n == nil {
			n = &net{Result: one}
			byID[one.ConfigID], r.nets = n, append(r.nets, n)
		}
		switch at := slices.IndexFunc(n.seeds, func(s result.Result) bool { return s.Seed == one.Seed }); {
		case one.Status != result.Done:
		case at < 0:
			n.seeds = append(n.seeds, one)
		case n.seeds[at].Accuracy.Test == nil: // opened in another folder
			n.seeds[at] = one
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		c, err := search.ReadCertificate(b)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		rel, err := filepath.Rel(filepath.Join(root, "experiments"), file)
		if err != nil {
			return err
		}
		r.certificates[filepath.ToSlash(rel)] = c
	}
	return err
}

func (r *records) readChip(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := csv.NewReader(f)
	lines.Comment = '#'
	all, err := lines.ReadAll()
	for _, line := range all {
		r.chip[line[0]] = line[1:]
	}
	return err
}

// find is the configuration of this ID.
func (r *records) find(id string) (*net, error) {
	i := slices.IndexFunc(r.nets, func(n *net) bool { return n.ConfigID == id })
	if i < 0 {
		return nil, fmt.Errorf("no committed results of %s", id)
	}
	return r.nets[i], nil
}

// wrong has the images that each seed gets wrong; nil where the split was not
// opened for all of them.
func (n *net) wrong(split result.Split) (all [][]int) {
	for _, s := range n.seeds {
		if *s.Accuracy.At(split) == nil {
			return nil
		}
		list := []int{}
		for _, w := range *s.Wrong.At(split) {
			list = append(list, w[0])
		}
		all = append(all, list)
	}
	return all
}

// mean is the mean accuracy over seeds with its interval at 95 %: over seeds and
// images, or of a single seed over images.
func (n *net) mean(split result.Split) (mean float64, in stats.Interval, ok bool) {
	wrong, images := n.wrong(split), n.images(split)
	switch len(wrong) {
	case 0:
		return 0, in, false
	case 1:
		right := images - len(wrong[0])
		in, err := stats.ClopperPearson(right, images, 0.95)
		return float64(right) / float64(images), in, err == nil
	}
	e, err := stats.EstimateMean(wrong, images)
	if err != nil {
		return 0, in, false
	}
	low, err := e.Lower(0.975)
	return e.Mean, stats.Interval{Low: low, High: min(1, 2*e.Mean-low)}, err == nil
}

func (n *net) images(split result.Split) int {
	if split == result.Test {
		return n.Dataset.Test
	}
	return n.Dataset.Validation
}

// lowest is the least accurate seed's accuracy on the test images.
func (n *net) lowest() float64 {
	low := 1.0
	for _, s := range n.seeds {
		low = min(low, *s.Accuracy.Test)
	}
	return low
}

// slug is the configuration's ID without its digits from a hash.
func (n *net) slug() string { return n.ConfigID[:strings.LastIndex(n.ConfigID, "-")] }

// int8Bytes are weights of one byte and biases of four.
func (n *net) int8Bytes() int { return n.Footprint.Weights + 4*n.Footprint.Biases }

// measured is what the network's files take.
func (n *net) measured() (footprint.Measured, error) {
	spec := n.Dataset.Spec(n.Model[:len(n.Model)-1])
	m, err := export.Measure(spec)
	if err != nil {
		return m, fmt.Errorf("%s: %w", n.ConfigID, err)
	}
	return m, nil
}

// onMNIST says whether the network is trained on all of MNIST's training images.
func (n *net) onMNIST() bool { return n.Dataset.Name == "mnist" && n.Dataset.Train == 55000 }

// table writes a Markdown table; columns after the first `left` are numbers.
func table(head []string, left int, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	b.WriteString(strings.Repeat("|---", left) + strings.Repeat("|---:", len(head)-left) + "|\n")
	for _, cells := range rows {
		line(cells)
	}
	return b.String()
}

func span(in stats.Interval) string {
	return text.Percentage(in.Low) + " to " + text.Percentage(in.High)
}

func whole(s string) string {
	n, err := strconv.Atoi(s)
	if err != nil {
		return s
	}
	return text.Thousands(n)
}
