// Package claims holds statements against results: that accuracy falls along
// some configurations, that one reaches an accuracy, that a published figure
// fits what retraining gives. Each gets a verdict, the figures behind it, and a
// place in the report; one that fails is printed as failed.
package claims

import (
	"errors"
	"fmt"
	"slices"

	"slimfit/pkg/text"
)

// Check is what a claim says of its cells.
type Check string

const (
	Falls   Check = "falls"   // mean accuracy falls from each cell to the next
	Ranking Check = "ranking" // means are in the order of the cells' published figures
	Gains   Check = "gains"   // each cell's mean is above that of its partner in Than
	Reaches Check = "reaches" // each cell's mean accuracy is at least Accuracy
	Below   Check = "below"   // each cell's mean accuracy is below Accuracy
	Every   Check = "every"   // each seed of each cell is at least Accuracy accurate
	Fits    Check = "fits"    // Accuracy is what one more training of each cell may give
	Bound   Check = "bound"   // one network that reads Accuracy of the images reads Least of all such images
	Same    Check = "same"    // two cells' mean accuracies differ by Margin at most
	Spread  Check = "spread"  // two cells' spreads over seeds differ by the factor Margin at most
	Ratio   Check = "ratio"   // the baseline's Cost is Times that of each cell
)

// needs is what a check takes besides cells.
type needs struct {
	cells, most               int // cells, at least and at most; most 0: no limit
	accuracy, published       bool
	least, margin, cost, than bool
}

func checks() map[Check]needs {
	return map[Check]needs{
		Falls:   {cells: 2},
		Ranking: {cells: 2, published: true},
		Gains:   {cells: 1, than: true},
		Reaches: {cells: 1, accuracy: true},
		Below:   {cells: 1, accuracy: true},
		Every:   {cells: 1, accuracy: true},
		Fits:    {cells: 1, accuracy: true, published: true},
		Bound:   {cells: 1, most: 1, accuracy: true, least: true},
		Same:    {cells: 2, most: 2, margin: true},
		Spread:  {cells: 2, most: 2, margin: true},
		Ratio:   {cells: 1, cost: true},
	}
}

// given is which keys a claim has.
type given struct{ accuracy, times, least, margin bool }

// valid checks what each kind of claim needs.
func (c Claim) valid(has given) error {
	want := checks()[c.Check]
	n := len(c.Cells)
	switch {
	case c.Text == "":
		return errors.New("no `claim:`, the statement in words")
	case n < want.cells || want.most > 0 && n > want.most:
		return fmt.Errorf("%s takes %s, not %d", c.Check, countText(want), n)
	case want.than && len(c.Than) != n, !want.than && c.Than != nil:
		return fmt.Errorf("%s: `than:` has %d cells beside %d; gains takes a partner for each, the others none", c.Check, len(c.Than), n)
	}
	if err := c.validFigures(want, has); err != nil {
		return err
	}
	for i, cell := range slices.Concat(c.Cells, c.Than) {
		if cell["experiment"] == "" {
			return fmt.Errorf("cell %d names no experiment", i+1)
		}
	}
	return nil
}

func (c Claim) validFigures(want needs, has given) error {
	switch {
	case has.accuracy && !want.accuracy && !want.published:
		return fmt.Errorf("%s takes no `accuracy:`", c.Check)
	case !has.accuracy && (want.accuracy || want.published):
		return fmt.Errorf("%s needs an `accuracy:`", c.Check)
	case c.Published && !want.published:
		return fmt.Errorf("%s needs an `accuracy:` of its own, not the cells' published ones", c.Check)
	case has.accuracy && !c.Published && !want.accuracy:
		return fmt.Errorf("%s needs `accuracy: published`", c.Check)
	case has.least != want.least:
		return fmt.Errorf("least %v: bound takes a fraction, the others none", c.Least)
	case has.margin != want.margin:
		return fmt.Errorf("margin: %s; same and spread need one, the others none", c.Check)
	case c.Check == Same && !(c.Margin > 0 && c.Margin < 1):
		return fmt.Errorf("margin %v: want a difference of accuracies, such as 0.001 for 0.1 points", c.Margin)
	case c.Check == Spread && !(c.Margin > 1):
		return fmt.Errorf("margin %v: want a factor above 1", c.Margin)
	case (c.Cost != "") != want.cost || has.times != want.cost:
		return fmt.Errorf("%s: ratio needs `cost:` and `times:`, the others neither", c.Check)
	}
	return nil
}

func names() []Check {
	var all []Check
	for c := range checks() {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

func countText(n needs) string {
	if n.most == n.cells {
		return text.Count(n.cells, "cell")
	}
	return text.Count(n.cells, "cell") + " or more"
}
