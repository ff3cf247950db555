package claims

import (
	"cmp"
	"fmt"
	"slices"

	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// compare compares the means of pairs of cells, by a crossed bootstrap over
// seeds and images, p Holm-corrected over these pairs. Cells are numbered
// through Cells and Than.
func (j *Judged) compare(pairs [][2]int) ([]stats.Difference, []float64, error) {
	var groups []stats.Group
	for _, c := range slices.Concat(j.Cells, j.Than) {
		if c.images != j.Cells[0].images {
			return nil, nil, fmt.Errorf("cells on different images cannot be compared: %d and %d", j.Cells[0].images, c.images)
		}
		groups = append(groups, stats.Group{Name: c.Label, Wrong: c.row.Wrong(c.split)})
	}
	draws, err := stats.CrossedBootstrap(groups, j.Cells[0].images, stats.BootstrapDraws, stats.BootstrapSeed)
	if err != nil {
		return nil, nil, err
	}
	var all []stats.Difference
	var ps []float64
	for _, p := range pairs {
		d, err := draws.Difference(p[0], p[1], confidence)
		if err != nil {
			return nil, nil, err
		}
		d.Mean = stats.Round(d.Mean)
		all, ps = append(all, d), append(ps, d.P)
	}
	ps = stats.Holm(ps)
	for i := range ps {
		ps[i] = stats.Round(ps[i])
	}
	return all, ps, nil
}

// tally counts differences that should be above zero.
type tally struct{ real, against, not, all int }

func count(diffs []stats.Difference, ps []float64) tally {
	t := tally{all: len(diffs)}
	for i, d := range diffs {
		switch real := ps[i] < 1-confidence; {
		case real && d.Mean > 0:
			t.real++
		case real:
			t.against++
		}
		if d.Mean <= 0 {
			t.not++
		}
	}
	return t
}

func (t tally) verdict() Verdict {
	switch {
	case t.real == t.all:
		return Holds
	case t.against > 0:
		return Fails
	}
	return Undecided
}

// mark writes each comparison to its cell, and judges them; one alone is the
// finding.
func (j *Judged) mark(diffs []stats.Difference, ps []float64) tally {
	for i, d := range diffs {
		mean, p := d.Mean, ps[i]
		j.Cells[i].Less, j.Cells[i].P = &mean, &p
		j.Cells[i].Says = fmt.Sprintf("%s points above the next, p %s", text.Points(mean), pText(p))
	}
	t := count(diffs, ps)
	j.Verdict = t.verdict()
	if t.all == 1 {
		j.Finding = fmt.Sprintf("%s points, p %s.", text.Points(diffs[0].Mean), pText(ps[0]))
	}
	return t
}

func byMean(a, b stats.Difference) int { return cmp.Compare(a.Mean, b.Mean) }

// falls wants every mean above the next one's.
func (j *Judged) falls() error {
	var steps [][2]int
	for i := range len(j.Cells) - 1 {
		steps = append(steps, [2]int{i, i + 1})
	}
	diffs, ps, err := j.compare(steps)
	if err != nil {
		return err
	}
	t := j.mark(diffs, ps)
	if t.all == 1 {
		return nil
	}
	j.Finding = fmt.Sprintf("%d of %d steps down are beyond what seeds and images explain", t.real, t.all)
	switch {
	case t.against > 0:
		j.Finding += fmt.Sprintf("; %s up are beyond it too", text.Count(t.against, "step"))
	case t.not > 0:
		j.Finding += fmt.Sprintf("; %s up", text.Count(t.not, "mean step"))
	case t.real < t.all:
		j.Finding += "; all the means fall"
	}
	// The whole way is one comparison of its own, so nothing is corrected.
	whole, p, err := j.compare([][2]int{{0, t.all}})
	if err != nil {
		return err
	}
	j.Finding += fmt.Sprintf("; from first to last %s points, p %s.", text.Points(-whole[0].Mean), pText(p[0]))
	return nil
}

// gains wants every mean above its partner's.
func (j *Judged) gains() error {
	var pairs [][2]int
	for i := range j.Cells {
		pairs = append(pairs, [2]int{i, len(j.Cells) + i})
	}
	diffs, ps, err := j.compare(pairs)
	if err != nil {
		return err
	}
	t := j.mark(diffs, ps)
	if t.all == 1 {
		return nil
	}
	least := slices.MinFunc(diffs, byMean)
	most := slices.MaxFunc(diffs, byMean)
	j.Finding = fmt.Sprintf("%d of %d are above beyond what seeds and images explain; %s to %s points.", t.real, t.all,
		text.Points(least.Mean), text.Points(most.Mean))
	return nil
}

// ranking wants the means in the order of the published figures, pair by pair.
func (j *Judged) ranking() error {
	var pairs [][2]int
	for a := range j.Cells {
		for b := range j.Cells {
			if j.Cells[a].row.Published.Accuracy > j.Cells[b].row.Published.Accuracy {
				pairs = append(pairs, [2]int{a, b})
			}
		}
	}
	if len(pairs) == 0 {
		j.Verdict, j.Finding = Holds, "All the published figures are equal."
		return nil
	}
	diffs, ps, err := j.compare(pairs)
	if err != nil {
		return err
	}
	t := count(diffs, ps)
	j.Verdict = t.verdict()
	j.Finding = fmt.Sprintf("Of %s of cells %d are in the published order, %d of them beyond what seeds and images explain",
		text.Count(t.all, "pair"), t.all-t.not, t.real)
	if t.not > 0 {
		j.Finding += fmt.Sprintf("; of %d in another order %d are", t.not, t.against)
	}
	j.Finding += "."
	return nil
}

// same wants the two means no further apart than the margin.
func (j *Judged) same(margin float64) error {
	diffs, _, err := j.compare([][2]int{{0, 1}})
	if err != nil {
		return err
	}
	d := diffs[0]
	mean, p := d.Mean, stats.Round(d.P)
	j.Cells[0].Less, j.Cells[0].P = &mean, &p
	j.Verdict = within(d.Interval, -margin, margin)
	j.Finding = fmt.Sprintf("%s less %s is %s points (95 %% interval %s to %s, p of no difference %s); the margin is %s.", j.Cells[0].name(),
		j.Cells[1].name(),
		text.Points(d.Mean), text.Points(d.Interval.Low), text.Points(d.Interval.High), pText(p), text.Percentage(margin))
	return nil
}

// within says whether an interval lies between two bounds, or outside of them.
func within(i stats.Interval, low, high float64) Verdict {
	switch {
	case i.Low >= low && i.High <= high:
		return Holds
	case i.High < low || i.Low > high:
		return Fails
	}
	return Undecided
}

// spread wants the two standard deviations over seeds no further apart than the
// factor. Equal seeds are compared as pairs: what their trainings share moves
// both.
func (j *Judged) spread(factor float64) error {
	a, b := &j.Cells[0], &j.Cells[1]
	compare, test := stats.CompareSpread, "F test"
	if slices.Equal(a.row.DoneSeeds(a.split), b.row.DoneSeeds(b.split)) {
		compare, test = stats.CompareSpreadPaired, "Pitman-Morgan test of equal seeds as pairs"
	}
	r, err := compare(a.row.Accuracies(a.split), b.row.Accuracies(b.split), confidence)
	if err != nil {
		return err
	}
	j.Verdict = within(r.Interval, 1/factor, factor)
	hidden := func(ratio float64) float64 { return 1 - 1/(ratio*ratio) }
	j.Finding = fmt.Sprintf("sd %s and %s points: a ratio of %.2f (95 %% interval %.2f to %.2f, p %s, %s; the margin is %.2f). The second "+
		"lacks %.0f %% of the first one's variance (%.0f to %.0f %%).",
		text.Percentage(a.Summary.SD), text.Percentage(b.Summary.SD), r.Ratio, r.Interval.Low, r.Interval.High, pText(r.P), test, factor,
		100*hidden(r.Ratio), 100*hidden(r.Interval.Low), 100*hidden(r.Interval.High))
	return nil
}
