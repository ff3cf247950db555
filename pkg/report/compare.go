package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// Comparison is two experiments or recipes side by side. Differences are
// second minus first.
type Comparison struct {
	Names      [2]string   `json:"experiments"`
	Abouts     [2]string   `json:"abouts"`
	Counts     [2]Counts   `json:"trials"`
	Answers    [2]string   `json:"answers"` // of each experiment's own report
	Differ     []Fact      `json:"differ"`  // settings that differ, "first | second"
	Axes       []Axis      `json:"-"`       // of the first
	Pairs      []Compared  `json:"pairs"`
	Unpaired   [2][]Row    `json:"-"`
	UnpairedID [2][]string `json:"unpaired"`   // config IDs
	Replicates int         `json:"replicates"` // of the bootstrap; 0 where none was needed
	Warnings   []string    `json:"warnings"`
}

// Compared is one pair of configurations.
type Compared struct {
	Label                     string      `json:"label"`
	IDs                       [2]string   `json:"config_ids"`
	Parameters                [2]int      `json:"parameters"`
	Seconds                   [2]*float64 `json:"seconds"` // median of training
	Common                    int         `json:"common_seeds"`
	Identical                 int         `json:"identical_weights"` // common seeds whose weights are the same, bit for bit
	result.By[*ComparedScore]             // nil where one of them has no score
}

// ComparedScore is the difference of one pair on one split.
type ComparedScore struct {
	Scores   [2]Score         `json:"scores"`
	Seeds    []SeedDifference `json:"seeds"`      // of seeds that both have done
	Mean     float64          `json:"difference"` // of the means
	Interval *stats.Interval  `json:"interval"`   // 95 % of Mean; nil where too little is known
	P        *float64         `json:"p"`          // two-sided, of no difference
	Holm     *float64         `json:"holm"`       // P corrected for the number of pairs
	Method   string           `json:"method"`     // how Interval and P were made; "" without them
}

// SeedDifference is one seed on both sides; Diff is second minus first.
type SeedDifference struct {
	Seed       int64      `json:"seed"`
	Accuracies [2]float64 `json:"accuracies"`
	Diff       float64    `json:"difference"`
}

