package search

import (
	"fmt"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// opening is one look at the test images.
type opening struct {
	candidate int
	results   []*result.Result // of the networks that are judged
	alpha     float64          // chance of error given to it
	left      float64          // what was left before it
	lower     []float64        // of those networks
	bound     float64          // what the rule compares with the target
	passed    bool
	below     bool   // shown below the target
	reason    string // why not
}

// certify opens the test images for a candidate that passed on the validation
// images, or returns the trials that are missing for it, or the networks whose
// test results are.
func (s *state) certify(i int, finished Lookup) (train, open []result.Key) {
	c, seeds := &s.all[i], s.p.Seeds
	if s.p.Observed() && s.p.Data.Test == 0 {
		c.opening, c.changed = &opening{candidate: i, passed: true}, true
		return nil, nil
	}
	if s.p.fresh() {
		seeds = s.p.freshSeeds(s.used, len(seeds))
	}
	results := make([]*result.Result, len(seeds))
	for k, seed := range seeds {
		key := keyOf(s.p.Candidates[i], seed)
		r, ok := finished(key, true)
		switch {
		case !ok:
			train = append(train, key)
		case r.Status == result.Done && (r.Correct.Test == nil || s.p.Lacks(r, result.Test)):
			open = append(open, key)
		}
		results[k] = r
	}
	switch {
	case len(train) > 0 && s.p.fresh():
		return train, nil
	case !s.p.fresh():
		open = append(train, open...)
	}
	if s.p.fresh() {
		if broken := unfit(results); broken != nil { // before its test images are looked at
			s.takeFresh(i, results)
			c.broken, c.changed = broken, true
			return nil, nil
		}
	}
	if !s.charge(i, seeds) {
		return nil, nil
	}
	if len(open) > 0 {
		return nil, open
	}
	o := &opening{candidate: i, alpha: c.alpha, left: c.left, results: results}
	if s.p.fresh() {
		s.takeFresh(i, results)
	} else {
		for k := range c.nets {
			c.nets[k].result = results[k]
		}
	}
	s.p.examine(o, results)
	c.opening, c.changed = o, true
	s.openings = append(s.openings, o)
	if s.p.next && !o.passed {
		s.lookAhead(s.p.Share() * max(o.left-o.alpha, LeastAlpha))
	}
	return nil, nil
}

// The rules mean and tolerance speak of seeds to come, and those that made a
// configuration pass the screening flatter it: it is certified by fresh ones.
// Certificates of format 1 judge the screened networks again.
func (p *Problem) fresh() bool {
	return p.format != 1 && p.Target.Rule != target.Worst && !p.Observed()
}

// freshSeeds are the next seeds above those of the experiment and the used ones.
func (p *Problem) freshSeeds(used []int64, n int) []int64 {
	next := max(p.FreshFrom, slices.Max(p.Seeds)+1)
	if len(used) > 0 {
		next = used[len(used)-1] + 1
	}
	out := make([]int64, n)
	for k := range out {
		out[k] = next + int64(k)
	}
	return out
}

// unfit is the first trial that gave no network; nil where all did.
func unfit(results []*result.Result) *result.Result {
	for _, r := range results {
		if r.Status != result.Done {
			return r
		}
	}
	return nil
}

// takeFresh counts trials with fresh seeds.
func (s *state) takeFresh(i int, results []*result.Result) {
	for _, r := range results {
		s.used = append(s.used, r.Seed)
		s.taken[r.Key()] = true
		s.steps += s.p.Candidates[i].Recipe.Steps
	}
	s.all[i].fresh = results
}

// LeastAlpha is the least chance of error that must be left for an opening.
const LeastAlpha = 0.001

// Charge asks for the chance of error of an opening, before it: of a
// configuration, with the seeds that it uses up under the rules mean and
// tolerance. What is left is known to who counts all looks at these test
// images; alpha is at most Share of it, and 0 where it is below LeastAlpha.
type Charge func(configID string, fresh []int64) (alpha, left float64, err error)

// charge gives a candidate's opening its chance of error; false where there is
// none to give. What is spent never exceeds 1 - confidence in total, so that this
// bounds the chance of any false certificate, however many candidates fail first
// (Bonferroni). To give the first one all of it would leave nothing for the
// second. In format 1 the dearest candidate gets all that is left.
func (s *state) charge(i int, seeds []int64) bool {
	c := &s.all[i]
	if c.alpha > 0 {
		return true
	}
	if s.p.Observed() { // bounds are shown, at the confidence; nothing is claimed by them
		if s.p.Charge != nil {
			_, _, s.err = s.p.Charge(s.p.Candidates[i].ID, nil)
		}
		return s.err == nil
	}
	c.left = s.alphaLeft()
	c.alpha = c.left * s.p.Share()
	switch {
	case s.p.format == 1:
		if i == len(s.all)-1 {
			c.alpha = c.left
		}
		c.left = 0
		return true
	case s.p.Charge != nil:
		if !s.p.fresh() {
			seeds = nil
		}
		c.alpha, c.left, s.err = s.p.Charge(s.p.Candidates[i].ID, seeds)
	case c.left < LeastAlpha:
		c.alpha = 0
	}
	s.exhausted = c.alpha <= 0
	return !s.exhausted
}

func (s *state) alphaLeft() float64 {
	left := 1 - s.p.Target.Confidence
	for _, o := range s.openings {
		left -= o.alpha
	}
	return max(left, 0)
}

// examine judges all networks of a candidate on the test images. To say that
// every network passes needs no correction over the networks: if one is truly
// below the target, its own test must err.
func (p *Problem) examine(o *opening, results []*result.Result) {
	images, confidence := 0, 1-o.alpha
	if p.Observed() {
		confidence = p.Target.Confidence
	}
	var wrong [][]int
	var acc []float64
	below := 0
	for _, r := range results {
		var f result.Figures
		f, images = r.On(result.Test).Counted(p.Data.Test)
		correct := min(max(*f.Correct, 0), images)
		answers := target.Network{Correct: correct, Images: images, Confusion: f.Confusion}
		low, err := p.Target.Lower(answers, confidence)
		if err != nil { // alpha has been halved until it vanished
			o.reason = err.Error()
			return
		}
		if high, err := p.Target.Upper(answers, confidence); err == nil && high < p.Target.Accuracy {
			below++
		}
		o.lower = append(o.lower, low)
		acc = append(acc, float64(correct)/float64(images))
		wrong = append(wrong, indices(f.Wrong))
	}
	o.below = below > 0 && (below == len(results) || p.Target.Rule == experiment.RuleWorst)
	if p.Observed() {
		o.bound, o.passed = slices.Min(o.lower), true
		return
	}
	var err error
	if o.bound, err = p.testBound(o.lower, acc, wrong, images, o.alpha); err != nil {
		o.reason = err.Error()
		return
	}
	o.passed = o.bound >= p.Target.Accuracy
	if !o.passed {
		o.reason = fmt.Sprintf("on the test images the lower bound is %s, below %s", bound(o.bound), text.Threshold(p.Target.Accuracy))
	}
	for _, r := range results {
		if trouble := p.underBound(r, confidence); trouble != "" && o.passed {
			o.passed, o.reason = false, "on the test images, by its lower bound, "+trouble
		}
		if trouble := p.recallBound(r.Seed, counted(r, p.Data.Test).Confusion, confidence); trouble != "" && o.passed {
			o.passed, o.reason = false, "on the test images, by its lower bound, "+trouble
		}
	}
}

// recallBound names the first class whose recall is not shown to reach its
// floor: by its lower bound. "" if none.
func (p *Problem) recallBound(seed int64, confusion [][]int, confidence float64) string {
	for class := range p.Data.Classes {
		floor := p.Target.Floor(class)
		if floor == 0 {
			continue
		}
		right, all := 0, 0
		if class < len(confusion) {
			right, all = target.ClassImages(confusion[class], class)
		}
		low, err := stats.LowerBound(right, all, confidence)
		if err != nil || low < floor {
			return p.Target.Words(target.Trouble{Seed: seed, Class: class, Images: all, Recall: low, Floor: floor}, recallText)
		}
	}
	return ""
}

// testBound is the rule's lower bound on the test images. Where hardly an image
// is wrong, the variance over images is next to nothing, and no t or normal bound
// holds: so none is above the exact bound of a network with the mean's right
// answers. The mean over seeds varies over images no more than that network.
func (p *Problem) testBound(lower, acc []float64, wrong [][]int, images int, alpha float64) (float64, error) {
	if p.Target.Rule == experiment.RuleWorst {
		return slices.Min(lower), nil
	}
	errors := 0
	for _, w := range wrong {
		errors += len(w)
	}
	e, err := stats.EstimateMean(wrong, images)
	if err != nil {
		return 0, err
	}
	exact, err := stats.LowerBound(images-(errors+len(wrong)-1)/len(wrong), images, 1-p.Target.OpeningAlpha(alpha))
	if err != nil || p.older {
		exact = 1
	}
	if p.Target.Rule == experiment.RuleMean {
		low, err := e.LowerOfSeeds(1 - alpha)
		if p.format == 1 {
			low, err = e.Lower(1 - alpha)
		}
		return min(low, exact), err
	}
	s, err := stats.Summarize(acc)
	if err != nil {
		return 0, err
	}
	low, err := p.toleranceBound(e, s.SD, alpha/2)
	return min(low, exact), err
}

// counted are a result's test figures that bounds are of.
func counted(r *result.Result, images int) result.Figures {
	f, _ := r.On(result.Test).Counted(images)
	return f
}

func indices(wrong [][2]int) []int {
	out := make([]int, len(wrong))
	for i, w := range wrong {
		out[i] = w[0]
	}
	return out
}
