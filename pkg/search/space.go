package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// A search of a field trains a few configurations from all over it, fits a
// surrogate to what came out, and goes on with what is expected to save most,
// until no cheaper one is worth a trial; then it trains some of those that the
// surrogate gives up, drawn at random.

const (
	startTrials = 6
	// leastGain is the expected saving of a trial that is worth it, in a space of
	// gainOf configurations: the chance to pass times the logarithm of costs. It
	// falls as the root of their number.
	leastGain, gainOf = 0.018, 120
	// mostWeighed bounds the places that a drawn surrogate is asked about.
	mostWeighed = 20_000
	// doubtAfter is how many openings fail before luck is discounted, see believed:
	// to do so from the start would miss cheaper answers.
	doubtAfter = 2
	// typicalExponent is the power of the steps with which errors fall, see
	// stats.ErrorExponent: its median.
	typicalExponent = 0.55
	// seedSD is what seeds spread by in logits before any have been seen, and
	// seedsAssumed how many degrees of freedom that counts for.
	seedSD, seedsAssumed = 0.1, 4
	// nearby is how far from the target, in logits, an observation counts for
	// about 60 %: the features are only nearly linear.
	nearby = 1.2
)

// Ways in which a search of a field came to a configuration.
const (
	choseStart = "start" // to begin with
	choseModel = "model" // as the surrogate gave it a chance
	choseAudit = "audit" // although it gave it none
)

// design spreads the first trials over the field: one from each part of equal
// size by cost, the farthest of a few drawn at random from those before it.
func (f *field) design(seed int64) []int {
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	var out []int
	n := len(f.places)
	for k := range min(startTrials, n) {
		low, high := k*n/min(startTrials, n), (k+1)*n/min(startTrials, n)
		best, farthest := low, -1.0
		for range 16 {
			at := low + rng.IntN(high-low)
			nearest := math.Inf(1)
			for _, o := range out {
				nearest = min(nearest, f.distance(at, o))
			}
			if nearest > farthest {
				best, farthest = at, nearest
			}
		}
		out = append(out, best)
	}
	return out
}

func (f *field) distance(a, b int) float64 {
	d := 0.0
	for _, c := range f.columns {
		x := float64(c.values[a] - c.values[b])
		d += x * x
	}
	return d
}

// touch makes the place a candidate, and returns its index.
func (s *state) touch(at int, how string) int {
	i, found := slices.BinarySearchFunc(s.p.Candidates, at, func(c Candidate, at int) int { return cmp.Compare(c.place, at) })
	if !found {
		s.p.Candidates = slices.Insert(s.p.Candidates, i, s.p.field.touch(at))
		s.all = slices.Insert(s.all, i, candidate{place: at, chosen: how})
		for _, o := range s.openings {
			if o.candidate >= i {
				o.candidate++
			}
		}
	}
	return i
}

// untrained says whether no network of the place was trained yet.
func (s *state) untrained() func(at int) bool {
	known := map[int]bool{}
	for i, c := range s.p.Candidates {
		known[c.place] = len(s.all[i].nets) > 0
	}
	return func(at int) bool { return !known[at] }
}

// limit is the place of the horizon.
func (s *state) limit(horizon int) int {
	if horizon == len(s.all) {
		return len(s.p.field.places)
	}
	return s.p.Candidates[horizon].place
}

// nextInField is next for a field.
func (s *state) nextInField() ask {
	s.learn()
	s.judge()
	horizon := s.horizon()
	if on := s.takenUp(horizon); len(on) > 0 {
		return ask{trials: on, toEnd: true, test: -1}
	}
	limit := s.limit(horizon)
	places, how := s.choose(limit)
	if len(places) == 0 {
		if trials := s.resolve(horizon); len(trials) > 0 {
			return ask{trials: trials, test: -1}
		}
		places, how = s.sample(limit), choseAudit
	}
	if len(places) == 0 && s.p.audits {
		if stops := s.auditStops(horizon); len(stops) > 0 {
			return ask{trials: stops, toEnd: true, test: -1}
		}
	}
	switch {
	case len(places) > 0:
		for _, at := range places {
			s.touch(at, how)
		}
		var trials []trial
		for _, at := range places { // touched, their indices stand
			trials = append(trials, trial{s.touch(at, how), s.p.Seeds[0]})
		}
		return ask{trials: trials, test: -1}
	case horizon == len(s.all) || s.all[horizon].standing == certified:
		return ask{done: true, test: -1}
	}
	return ask{test: horizon}
}

