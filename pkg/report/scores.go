package report

import (
	"maps"
	"math"
	"slices"

	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// Shifted is how the networks of one configuration do on shifted images.
type Shifted struct {
	Shift string                `json:"shift"`
	On    map[Split]*ShiftScore `json:"on"`             // where a seed was judged under it
	Int8  map[Split]*ShiftScore `json:"int8,omitempty"` // of the int8 networks
}

// ShiftScore sums up the seeds that were judged under a shift.
type ShiftScore struct {
	N      int     `json:"n"`
	Mean   float64 `json:"mean"` // of accuracies, as is Min
	Min    float64 `json:"min"`
	Class  int     `json:"worst_class"` // of the lowest recall, the lowest of equals; -1 where nobody knows how many there are
	Recall float64 `json:"recall"`      // of Class, all seeds together
}

// Shift is the row's score under a shift; nil where there is none.
func (r *Row) Shift(name string) *Shifted {
	if i := slices.IndexFunc(r.Shifts, func(s Shifted) bool { return s.Shift == name }); i >= 0 {
		return &r.Shifts[i]
	}
	return nil
}

// shifts sums up what the row's networks find under each shift; unshifted images
// come first, under the name "".
func (r *planned) shifts(row *Row) []Shifted {
	var out []Shifted
	for _, name := range append([]string{""}, r.Shifts...) {
		s := Shifted{Shift: name, On: map[Split]*ShiftScore{}, Int8: map[Split]*ShiftScore{}}
		for _, split := range result.Splits() {
			for int8, on := range map[bool]map[Split]*ShiftScore{false: s.On, true: s.Int8} {
				if score := shiftScore(row.Trials, name, split, int8); score != nil {
					on[split] = score
				}
			}
		}
		if name == "" || len(s.On)+len(s.Int8) > 0 {
			out = append(out, s)
		}
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

func shiftScore(trials []Trial, name string, split Split, int8 bool) *ShiftScore {
	var out *ShiftScore
	var found, all []int
	for i := range trials {
		t := &trials[i]
		m, confusion := t.On(split), t.confusion[split]
		if int8 {
			if t.Int8 == nil {
				continue
			}
			m, confusion = t.Int8.On(split), t.Int8.confusion[split]
		}
		right := result.Found(confusion)
		if name != "" && t.scores != nil {
			right = t.scores.Judged(int8).Shifts[name][split]
		}
		if name != "" && t.scores == nil || right == nil || m == nil || m.Images == 0 {
			continue
		}
		if out != nil && len(right) != len(found) {
			continue // of another data set, by the same name
		}
		if out == nil {
			out, found, all = &ShiftScore{Min: math.Inf(1), Class: -1}, make([]int, len(right)), make([]int, len(right))
		}
		correct := 0
		for class, n := range right {
			correct, found[class] = correct+n, found[class]+n
			if class < len(confusion) {
				for _, n := range confusion[class] {
					all[class] += n
				}
			}
		}
		accuracy := float64(correct) / float64(m.Images)
		out.N, out.Mean, out.Min = out.N+1, out.Mean+accuracy, min(out.Min, accuracy)
	}
	if out == nil {
		return nil
	}
	out.Mean = stats.Round(out.Mean / float64(out.N))
	for class, n := range all {
		if recall := float64(found[class]) / float64(max(1, n)); n > 0 && (out.Class < 0 || recall < out.Recall) {
			out.Class, out.Recall = class, stats.Round(recall)
		}
	}
	return out
}

// Sure is what the chosen network's scores are good for: where to put the
// threshold of two classes, and how accurate the answers are that it is sure of.
// Thresholds are judged on validation images to choose by, and the same ones on
// the test images where these were opened; all seeds together.
type Sure struct {
	ID         string      `json:"config_id"`
	Label      string      `json:"label"`
	Seeds      int         `json:"seeds"`
	Class      int         `json:"class"`      // that Thresholds are of: the rarer of two; -1 where there are more
	Thresholds []Threshold `json:"thresholds"` // of two classes, rising
	Answered   []Answered  `json:"answered"`   // ever fewer
}

// Threshold is what comes of answering Class where its score is at least Score.
type Threshold struct {
	Score float64         `json:"score"`
	On    map[Split]Alarm `json:"on"`
}

// Alarm counts images.
type Alarm struct {
	Found, Missed, False, Quiet int // of Class: answered so, or not; of the other: answered Class, or not
}

// Answered is what comes of giving only answers whose score is at least Score.
type Answered struct {
	Score float64         `json:"score"`
	On    map[Split]Given `json:"on"`
}

// Given counts answers that are given.
type Given struct{ Right, Wrong, Held int }

// Shares are the part of answers that are given, and of these the right ones; 0 of none.
func (g Given) Shares() (answered, right float64) {
	given := g.Right + g.Wrong
	return stats.Round(float64(given) / float64(max(1, given+g.Held))), stats.Round(float64(g.Right) / float64(max(1, given)))
}

// tally counts answers by bin: right and wrong ones.
type tally map[int][2]int

// tallied sums the row's scores of a split; nil where a seed that is done has none.
func (row *Row) tallied(split Split) (sum tally, seeds int) {
	sum = tally{}
	for i := range row.Trials {
		t := &row.Trials[i]
		if t.Status != result.Done || t.scores == nil {
			continue
		}
		bins := t.scores.Sure[split]
		if bins == nil {
			return nil, 0
		}
		for _, b := range bins {
			sum[b[0]] = [2]int{sum[b[0]][0] + b[1], sum[b[0]][1] + b[2]}
		}
		seeds++
	}
	if seeds == 0 {
		return nil, 0
	}
	return sum, seeds
}

// thresholds are those of tables, in bins: from 2 to 98 % of a score.
func thresholds() []int { return []int{-16, -12, -8, -6, -4, -2, 0, 2, 4, 6, 8, 12, 16} }

// sure sums up the chosen network's scores; nil where there are none.
func (r *decided) sure() *Sure {
	i := r.Chosen()
	if i < 0 {
		return nil
	}
	validation, seeds := r.Rows[i].tallied(Validation)
	if validation == nil {
		return nil
	}
	on := map[Split]tally{Validation: validation}
	if test, _ := r.Rows[i].tallied(Test); test != nil {
		on[Test] = test
	}
	s := &Sure{ID: r.Rows[i].ID, Label: r.Rows[i].Label, Seeds: seeds, Class: -1}
	if r.Dataset.Classes == 2 {
		s.Class = 1
		if a := validation.alarm(math.MinInt, 1); a.Found > a.False {
			s.Class = 0
		}
		for _, bin := range thresholds() {
			t := Threshold{share(bin), map[Split]Alarm{}}
			for split, of := range on {
				t.On[split] = of.alarm(bin, s.Class)
			}
			s.Thresholds = append(s.Thresholds, t)
		}
	}
	s.Answered = r.Answers(&r.Rows[i], 1, 0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.5, 0.3)
	return s
}

// Answers is what comes of the row's networks giving about those parts of all answers,
// the surest; nil without scores. Parts that come to the same are one.
func (r *Report) Answers(row *Row, parts ...float64) (out []Answered) {
	validation, _ := row.tallied(Validation)
	if validation == nil {
		return nil
	}
	two := r.Dataset.Classes == 2
	test, _ := row.tallied(Test)
	for _, part := range parts {
		bin := validation.keeping(part, two)
		a := Answered{share(bin), map[Split]Given{Validation: validation.given(bin, two)}}
		if test != nil {
			a.On[Test] = test.given(bin, two)
		}
		if n := len(out); n == 0 || out[n-1].On[Validation] != a.On[Validation] {
			out = append(out, a)
		}
	}
	return out
}

// share is the score at a bin's lower edge.
func share(bin int) float64 {
	if bin < result.LowestBin {
		return 0
	}
	return stats.Round(1 / (1 + math.Exp(-result.BinWidth*float64(bin))))
}

// alarm counts what comes of answering class where its log-odds are at least the
// bin's.
func (t tally) alarm(least, class int) (a Alarm) {
	for bin, n := range t { // of two classes: the log-odds of class 1
		ones, zeros := n[0], n[1]
		if bin < 0 {
			ones, zeros = n[1], n[0]
		}
		of, other := ones, zeros
		if class == 0 {
			bin, of, other = -bin-1, zeros, ones
		}
		if bin >= least {
			a.Found, a.False = a.Found+of, a.False+other
		} else {
			a.Missed, a.Quiet = a.Missed+of, a.Quiet+other
		}
	}
	return a
}

// given counts the answers that are as sure as the bin.
func (t tally) given(least int, two bool) (g Given) {
	for bin, n := range t {
		if two && bin < 0 {
			bin = -bin - 1
		}
		if bin >= least {
			g.Right, g.Wrong = g.Right+n[0], g.Wrong+n[1]
		} else {
			g.Held += n[0] + n[1]
		}
	}
	return g
}

// keeping is the bin from which the share of answers is next to part.
func (t tally) keeping(part float64, two bool) int {
	best, away := math.MinInt, 2.0
	if part == 1 {
		return best
	}
	var answers [result.HighestBin - result.LowestBin + 1]int // by bin
	all := 0
	for bin, n := range t {
		if two && bin < 0 {
			bin = -bin - 1
		}
		answers[bin-result.LowestBin] += n[0] + n[1]
		all += n[0] + n[1]
	}
	given := all
	for i, n := range answers {
		if d := math.Abs(float64(given)/float64(all) - part); given > 0 && d < away {
			best, away = result.LowestBin+i, d
		}
		given -= n
	}
	return best
}

// allShifts are the experiment's, else those that somebody judged by.
func allShifts(in Input) []string {
	if in.Experiment != nil {
		return in.Experiment.Evaluate.Shifts
	}
	names := map[string]bool{}
	for _, s := range in.Scores {
		for name := range s.Shifts {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
