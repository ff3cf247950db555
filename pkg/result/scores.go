package result

import (
	"fmt"
	"math"
)

// Scores is the content of scores.json: how sure a trial's network is of its
// answers, right and wrong, and what it finds in shifted images. It speaks of
// the weights that it names; where the trial was trained again it is stale.
type Scores struct {
	ConfigID   string      `json:"config_id"`
	Seed       int64       `json:"seed"`
	WeightsSHA string      `json:"weights_sha256"` // as result.json has it
	Sure       Pair[Tally] `json:"sure"`
	Shifts     []Shifted   `json:"shifts"`
}

// Tally counts answers by how sure they are: [bin, right, wrong], rising, without
// empty bins. A bin is a quarter of log-odds, see Bin.
type Tally [][3]int

// Shifted is what a network finds in images shifted as the name says (package
// shift): right answers by true class; nil where a split was not judged.
type Shifted struct {
	Shift string      `json:"shift"`
	Found Pair[[]int] `json:"found"`
}

// On is what was found in the split; nil where it was not judged.
func (s *Shifted) On(split Split) []int {
	if f := at(&s.Found, split); *f != nil {
		return **f
	}
	return nil
}

func at[T any](p *Pair[T], s Split) **T {
	if s == Test {
		return &p.Test
	}
	return &p.Validation
}

// On is the split's tally; nil where there is none.
func (s *Scores) On(split Split) Tally {
	if t := *at(&s.Sure, split); t != nil {
		return *t
	}
	return nil
}

// SetOn sets the split's tally.
func (s *Scores) SetOn(split Split, t Tally) { *at(&s.Sure, split) = &t }

// SetFound sets what was found in the split's images under a shift.
func (s *Scores) SetFound(shift string, split Split, found []int) {
	for i := range s.Shifts {
		if s.Shifts[i].Shift == shift {
			*at(&s.Shifts[i].Found, split) = &found
			return
		}
	}
	s.Shifts = append(s.Shifts, Shifted{Shift: shift})
	s.SetFound(shift, split, found)
}

// Found is what was found in the split's images under a shift; nil where they
// were not judged.
func (s *Scores) Found(shift string, split Split) []int {
	for i := range s.Shifts {
		if s.Shifts[i].Shift == shift {
			return s.Shifts[i].On(split)
		}
	}
	return nil
}

// Correct are the right answers to the split's images under each shift; nil where
// one was not judged.
func (s *Scores) Correct(shifts []string, split Split) []int {
	var out []int
	for _, name := range shifts {
		found := s.Found(name, split)
		if found == nil {
			return nil
		}
		sum := 0
		for _, n := range found {
			sum += n
		}
		out = append(out, sum)
	}
	return out
}

// Key names the trial.
func (s Scores) Key() Key { return Key{ConfigID: s.ConfigID, Seed: s.Seed} }

// Of says whether s was made from the result's weights, as far as the result
// names them.
func (s Scores) Of(r Result) bool {
	return s.Key() == r.Key() && (r.WeightsSHA == "" || s.WeightsSHA == r.WeightsSHA)
}

// Add takes over what older scores of the same weights have besides.
func (s *Scores) Add(old Scores) {
	if old.Key() != s.Key() || old.WeightsSHA != s.WeightsSHA {
		return
	}
	for _, split := range Splits() {
		if t := old.On(split); t != nil && s.On(split) == nil {
			s.SetOn(split, t)
		}
		for i := range old.Shifts {
			if name, found := old.Shifts[i].Shift, old.Shifts[i].On(split); found != nil && s.Found(name, split) == nil {
				s.SetFound(name, split, found)
			}
		}
	}
}

// Bins of a Tally: log-odds from -16 to 16 in quarters; the outer ones hold what
// is beyond.
const (
	LowestBin  = -64
	HighestBin = 63
	BinWidth   = 0.25
)

// Bin is where an answer stands. Of two classes it is the log-odds of class 1:
// below 0 the answer is class 0. Of more, it is the answer's log-odds against all
// others together.
func Bin(logits []float32, answer int) int {
	best, rest := float64(logits[answer]), math.Inf(-1)
	if len(logits) == 2 {
		best, rest = float64(logits[1]), float64(logits[0])
	} else {
		sum := 0.0
		for k, l := range logits {
			if k != answer {
				rest = max(rest, float64(l))
			}
		}
		for k, l := range logits {
			if k != answer {
				sum += math.Exp(float64(l) - rest)
			}
		}
		rest += math.Log(sum)
	}
	odds := (best - rest) / BinWidth
	if math.IsNaN(odds) {
		odds = 0
	}
	return int(math.Floor(min(HighestBin, max(LowestBin, odds))))
}

// Check says where the scores contradict themselves, or images and classes; ""
// where they do not.
func (s *Scores) Check(images func(Split) int, classes int) string {
	for _, split := range Splits() {
		last, all := LowestBin-1, 0
		for _, b := range s.On(split) {
			if b[0] <= last || b[0] > HighestBin || b[1] < 0 || b[2] < 0 {
				return fmt.Sprintf("%s: bin %v of the scores is out of order or range", split, b)
			}
			last, all = b[0], all+b[1]+b[2]
		}
		if n := images(split); s.On(split) != nil && all != n {
			return fmt.Sprintf("%s: the scores are of %d images, not %d", split, all, n)
		}
		for i := range s.Shifts {
			found, all := s.Shifts[i].On(split), 0
			for _, n := range found {
				all += n
				if n < 0 || all > images(split) {
					return fmt.Sprintf("%s, %s: more is found than there is", split, s.Shifts[i].Shift)
				}
			}
			if found != nil && len(found) != classes {
				return fmt.Sprintf("%s, %s: %d classes, not %d", split, s.Shifts[i].Shift, len(found), classes)
			}
		}
	}
	return ""
}