// learn fits the model to what was trained.
func (s *state) learn() {
	f := s.p.field
	all := s.seen()
	if len(all) < 2 {
		return
	}
	f.model, f.kept = fit(f.columns, all), 1
	if !s.p.large() || len(s.openings) < doubtAfter {
		return
	}
	e := 1 - s.p.Target.Accuracy // a logit's variance by so many images
	images := 1 / (float64(s.p.Data.Validation) * e * (1 - e))
	f.kept = max(0.1, 1-images/(f.model.spread*f.model.spread))
	for i := range s.all {
		s.all[i].changed = true
	}
}

// choose picks the places below limit whose first networks are worth training
// next; none where nothing is.
func (s *state) choose(limit int) (places []int, how string) {
	untrained := s.untrained()
	for _, at := range s.p.field.start {
		if untrained(at) && len(places) < s.p.Round {
			places = append(places, at)
		}
	}
	if len(places) > 0 {
		return places, choseStart
	}
	m := s.p.field.model
	if m == nil {
		return nil, ""
	}
	hopes := s.hopes(m, limit, untrained)
	rng := rand.New(rand.NewPCG(uint64(s.p.SearchSeed), uint64(2+s.rounds)))
	few := min(s.p.Round, max(2, len(hopes)/8)) // what the next ones show may settle the rest
	for len(places) < few && len(hopes) > 0 {
		d, best, most := m.draw(rng), -1, -1.0
		for k, h := range hopes {
			if v := h.gain * normalTail((s.p.field.mark-d.predict(h.place))/m.spread); v > most {
				best, most = k, v
			}
		}
		h := hopes[best]
		places = append(places, h.place)
		hopes = slices.DeleteFunc(hopes, func(o hope) bool { return o.place == h.place || h.chance > 0.5 && o.place > h.place })
	}
	return places, choseModel
}

// hope is an untrained place that may be worth a trial.
type hope struct {
	place  int
	chance float64 // to pass
	gain   float64 // logarithm of what it would save
}

func (f *field) leastGain() float64 { return leastGain * math.Sqrt(gainOf/float64(len(f.places))) }

// hopes are the untrained places below limit whose expected saving is at least
// leastGain, those of the most where there are many.
func (s *state) hopes(m *surrogate, limit int, untrained func(int) bool) []hope {
	var out []hope
	f, shift := s.p.field, s.worstOf()*s.spreadOfSeeds()
	costs := 2*f.places[len(f.places)-1].cost + 1
	if limit < len(f.places) {
		costs = f.places[limit].cost
	}
	least := f.leastGain()
	apart := math.Log(float64(f.places[len(f.places)-1].cost+1)/float64(f.places[0].cost+1)) / float64(len(f.places))
	for at := range limit {
		h := hope{place: at, gain: max(apart, math.Log(float64(costs+1)/float64(f.places[at].cost+1)))}
		if h.gain < least || !untrained(at) {
			continue
		}
		if h.chance = normalTail((f.mark + shift - m.predict(at)) / m.sd(at)); h.chance*h.gain >= least {
			out = append(out, h)
		}
	}
	if len(out) > mostWeighed {
		slices.SortFunc(out, func(a, b hope) int {
			return cmp.Or(-cmp.Compare(a.chance*a.gain, b.chance*b.gain), cmp.Compare(a.place, b.place))
		})
		out = out[:mostWeighed]
	}
	return out
}

// worstOf is the expected distance of the least of as many normal numbers as
// there are seeds from their mean, in standard deviations (Blom's
// approximation); 0 where the rule takes the mean.
func (s *state) worstOf() float64 {
	switch n := float64(len(s.p.Seeds)); s.p.Target.Rule {
	case "mean":
		return 0
	case "tolerance":
		return s.p.judge.Factor
	default:
		return math.Sqrt2 * math.Erfinv(1-2*(1-0.375)/(n+0.25))
	}
}

