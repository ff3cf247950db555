package result

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Scores is the content of scores.json: how sure a trial's network is of its
// answers, right and wrong, and what it finds in shifted images. It speaks of
// the weights that it names; where the trial was trained again it is stale.
type Scores struct {
	ConfigID   string          `json:"config_id"`
	Seed       int64           `json:"seed"`
	WeightsSHA string          `json:"weights_sha256"` // as result.json has it
	Sure       map[Split]Tally `json:"sure"`
	Shifted
	Int8 *Shifted `json:"int8,omitempty"` // of its int8 network, where somebody asked
	// Mistakes are the wrong answers that the network is surest of, the surest
	// first, at most MostMistakes of a split; older files have none.
	Mistakes map[Split][]Mistake `json:"mistakes,omitempty"`
}

// Shifted is what a network finds in shifted images.
type Shifted struct {
	// Shifts has, by the name of the shift (package shift), what is found: right
	// answers by true class.
	Shifts map[string]map[Split][]int `json:"shifts"`
	// Distinct has, by shift, how many right answers are to test images that repeat no
	// other, where that is not all of them.
	Distinct map[string]int `json:"distinct,omitempty"`
}

// Judged is what the float32 network finds, or the int8 one.
func (s *Scores) Judged(int8 bool) Shifted {
	switch {
	case !int8:
		return s.Shifted
	case s.Int8 != nil:
		return *s.Int8
	}
	return Shifted{}
}

// MostMistakes bounds what is kept of a split's wrong answers.
const MostMistakes = 40

// Mistake is a wrong answer. Scores are shares of the softmax, in [0, 1], to four digits.
type Mistake struct {
	Image     int     `json:"image"`          // its number in the split, from 0
	File      string  `json:"file,omitempty"` // within a folder of pictures
	True      int     `json:"true"`           // class
	Predicted int     `json:"predicted"`
	Score     float64 `json:"score"` // of Predicted
	TrueScore float64 `json:"true_score"`
}

// NewMistake takes the scores from an image's logits, of one value a class.
func NewMistake(image, label, answer int, logits []float32) Mistake {
	sum, best := 0.0, float64(logits[answer])
	for _, l := range logits {
		sum += math.Exp(float64(l) - best)
	}
	share := func(class int) float64 {
		if v := math.Round(1e4*math.Exp(float64(logits[class])-best)/sum) / 1e4; v >= 0 {
			return v
		}
		return 0 // of logits that are no numbers
	}
	return Mistake{Image: image, True: label, Predicted: answer, Score: share(answer), TrueScore: share(label)}
}

// Surest are the mistakes to keep, in order.
func Surest(all []Mistake) []Mistake {
	slices.SortStableFunc(all, func(a, b Mistake) int { return cmp.Compare(b.Score, a.Score) })
	return slices.Clone(all[:min(MostMistakes, len(all))])
}

// Tally counts answers by how sure they are: [bin, right, wrong], rising, without
// empty bins. A bin is a quarter of log-odds, see Bin.
type Tally [][3]int

// NewScores are empty ones of a result's network.
func NewScores(r Result) Scores {
	return Scores{ConfigID: r.ConfigID, Seed: r.Seed, WeightsSHA: r.WeightsSHA, Sure: map[Split]Tally{},
		Shifted: Shifted{Shifts: map[string]map[Split][]int{}}, Mistakes: map[Split][]Mistake{}}
}

// SetFound sets what was found in the split's images under a shift.
func (s *Shifted) SetFound(shift string, split Split, found []int) {
	if s.Shifts == nil {
		s.Shifts = map[string]map[Split][]int{}
	}
	if s.Shifts[shift] == nil {
		s.Shifts[shift] = map[Split][]int{}
	}
	s.Shifts[shift][split] = found
}

// SetDistinct sets how much of it is of test images that repeat no other.
func (s *Shifted) SetDistinct(shift string, found int) {
	if s.Distinct == nil {
		s.Distinct = map[string]int{}
	}
	s.Distinct[shift] = found
}

// Correct are the right answers to the split's images under each shift; nil where
// one was not judged.
func (s *Shifted) Correct(shifts []string, split Split) []int {
	var out []int
	for _, name := range shifts {
		found := s.Shifts[name][split]
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

// Counted are the right answers to test images under each shift that floors count:
// to the distinct ones of a result, or to all its images; and how many these are.
// nil where one was not judged.
func (s *Shifted) Counted(shifts []string, distinct *Distinct, images int) (right []int, n int) {
	right = s.Correct(shifts, Test)
	if distinct == nil {
		return right, images
	}
	for i, name := range shifts {
		n, ok := s.Distinct[name]
		if right == nil || !ok {
			return nil, 0
		}
		right[i] = n
	}
	return right, distinct.Test
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
	for split, m := range old.Mistakes {
		if s.Mistakes == nil {
			s.Mistakes = map[Split][]Mistake{}
		}
		if s.Mistakes[split] == nil {
			s.Mistakes[split] = m
		}
	}
	for split, t := range old.Sure {
		if s.Sure[split] == nil {
			s.Sure[split] = t
		}
	}
	s.Shifted.add(old.Shifted)
	if old.Int8 != nil && s.Int8 != nil {
		s.Int8.add(*old.Int8)
	} else if s.Int8 == nil {
		s.Int8 = old.Int8
	}
}

func (s *Shifted) add(old Shifted) {
	for name, n := range old.Distinct {
		if _, ok := s.Shifts[name][Test]; !ok {
			s.SetDistinct(name, n)
		}
	}
	for name, on := range old.Shifts {
		for split, found := range on {
			if s.Shifts[name][split] == nil {
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
		for _, b := range s.Sure[split] {
			if b[0] <= last || b[0] > HighestBin || b[1] < 0 || b[2] < 0 {
				return fmt.Sprintf("%s: bin %v of the scores is out of order or range", split, b)
			}
			last, all = b[0], all+b[1]+b[2]
		}
		if n := images(split); s.Sure[split] != nil && all != n {
			return fmt.Sprintf("%s: the scores are of %d images, not %d", split, all, n)
		}
		if n := len(s.Mistakes[split]); n > MostMistakes {
			return fmt.Sprintf("%s: %d mistakes, more than %d", split, n, MostMistakes)
		}
		for _, m := range s.Mistakes[split] {
			if m.Image < 0 || m.Image >= images(split) || min(m.True, m.Predicted) < 0 || max(m.True, m.Predicted) >= classes ||
				!(min(m.Score, m.TrueScore) >= 0 && max(m.Score, m.TrueScore) <= 1) {
				return fmt.Sprintf("%s: there is no mistake %+v", split, m)
			}
		}
		for _, shifted := range []Shifted{s.Shifted, s.Judged(true)} {
			if doubt := shifted.check(split, images(split), classes); doubt != "" {
				return doubt
			}
		}
	}
	return ""
}

func (s *Shifted) check(split Split, images, classes int) string {
	for name, on := range s.Shifts {
		all := 0
		for _, n := range on[split] {
			all += n
			if n < 0 || all > images {
				return fmt.Sprintf("%s, %s: more is found than there is", split, name)
			}
		}
		if n := s.Distinct[name]; split == Test && (n < 0 || n > all) {
			return fmt.Sprintf("%s: %d right answers to distinct images, %d to all", name, n, all)
		}
		if on[split] != nil && len(on[split]) != classes {
			return fmt.Sprintf("%s, %s: %d classes, not %d", split, name, len(on[split]), classes)
		}
	}
	return ""
}