// Compare pairs the configurations of two reports: by ID; where the recipe or
// the data differ, and so the IDs, by network and matrix values, then by
// network alone where it is the only one of its kind on both sides.
func Compare(a, b *Report) (*Comparison, error) {
	c := &Comparison{Names: [2]string{a.Name, b.Name}, Abouts: [2]string{a.About, b.About}, Counts: [2]Counts{a.Counts, b.Counts},
		Answers: [2]string{a.Answer.Sentence, b.Answer.Sentence}, Axes: a.Axes, Differ: settings(a, b), Warnings: []string{}}
	c.UnpairedID = [2][]string{{}, {}}
	pairs := pairRows(a, b)
	for _, p := range pairs {
		c.Pairs = append(c.Pairs, compared(&a.Rows[p[0]], &b.Rows[p[1]]))
	}
	for side, r := range []*Report{a, b} {
		for i, row := range r.Rows {
			if !slices.ContainsFunc(pairs, func(p [2]int) bool { return p[side] == i }) {
				c.Unpaired[side] = append(c.Unpaired[side], row)
				c.UnpairedID[side] = append(c.UnpairedID[side], row.ID)
			}
		}
	}
	if len(c.Pairs) == 0 {
		c.Warnings = append(c.Warnings, "The two have no network in common: nothing can be compared.")
	}
	for _, s := range result.Splits() {
		same := a.Dataset.Digest == b.Dataset.Digest && a.images(s) == b.images(s) && a.Dataset.Validation == b.Dataset.Validation
		if !same && len(c.Pairs) > 0 {
			c.Warnings = append(c.Warnings, fmt.Sprintf("The %s images are not the same: differences on them are of recipes and of images at "+
				"once, and are judged over seeds alone.", s))
		}
		if err := c.judge(a, b, pairs, s, same); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func pairRows(a, b *Report) [][2]int {
	var pairs [][2]int
	takenA, takenB := map[int]bool{}, map[int]bool{}
	by := func(key func(r *Report, i int) string) {
		places := [2]map[string][]int{{}, {}}
		for side, r := range []*Report{a, b} {
			taken := []map[int]bool{takenA, takenB}[side]
			for i := range r.Rows {
				if !taken[i] {
					k := key(r, i)
					places[side][k] = append(places[side][k], i)
				}
			}
		}
		for i := range a.Rows {
			k := key(a, i)
			x, y := places[0][k], places[1][k]
			if !takenA[i] && len(x) == 1 && len(y) == 1 && x[0] == i {
				pairs = append(pairs, [2]int{i, y[0]})
				takenA[i], takenB[y[0]] = true, true
			}
		}
	}
	by(func(r *Report, i int) string { return r.Rows[i].ID })
	by(func(r *Report, i int) string {
		key := r.Rows[i].model
		for n, axis := range r.Axes {
			if a.Axis(axis.Name) != nil && b.Axis(axis.Name) != nil {
				key += "\x00" + axis.Name + "=" + r.Rows[i].Values[n]
			}
		}
		return key
	})
	by(func(r *Report, i int) string { return r.Rows[i].model })
	slices.SortFunc(pairs, func(x, y [2]int) int { return x[0] - y[0] })
	return pairs
}

func compared(a, b *Row) Compared {
	c := Compared{Label: a.Label, IDs: [2]string{a.ID, b.ID}, Parameters: [2]int{a.Footprint.Parameters, b.Footprint.Parameters}}
	for i, row := range []*Row{a, b} {
		if row.Seconds != nil {
			c.Seconds[i] = &row.Seconds.Median
		}
	}
	for i := range a.Trials {
		x := &a.Trials[i]
		y := b.trial(x.Seed)
		if y == nil || x.Status != result.Done || y.Status != result.Done {
			continue
		}
		c.Common++
		if x.WeightsSHA != "" && x.WeightsSHA == y.WeightsSHA {
			c.Identical++
		}
	}
	c.Validation, c.Test = comparedScore(a, b, Validation), comparedScore(a, b, Test)
	return c
}

func (r *Row) trial(seed int64) *Trial {
	for i := range r.Trials {
		if r.Trials[i].Seed == seed {
			return &r.Trials[i]
		}
	}
	return nil
}

func comparedScore(a, b *Row, s Split) *ComparedScore {
	x, y := a.Score(s), b.Score(s)
	if x == nil || y == nil {
		return nil
	}
	out := &ComparedScore{Scores: [2]Score{*x, *y}, Seeds: []SeedDifference{}, Mean: stats.Round(y.Mean - x.Mean)}
	for i := range a.Trials {
		other := b.trial(a.Trials[i].Seed)
		if m := a.Trials[i].On(s); m != nil && other != nil && other.On(s) != nil {
			out.Seeds = append(out.Seeds, SeedDifference{a.Trials[i].Seed, [2]float64{m.Accuracy, other.On(s).Accuracy},
				stats.Round(other.On(s).Accuracy - m.Accuracy)})
		}
	}
	return out
}

// settings lists recipe and data settings that differ.
func settings(a, b *Report) []Fact {
	var out []Fact
	both := func(name, x, y string) {
		if x != y {
			out = append(out, Fact{name, text.Plain(x) + " | " + text.Plain(y)})
		}
	}
	data := [2]map[string]string{jsonFields(a.Dataset), jsonFields(b.Dataset)}
	both("data set", fmt.Sprintf("%s (%.8s)", a.Dataset.Name, a.Dataset.Digest), fmt.Sprintf("%s (%.8s)", b.Dataset.Name, b.Dataset.Digest))
	for _, k := range jsonNames(a.Dataset) {
		if k != "name" && k != "digest" {
			both("dataset."+k, data[0][k], data[1][k])
		}
	}
	x, y := a.recipeValues(), b.recipeValues()
	for _, k := range recipeNames() {
		both("train."+k, strings.Join(x[k], ", "), strings.Join(y[k], ", "))
	}
	keys, of := experiment.Flat(a.source)
	more, other := experiment.Flat(b.source)
	for _, k := range append(keys, more...) {
		_, seen := of[k]
		section, _, _ := strings.Cut(k, ".")
		section, _, _ = strings.Cut(section, "[")
		told := []string{"name", "about", "dataset", "train", "report", "batch", "teachers"}
		if slices.Contains(told, section) || a.source == nil || b.source == nil {
			continue // told above, or of no weight
		}
		if _, told := other[k]; told || seen {
			both(k, cmp.Or(of[k], "none"), cmp.Or(other[k], "none"))
		}
		delete(other, k)
		delete(of, k)
	}
	return out
}

// recipeValues is every setting with its values over the rows.
func (r *Report) recipeValues() map[string][]string {
	seen := map[string][]string{}
	for _, recipe := range r.recipes() {
		for k, v := range recipeValues(recipe) {
			if !slices.Contains(seen[k], v) {
				seen[k] = append(seen[k], v)
			}
		}
	}
	return seen
}
