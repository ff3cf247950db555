package claims

import (
	"fmt"
	"math"
	"strings"

	"slimfit/pkg/stats"
)

// differences compares each cell with the next, by a crossed bootstrap over
// seeds and images, p Holm-corrected over the claim's comparisons.
func (j *Judged) differences() ([]stats.Difference, []float64, error) {
	var groups []stats.Group
	for i := range j.Cells {
		c := &j.Cells[i]
		if c.images != j.Cells[0].images {
			return nil, nil, fmt.Errorf("cells on different images cannot be compared: %d and %d", j.Cells[0].images, c.images)
		}
		groups = append(groups, stats.Group{Name: c.Label, Wrong: c.row.Wrong(c.split)})
	}
	draws, err := stats.CrossedBootstrap(groups, j.Cells[0].images, bootstrapDraws, bootstrapSeed)
	if err != nil {
		return nil, nil, err
	}
	var all []stats.Difference
	var ps []float64
	for i := range len(groups) - 1 {
		d, err := draws.Difference(i, i+1, confidence)
		if err != nil {
			return nil, nil, err
		}
		all, ps = append(all, d), append(ps, d.P)
	}
	return all, stats.Holm(ps), nil
}

// falls wants every mean above the next one's.
func (j *Judged) falls() error {
	if j.few() {
		return nil
	}
	diffs, ps, err := j.differences()
	if err != nil {
		return err
	}
	real, against, rises := 0, 0, 0
	for i, d := range diffs {
		mean, p := round(d.Mean), round(ps[i])
		j.Cells[i].Next, j.Cells[i].P = &mean, &p
		j.Cells[i].Says = fmt.Sprintf("%s points above the next, p %s", points(mean), pText(p))
		switch {
		case p < 1-confidence && mean > 0:
			real++
		case p < 1-confidence:
			against++
		}
		if mean <= 0 {
			rises++
		}
	}
	n := len(diffs)
	switch {
	case real == n:
		j.Verdict = Holds
	case against > 0:
		j.Verdict = Fails
	default:
		j.Verdict = Undecided
	}
	j.Finding = fmt.Sprintf("%d of %s down are beyond what seeds and images explain", real, plural(n, "step"))
	if against > 0 {
		j.Finding += fmt.Sprintf("; %s up are beyond it too", plural(against, "step"))
	} else if rises > 0 {
		j.Finding += fmt.Sprintf("; no fall at all in %s", plural(rises, "step"))
	} else if real < n {
		j.Finding += "; all the means fall"
	}
	j.Finding += "."
	return nil
}

// against compares means with an accuracy, each by its one-sided bound over
// seeds and images.
func (j *Judged) against(accuracy float64) error {
	if j.few() {
		return nil
	}
	holds, fails := 0, 0
	for i := range j.Cells {
		c := &j.Cells[i]
		e, err := stats.EstimateMean(c.row.Wrong(c.split), c.images)
		if err != nil {
			return err
		}
		low, err := e.Lower(confidence)
		if err != nil {
			return err
		}
		high := e.Mean + (e.Mean - low)
		above := 0
		for _, v := range c.row.Accuracies(c.split) {
			if v >= accuracy {
				above++
			}
		}
		c.Says = fmt.Sprintf("bounds of the mean %s and %s; %d of %s at %s or above", percent(low), percent(high), above, plural(c.Summary.N, "seed"), percent(accuracy))
		switch {
		case low >= accuracy && j.Check == Reaches, high < accuracy && j.Check == Below:
			holds++
		case low >= accuracy, high < accuracy:
			fails++
		}
	}
	j.conclude(holds, fails)
	j.Finding = j.cellFindings()
	return nil
}

// fits asks whether one more training may give the accuracy, as exactly as it
// is printed.
func (j *Judged) fits(accuracy, rounding float64) error {
	holds := 0
	for i := range j.Cells {
		c := &j.Cells[i]
		if c.Summary.N < 2 {
			j.Verdict, j.Finding = Untested, c.Label+" has one seed only, and so no spread."
			return nil
		}
		p, err := stats.PredictionInterval(c.row.Accuracies(c.split), confidence)
		if err != nil {
			return err
		}
		fit := accuracy+rounding >= p.Low && accuracy-rounding <= p.High
		word := "does not fit"
		if fit {
			word = "fits"
			holds++
		}
		c.Says = fmt.Sprintf("%s %s: one more training gives %s to %s", percent(accuracy), word, percent(p.Low), percent(min(1, p.High)))
	}
	j.conclude(holds, len(j.Cells)-holds)
	j.Finding = j.cellFindings()
	return nil
}

// same looks for a difference between two cells.
func (j *Judged) same() error {
	if j.few() {
		return nil
	}
	diffs, ps, err := j.differences()
	if err != nil {
		return err
	}
	d := diffs[0]
	mean, p := round(d.Mean), round(ps[0])
	j.Cells[0].Next, j.Cells[0].P = &mean, &p
	j.Verdict = Holds
	if p < 1-confidence {
		j.Verdict = Fails
	}
	j.Finding = fmt.Sprintf("%s less %s is %s points (95 %% interval %s to %s, p %s).", j.Cells[0].Label, j.Cells[1].Label,
		points(d.Mean), points(d.Interval.Low), points(d.Interval.High), pText(p))
	if j.Verdict == Holds {
		j.Finding += " No difference was shown, which is not to say that there is none."
	}
	return nil
}

// spread looks for a difference between two cells' standard deviations.
func (j *Judged) spread() error {
	if j.few() {
		return nil
	}
	a, b := &j.Cells[0], &j.Cells[1]
	r, err := stats.CompareSpread(a.row.Accuracies(a.split), b.row.Accuracies(b.split), confidence)
	if err != nil {
		return err
	}
	j.Verdict = Holds
	if r.P < 1-confidence {
		j.Verdict = Fails
	}
	j.Finding = fmt.Sprintf("sd %s and %s points: a ratio of %.2f (95 %% interval %.2f to %.2f, F test p %s).",
		percentage(a.Summary.SD), percentage(b.Summary.SD), r.Ratio, r.Interval.Low, r.Interval.High, pText(r.P))
	return nil
}

// cellFindings strings the cells' findings together where there are few.
func (j *Judged) cellFindings() string {
	if len(j.Cells) > 2 {
		return "See the cells."
	}
	var parts []string
	for _, c := range j.Cells {
		parts = append(parts, fmt.Sprintf("%s, mean %s of %s: %s", c.Label, percent(c.Summary.Mean), plural(c.Summary.N, "seed"), c.Says))
	}
	return strings.Join(parts, "; ") + "."
}

// round keeps twelve digits, as reports do: sums differ in their last bits
// between machines.
func round(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 11-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
