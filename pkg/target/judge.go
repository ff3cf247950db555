package target

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// Verdict says whether a configuration meets the target.
type Verdict string

const (
	Meets     Verdict = "meets"
	Misses    Verdict = "misses"    // whatever seeds are still to come
	Undecided Verdict = "undecided" // seeds are missing
)

// Network is one trained network's answers on the images of one split.
type Network struct {
	Seed      int64   `json:"seed"`
	Diverged  bool    `json:"diverged,omitempty"` // then there are no answers
	Correct   int     `json:"correct"`
	Images    int     `json:"images"`              // 1 or more, as many for every network
	Confusion [][]int `json:"confusion,omitempty"` // [true class][predicted class]; nil where it is not known
	// Shifted are the right answers under each shift of Target.Under, in its order; nil
	// where they are not known.
	Shifted []int `json:"shifted,omitempty"`
	Counted int   `json:"counted,omitempty"` // the images of Shifted; 0: Images
}

// Trouble is why a configuration misses the target whatever its accuracy.
type Trouble struct {
	Seed     int64
	Diverged bool    // the seed gave no network
	Shift    string  // under which its accuracy, Recall, is too low; "": its recall is:
	Class    int     // the first class below its floor
	Images   int     // of the class; 0: there is nothing to judge it by
	Recall   float64 // below Floor
	Floor    float64
}

// Seen is what the networks of one configuration show by one rule, before any
// accuracy is asked for. Value and Best are comparable with a target as its
// digits stand: see Reaches.
type Seen struct {
	N        int      // networks with answers
	Value    float64  // what the rule compares: the worst accuracy, the mean, or the mean less k standard deviations
	Best     float64  // the most that Value can become when the missing seeds are there
	Complete bool     // no seed is missing
	Trouble  *Trouble // nil for none
	Blind    bool     // a network's confusion matrix is not known, or shifted answers are not, and the target needs it
}

// Verdict applies an accuracy.
func (s Seen) Verdict(accuracy float64) Verdict {
	switch {
	case s.Trouble != nil || s.N > 0 && s.Best < accuracy:
		return Misses
	case !s.Complete || s.Blind:
		return Undecided
	}
	return Meets
}

// Judge judges configurations by their networks.
type Judge struct {
	*Target
	Seeds  int     // that a configuration is judged by
	Factor float64 // k of the tolerance rule, else 0
	// FloatSums takes means as the sum of rounded accuracies, as certificates of
	// format 1 were made: a mean that equals the target may miss it by a last bit.
	FloatSums bool
}