// spreadOfSeeds is the sd of logits over the seeds of one configuration.
func (s *state) spreadOfSeeds() float64 {
	sum, degrees := seedSD*seedSD*seedsAssumed, float64(seedsAssumed)
	for i := range s.all {
		values := s.logits(i)
		if len(values) < 2 {
			continue
		}
		mean := 0.0
		for _, v := range values {
			mean += v / float64(len(values))
		}
		for _, v := range values {
			sum += (v - mean) * (v - mean)
		}
		degrees += float64(len(values) - 1)
	}
	return math.Sqrt(sum / degrees)
}

// logits are those of candidate i's networks that were trained to their end.
func (s *state) logits(i int) []float64 {
	var out []float64
	for _, n := range s.all[i].nets {
		if n.result.Status == result.Done && !n.failed {
			out = append(out, s.p.logit(n.accuracy))
		}
	}
	return out
}

// logit is that of a share of the validation images, which is kept from 0 and 1.
func (p *Problem) logit(share float64) float64 {
	n := float64(p.Data.Validation)
	return logit((share*n + 0.5) / (n + 1))
}

// seen are the means of what was trained of each place. A network that
// was stopped is taken for what networks of its error typically come to, and
// counts half.
func (s *state) seen() []observation {
	var out []observation
	for i := range s.all {
		o := observation{place: s.p.Candidates[i].place, weight: 1}
		values := s.logits(i)
		for _, n := range s.all[i].nets {
			if len(values) == 0 && n.result.Status == result.StoppedEarly && !n.failed {
				left := math.Pow(float64(n.result.Steps)/float64(n.result.Train.Steps), typicalExponent)
				values = append(values, s.p.logit(1-(1-n.accuracy)*left))
				o.weight = 0.5
			}
		}
		if len(values) == 0 {
			continue
		}
		for _, v := range values {
			o.logit += v / float64(len(values))
		}
		d := (o.logit - s.p.field.mark) / nearby
		o.weight *= max(0.02, math.Exp(-d*d/2))
		out = append(out, o)
	}
	return out
}

// sample draws places below limit that the surrogate gives up: a tenth of what
// was trained, four at least, auditMost at most.
func (s *state) sample(limit int) []int {
	done := 0
	for _, c := range s.all {
		if c.chosen == choseAudit && len(c.nets) > 0 {
			done++
		}
	}
	due := min(max(auditLeast, ceilShare(auditShare, len(s.all)-done)), auditMost) - done
	untrained, rng := s.untrained(), rand.New(rand.NewPCG(uint64(s.p.SearchSeed), uint64(1<<32+done)))
	var out []int
	left := 0
	for at := range limit {
		if untrained(at) {
			left++
		}
	}
	due = min(due, left, s.p.Round)
	for len(out) < due {
		if at := rng.IntN(limit); untrained(at) && !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

// sampled counts the places that were trained against the surrogate, and those
// of them whose network reached the target.
func (s *state) sampled() (trained, surprises int) {
	for _, c := range s.all {
		if c.chosen == choseAudit && len(c.nets) > 0 {
			if trained++; c.nets[0].reaches {
				surprises++
			}
		}
	}
	return trained, surprises
}

// PassMark is the fewest right validation images of one network that screening
// lets through, before any opening.
func (p *Problem) PassMark() int { return p.passMark(p.FirstAlpha) }

func (p *Problem) passMark(alpha float64) int {
	low := sort.Search(p.Data.Validation, func(correct int) bool {
		return target.Reaches(correct, p.Data.Validation, p.Target.Accuracy)
	})
	for low < p.Data.Validation && alpha > 0 && !p.Target.Balanced() &&
		p.short(low, p.Data.Validation, p.Target.Accuracy, p.Target.OpeningAlpha(alpha)) != "" {
		low++
	}
	return low
}

// untouched counts the places below candidate end that no network was trained
// of; below all where end is their number.
func (s *state) untouched(end int) int {
	if s.p.field == nil {
		return 0
	}
	left := s.limit(end)
	for _, c := range s.all[:end] {
		if len(c.nets) > 0 {
			left--
		}
	}
	return left
}
