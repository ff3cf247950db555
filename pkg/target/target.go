// Package target is the one judge of a target: what a network must reach, by
// which rule the networks of several seeds are judged together, and what they
// show so far. Searches, reports, claims and the report's page judge by it.
package target

import (
	"fmt"
	"strings"

	"slimfit/pkg/footprint"
	"slimfit/pkg/text"
)

// Target is what a network must reach.
type Target struct {
	Accuracy   float64 // a fraction in (0, 1), of Metric
	Metric     string  // Accuracy or BalancedAccuracy, which goes with the rule Worst; "" is Accuracy
	Confidence float64 // in [0.5, 1), default 0.95
	Seeds      int     // the first this many of the experiment's are judged; default all of them
	Cost       footprint.Cost
	Device     string   // the chip that its costs are measured on; "" is none
	Within     []Budget // hard limits, in the file's order
	Rule       string   // Worst, Mean or Tolerance
	Precision  string   // of the networks that are judged: Float32, or Int8, quantized after training
	Classes    []string // their names; nil where they are not known
	Evidence   string   // Certificate or Observed; "" is Certificate
	RecallAll  float64  // floor for every class's recall, in [0, 1]; 0 asks nothing
	Recall     []Recall // floors for single classes, by rising class
	Under      []Under  // floors under shifts of the images
}

// How seeds are judged against the target.
const (
	Worst     = "worst"     // every seed passes
	Mean      = "mean"      // the mean over seeds passes
	Tolerance = "tolerance" // a one-sided normal tolerance bound over seeds passes; see LeastSeeds
)

// Rules are all of them.
func Rules() []string { return []string{Worst, Mean, Tolerance} }

// Coverage is the share of future seeds that the tolerance rule speaks of.
const Coverage = 0.95

// LeastSeeds is the fewest seeds that a rule can judge by: a mean needs a
// spread, and with fewer than ten a tolerance factor is useless.
func LeastSeeds(rule string) int {
	switch rule {
	case Mean:
		return 2
	case Tolerance:
		return 10
	}
	return 1
}

// What an answer rests on.
const (
	Certificate = "certificate" // bounds on the test images, which may err by 1 - Confidence
	Observed    = "observed"    // what the validation images show; the test images are looked at, and decide nothing
)

// Precisions of the networks that a target judges.
const (
	Float32 = "float32" // as trained
	Int8    = "int8"    // the full-integer file that `slimfit export` makes of it
)

// Budget is a hard limit on one cost: a configuration above it is no candidate.
type Budget struct {
	Cost  footprint.Cost
	Limit float64 // inclusive
}

// Recall is the floor of one class's recall.
type Recall struct {
	Class int     // 0-based
	Floor float64 // in [0, 1]
}

// Under is the accuracy that every network must reach on shifted images, whatever
// the rule.
type Under struct {
	Shift    string  `json:"shift"`    // a name of package shift
	Accuracy float64 `json:"accuracy"` // in (0, 1)
}

// Shifts are those of Under, in its order.
func (t *Target) Shifts() []string {
	var names []string
	for _, u := range t.Under {
		names = append(names, u.Shift)
	}
	return names
}

// Floor is the recall that every network must reach for the class, whatever the
// rule; 0 asks nothing.
func (t *Target) Floor(class int) float64 {
	for _, r := range t.Recall {
		if r.Class == class {
			return r.Floor
		}
	}
	return t.RecallAll
}

// HasFloors says whether any class has a floor.
func (t *Target) HasFloors() bool { return t.RecallAll > 0 || len(t.Recall) > 0 }

// Costs are the figures that the target looks at: what is to be small, and what
// has a budget.
func (t *Target) Costs() []footprint.Cost {
	costs := []footprint.Cost{t.Cost}
	for _, b := range t.Within {
		costs = append(costs, b.Cost)
	}
	return costs
}

// Over lists the budgets that a network breaks.
func (t *Target) Over(f footprint.Footprint) []Budget {
	var out []Budget
	for _, b := range t.Within {
		if float64(f.Get(b.Cost)) > b.Limit {
			out = append(out, b)
		}
	}
	return out
}

// Reaches says whether correct of images is at least the share, taken as the
// decimal digits that a person wrote: 29 of 100 reach 0.29. Both sides of the
// comparison are rounded once, the quotient and the digits, to the nearest
// number; as two different ones lie at least 1 / (images * 10^digits) apart, it
// decides in whole images up to 10^15 of that product. The page's JavaScript
// compares the same numbers.
func Reaches(correct, images int, share float64) bool {
	return share <= 0 || images > 0 && float64(correct)/float64(images) >= share
}

// Guess is what a confusion matrix shows of a network that an accuracy hides.
type Guess struct {
	Class  int   // that most images show, the lowest of equals
	Most   int   // images of it: what always answering it gets right
	Images int   // of all classes; 0: there is no matrix, and nothing to say
	Right  int   // by the network
	Never  []int // classes with images that the network never answers
}

// GuessOf reads a confusion matrix, [true class][predicted class].
func GuessOf(confusion [][]int) Guess {
	var g Guess
	answers := make([]int, len(confusion))
	for class, row := range confusion {
		right, all := ClassImages(row, class)
		if all > g.Most {
			g.Class, g.Most = class, all
		}
		g.Images, g.Right = g.Images+all, g.Right+right
		for guess, n := range row[:min(len(row), len(answers))] {
			answers[guess] += n
		}
	}
	for class, row := range confusion {
		if _, all := ClassImages(row, class); all > 0 && answers[class] == 0 {
			g.Never = append(g.Never, class)
		}
	}
	return g
}

// Share is what always answering the largest class gets right, a fraction.
func (g Guess) Share() float64 { return float64(g.Most) / float64(max(1, g.Images)) }

// Words are what is wrong with the network, after "it"; "" for nothing.
func (g Guess) Words(classes []string) string {
	var words []string
	if g.Images > 0 && g.Right <= g.Most {
		words = append(words, fmt.Sprintf("does no better than always answering %s (%s)", text.Class(classes, g.Class), text.Percent(g.Share())))
	}
	if n := len(g.Never); n > 0 {
		const named = 3
		var names []string
		for _, class := range g.Never[:min(n, named)] {
			names = append(names, text.Class(classes, class))
		}
		if n > named {
			names = append(names, fmt.Sprintf("%d more classes", n-named))
		}
		words = append(words, "never answers "+text.List(names))
	}
	return strings.Join(words, " and ")
}

// GuessRemedy is what to do about such a network.
const GuessRemedy = "ask for floors, such as target: {recall: {all: 0.5}}, or by target: {metric: balanced_accuracy}"