// NewJudge fails where the rule cannot judge by so few seeds.
func NewJudge(t *Target, seeds int) (*Judge, error) {
	j := &Judge{Target: t, Seeds: seeds}
	if least := LeastSeeds(t.Rule); seeds < least {
		return nil, fmt.Errorf("target rule %q needs at least %d seeds, got %d; set seeds: %d", t.Rule, least, seeds, least)
	}
	if t.Balanced() && t.Rule != Worst {
		return nil, fmt.Errorf("a balanced accuracy is judged by the rule worst, not by %s", t.Rule)
	}
	if t.Rule == Tolerance {
		var err error
		if j.Factor, err = stats.ToleranceFactor(seeds, Coverage, t.Confidence); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// See looks at the networks that are there, in the order of seeds.
func (j *Judge) See(nets []Network) Seen {
	s := Seen{Complete: len(nets) >= j.Seeds}
	var correct []int
	var balanced []float64
	images := 0
	for _, n := range nets {
		if s.Trouble == nil {
			s.Trouble = j.Trouble(n)
		}
		if n.Diverged {
			continue
		}
		s.Blind = s.Blind || j.NeedsConfusion() && n.Confusion == nil || len(n.Shifted) < len(j.Under)
		if share, ok := j.Share(n); j.Balanced() && ok {
			balanced = append(balanced, share)
		}
		correct, images = append(correct, n.Correct), n.Images
	}
	if s.N = len(balanced); s.N > 0 { // the rule is worst
		s.Value = slices.Min(balanced)
		s.Best = s.Value
		return s
	}
	if s.N = len(correct); s.N == 0 || images < 1 || j.Balanced() {
		s.N, s.Complete = 0, false
		return s
	}
	s.Value = j.Value(correct, images)
	s.Best = j.best(correct, images)
	return s
}

// Trouble is what rules the network's configuration out; nil for nothing.
func (j *Judge) Trouble(n Network) *Trouble {
	if n.Diverged {
		return &Trouble{Seed: n.Seed, Diverged: true}
	}
	for i, correct := range n.Shifted[:min(len(n.Shifted), len(j.Under))] {
		images := cmp.Or(n.Counted, n.Images)
		if u := j.Under[i]; !Reaches(correct, images, u.Accuracy) {
			return &Trouble{Seed: n.Seed, Shift: u.Shift, Images: images, Recall: float64(correct) / float64(images), Floor: u.Accuracy}
		}
	}
	if !j.NeedsConfusion() || n.Confusion == nil {
		return nil
	}
	classes := len(n.Confusion)
	for _, r := range j.Recall {
		classes = max(classes, r.Class+1)
	}
	for class := range classes {
		floor, right, all := j.Floor(class), 0, 0
		if class < len(n.Confusion) {
			right, all = ClassImages(n.Confusion[class], class)
		}
		if floor > 0 && !Reaches(right, all, floor) || j.Balanced() && all == 0 {
			return &Trouble{Seed: n.Seed, Class: class, Images: all, Recall: float64(right) / math.Max(1, float64(all)), Floor: floor}
		}
	}
	return nil
}

// BelowFloor stands in the words for a floor that is missed.
const BelowFloor = ", the floor "

// Words says why a network is ruled out; share writes a recall beside its floor.
func (t *Target) Words(w Trouble, share func(v, floor float64) string) string {
	class := text.Class(t.Classes, w.Class)
	switch {
	case w.Diverged:
		return fmt.Sprintf("seed %d diverged", w.Seed)
	case w.Shift != "":
		return fmt.Sprintf("seed %d: accuracy under %s is %s"+BelowFloor+"%s", w.Seed, w.Shift, share(w.Recall, w.Floor), text.Threshold(w.Floor))
	case w.Images == 0:
		return fmt.Sprintf("seed %d: no image of class %s to judge its recall by", w.Seed, class)
	}
	return fmt.Sprintf("seed %d: recall of class %s is %s"+BelowFloor+"%s", w.Seed, class, share(w.Recall, w.Floor), text.Threshold(w.Floor))
}

// ClassImages counts a row of a confusion matrix: the images of the class, and
// how many are right.
func ClassImages(row []int, class int) (right, all int) {
	for guess, n := range row {
		all += n
		if guess == class {
			right = n
		}
	}
	return right, all
}

// Value is what the rule compares with the target, of the correct answers of
// one network or more to as many images each. Sums are whole numbers until
// the last division.
func (j *Judge) Value(correct []int, images int) float64 {
	n, sum, squares, least := len(correct), 0, 0.0, correct[0]
	for _, c := range correct {
		sum += c
		least = min(least, c)
	}
	switch j.Rule {
	case Mean:
		if j.FloatSums {
			return floatMean(correct, images)
		}
		return float64(sum) / (float64(n) * float64(images))
	case Tolerance:
		for _, c := range correct {
			d := float64(n*c - sum) // n times the deviation, in images
			squares += d * d
		}
		sd := math.Sqrt(squares/float64(max(1, n-1))) / float64(n)
		return stats.Round((float64(sum)/float64(n) - j.Factor*sd) / float64(images))
	}
	return float64(least) / float64(images)
}

func floatMean(correct []int, images int) float64 {
	var all []float64
	for _, c := range correct {
		all = append(all, float64(c)/float64(images))
	}
	s, err := stats.Summarize(all)
	if err != nil {
		return 0
	}
	return s.Mean
}

// best is the highest value that is still possible when the missing seeds are
// yet to come. It is exact for every rule: each is concave and symmetric in the
// seeds, so the missing ones are best when they are equal.
func (j *Judge) best(correct []int, images int) float64 {
	missing := j.Seeds - len(correct)
	if missing <= 0 || j.Rule == Worst {
		return j.Value(correct, images)
	}
	at := func(c int) float64 {
		all := append([]int{}, correct...)
		for range missing {
			all = append(all, c)
		}
		return j.Value(all, images)
	}
	if j.Rule == Mean {
		return at(images)
	}
	low, high := 0, images
	for high-low > 2 { // the highest point of a concave curve
		a, b := low+(high-low)/3, high-(high-low)/3
		if at(a) < at(b) {
			low = a
		} else {
			high = b
		}
	}
	best := at(images)
	for c := low; c <= high; c++ {
		best = math.Max(best, at(c))
	}
	return best
}
