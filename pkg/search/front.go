package search

import (
	"fmt"
	"slices"

	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// A front is one question with several targets. Each is searched for by itself,
// with the trials of all, and has an equal part of the alpha that earlier looks
// left: Share of what is left of its part for each opening. A configuration that
// several targets open is one look: its bounds do not depend on the target.

// FrontAlpha is what an opening of one of the targets may err, where its own
// earlier ones spent so much and left is what was there before the first of any;
// and what is left of its part.
func (p *Problem) FrontAlpha(left, spent float64) (alpha, part float64) {
	part = left/float64(max(len(p.Front), 1)) - spent
	if part < LeastAlpha {
		return 0, part
	}
	return part * p.Share(), part
}

// verifyFront verifies the certificates of the other targets, that there is one
// of each, and that all openings together spend no more than there is.
func (e Evidence) verifyFront(c *result.Certificate) []Fault {
	var faults []Fault
	for i := range c.Front {
		where := fmt.Sprintf("front[%d]", i)
		if len(c.Front[i].Front) > 0 {
			return append(faults, Fault{where, "it has a front of its own"})
		}
		for _, f := range verifyOne(&c.Front[i], e) {
			faults = append(faults, Fault{where + " " + f.Where, f.What})
		}
	}
	if len(c.Front)+len(c.FrontTargets) == 0 {
		return faults
	}
	var targets []float64
	spent, opened := 0.0, map[string]bool{}
	for _, one := range c.Targets() {
		targets = append(targets, one.Target.Accuracy)
		for _, o := range one.Openings {
			if !opened[o.ConfigID] {
				spent += o.Alpha
			}
			opened[o.ConfigID] = true
		}
		if !slices.Equal(one.FrontTargets, c.FrontTargets) || one.Target.Confidence != c.Target.Confidence {
			faults = append(faults, Fault{"front", "its certificates are of several questions"})
		}
	}
	if !slices.Equal(targets, c.FrontTargets) {
		faults = append(faults, Fault{"front", fmt.Sprintf("it has certificates for %v, of the targets %v", targets, c.FrontTargets)})
	}
	if spent > 1-c.Target.Confidence+alphaSlack {
		faults = append(faults, Fault{"front", fmt.Sprintf("its openings spend %.5g of alpha, and there is %.5g", spent, 1-c.Target.Confidence)})
	}
	return faults
}

// front shows the answers to all targets of a question.
func (t *sheet) front(c *result.Certificate) {
	if len(c.Front) == 0 {
		return
	}
	t.line("\nThe front: one question, whose certificates together err in at most %s of searches.", text.Threshold(1-c.Target.Confidence))
	rows := [][]string{{"target", "verdict", "configuration", string(c.Target.Cost), "at least", "trials"}}
	for _, one := range c.Targets() {
		row := []string{text.Threshold(one.Target.Accuracy), string(one.Verdict), "", "", "", text.Thousands(one.Effort.Trials)}
		if w := one.Winner; w != nil {
			row[2], row[3], row[4] = w.ConfigID, text.Thousands(w.Footprint.Get(c.Target.Cost)), bound(w.Bound)
		} else if n := one.Nearest; n != nil {
			row[2] = "nearest " + n.ConfigID
		}
		rows = append(rows, row)
	}
	t.table(rows)
}
