package claims

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// against compares means with an accuracy, each by its one-sided bound over
// seeds and images.
func (j *Judged) against(accuracy float64) error {
	holds, fails := 0, 0
	for i := range j.Cells {
		c := &j.Cells[i]
		e, err := stats.EstimateMean(c.row.Wrong(c.split), c.images)
		if err != nil {
			return err
		}
		low, err := e.LowerByParts(confidence)
		if err != nil {
			return err
		}
		high := e.Mean + (e.Mean - low)
		c.Says = fmt.Sprintf("bounds of the mean %s and %s; %d of %s at %s or above", text.Percent(low), text.Percent(high),
			c.atLeast(accuracy), text.Count(c.Summary.N, "seed"), text.Percent(accuracy))
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

// minTolerance is the fewest seeds for which a tolerance bound is worth saying.
const minTolerance = 10

// every wants each seed at the accuracy.
func (j *Judged) every(accuracy float64) error {
	holds := 0
	for i := range j.Cells {
		c := &j.Cells[i]
		n := c.Summary.N
		if c.atLeast(accuracy) == n {
			holds++
		}
		c.Says = fmt.Sprintf("%d of %s below %s", n-c.atLeast(accuracy), text.Count(n, "seed"), text.Percent(accuracy))
		if n >= minTolerance {
			k, err := stats.ToleranceFactor(n, confidence, confidence)
			if err != nil {
				return err
			}
			c.Says += fmt.Sprintf("; 95 %% of all retrainings read %s or more on these images, with 95 %% confidence, if they spread normally",
				text.Percent(c.Summary.Mean-k*c.Summary.SD))
		}
	}
	j.conclude(holds, len(j.Cells)-holds)
	j.Finding = j.cellFindings()
	return nil
}

// fits asks whether one more training of each cell may give the claim's
// accuracy, or the cell's published one, as exactly as it is printed.
func (j *Judged) fits(claim Claim) error {
	holds, off := 0, 0.0
	var not []string
	for i := range j.Cells {
		c := &j.Cells[i]
		if c.Summary.N < 2 {
			j.Verdict, j.Finding = Untested, c.name()+" has one seed only, and so no spread."
			return nil
		}
		f := claim.Accuracy
		if claim.Published {
			f = Figure{c.row.Published.Accuracy, c.row.Published.Rounding}
		}
		p, err := stats.PredictionInterval(c.row.Accuracies(c.split), confidence)
		if err != nil {
			return err
		}
		off += math.Abs(f.Value-c.Summary.Mean) / float64(len(j.Cells))
		word := "does not fit"
		switch {
		case f.Value >= p.Low && f.Value <= p.High:
			word = "fits"
		case f.Value+f.Rounding >= p.Low && f.Value-f.Rounding <= p.High:
			word = fmt.Sprintf("fits as rounded, from %s to %s,", text.Percentage(f.Value-f.Rounding), text.Percent(f.Value+f.Rounding))
		}
		if word == "does not fit" {
			not = append(not, c.Label)
		} else {
			holds++
		}
		c.Says = fmt.Sprintf("%s %s: one more training gives %s to %s", text.Percent(f.Value), word, text.Percent(p.Low),
			text.Percent(min(1, p.High)))
		c.Says = strings.Replace(c.Says, ",:", ":", 1)
	}
	j.conclude(holds, len(j.Cells)-holds)
	if len(j.Cells) <= fewCells {
		j.Finding = j.cellFindings()
		return nil
	}
	j.Finding = fmt.Sprintf("%d of %d fit; the figures lie %s points from our means on average", holds, len(j.Cells), text.Percentage(off))
	if len(not) > 0 && len(not) <= len(j.Cells)/2 {
		j.Finding += "; not: " + strings.Join(not, "; ")
	}
	j.Finding += "."
	return nil
}

// bound says what one network's accuracy on the images tells of all such
// images; nothing is trained for it.
func (j *Judged) bound(accuracy, least float64) error {
	c := &j.Cells[0]
	correct := int(math.Round(accuracy * float64(c.images)))
	low, err := stats.LowerBound(correct, c.images, confidence)
	if err != nil {
		return err
	}
	j.Verdict = Fails
	if low >= least {
		j.Verdict = Holds
	}
	j.Finding = fmt.Sprintf("%s of %s images right: at least %s of all such images, with 95 %% confidence (Clopper-Pearson), if the "+
		"network was not chosen by them.", text.Whole(float64(correct)), text.Whole(float64(c.images)), text.Percent(low))
	return nil
}

// ratio holds a printed ratio against the counted one.
func (j *Judged) ratio(cost footprint.Cost, times Figure) error {
	holds := 0
	for i := range j.Cells {
		c := &j.Cells[i]
		at := slices.IndexFunc(c.report.Costs, func(x report.Cost) bool { return x.Key == cost })
		if at < 0 {
			return fmt.Errorf("the report of %s does not count %s", c.Experiment, cost)
		}
		got := c.row.Ratios[at]
		if math.Abs(got-times.Value) <= times.Rounding {
			holds++
		}
		c.Says = fmt.Sprintf("%s has %s, %s %s: %.4g times", c.report.Baseline.Name, text.Whole(c.report.Baseline.Costs[at]), c.name(),
			text.Whole(c.row.Costs[at]), got)
	}
	j.conclude(holds, len(j.Cells)-holds)
	var parts []string
	for _, c := range j.Cells {
		parts = append(parts, c.Says)
	}
	j.Finding = strings.Join(parts, "; ") + "."
	return nil
}

// fewCells are so few that a claim's finding names each.
const fewCells = 2

// cellFindings strings the cells' findings together where there are few.
func (j *Judged) cellFindings() string {
	if len(j.Cells) > fewCells {
		return "See the cells."
	}
	var parts []string
	for _, c := range j.Cells {
		parts = append(parts, fmt.Sprintf("%s, mean %s of %s: %s", c.name(), text.Percent(c.Summary.Mean), text.Count(c.Summary.N, "seed"),
			c.Says))
	}
	return strings.Join(parts, "; ") + "."
}

// atLeast is how many seeds reach the accuracy.
func (c *Cell) atLeast(accuracy float64) int {
	n := 0
	for i := range c.row.Trials {
		if m := c.row.Trials[i].On(c.split); m != nil && m.Reaches(accuracy) {
			n++
		}
	}
	return n
}
