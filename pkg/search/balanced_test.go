package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// lopsided is a problem of ten classes of unequal size, 55 % of the images in the
// first, and results of networks with these true recalls, drawn by the salt.
func lopsided(goal experiment.Target, images int, salt uint64, recall func(candidate, class int) float64) (*Problem, *world) {
	goal.Metric = target.BalancedAccuracy
	all := small()[:8]
	for i := range all {
		all[i].Data.Validation, all[i].Data.Test = images, images
		all[i].ID = all[i].Config.ID()
	}
	p := problem(all, 1, goal, Options{Exact: true, EarlyStop: true})
	w := newWorld(p, nil, 0, 0)
	for i, c := range p.Candidates {
		rng := rand.New(rand.NewPCG(salt, uint64(i)))
		r := &result.Result{ConfigID: c.ID, Seed: 0, Status: result.Done, Dataset: p.Data}
		for _, s := range result.Splits() {
			labels, predicted := make([]uint8, images), make([]int, images)
			for k := range labels {
				if k >= images*55/100 {
					labels[k] = uint8(1 + k%9)
				}
				predicted[k] = int(labels[k])
				if rng.Float64() >= recall(i, int(labels[k])) {
					predicted[k] = (predicted[k] + 1) % 10
				}
			}
			r.SetOn(s, result.Score(predicted, labels, 10))
		}
		w.Results[r.Key()] = r
	}
	return p, w
}

// By accuracy the first networks would do, which are right on the largest class
// alone; by balanced accuracy they fail, and the certificate of the one that does
// not is verified, down to its bound.
func TestBalancedAccuracy(t *testing.T) {
	goal := aim(0.8)
	p, w := lopsided(goal, 4000, 1, func(i, class int) float64 {
		switch {
		case class == 0:
			return 0.99
		case i < 4:
			return 0.65
		}
		return 0.9
	})
	s := record(t, p, w)
	if faults := s.verify(); len(faults) > 0 {
		t.Fatal(faults)
	}
	c := s.cert
	if c.Verdict != result.Certified || c.Winner.ConfigID != p.Candidates[4].ID || c.EarlyStop || c.Target.Metric != target.BalancedAccuracy {
		t.Fatalf("%s: early stops %v, metric %q", c.Summary, c.EarlyStop, c.Target.Metric)
	}
	first := c.Candidates[0]
	if n := first.Networks[0]; first.Finding != result.FoundRejected || n.Accuracy < 0.81 || n.Balanced == nil || *n.Balanced > 0.75 {
		t.Errorf("the cheapest: %s %+v", first.Finding, first.Networks)
	}
	n := c.Winner.Networks[0]
	if n.Balanced == nil || !(n.Lower < *n.Balanced && *n.Balanced < n.Accuracy && n.Interval[1] > *n.Balanced) || c.Winner.Bound != n.Lower ||
		n.Lower < 0.8 {
		t.Errorf("the winner: %+v", n)
	}
	var b strings.Builder
	if err := WriteText(&b, c); err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{"shown to meet 80 % balanced accuracy", "Target: at least 80 % balanced accuracy with confidence 95 %",
		"lower bound of every network's balanced accuracy is at least 80 %", "has at least 80 % balanced accuracy on images like"} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
	for name, forge := range map[string]func(*result.Certificate){
		"accuracy is the metric": func(c *result.Certificate) { c.Target.Metric = "" },
		"an unknown metric":      func(c *result.Certificate) { c.Target.Metric = "f1" },
		"the rule mean":          func(c *result.Certificate) { c.Target.Rule = target.Mean },
		"a better network":       func(c *result.Certificate) { v := 0.99; c.Winner.Networks[0].Balanced = &v },
	} {
		forged := *c
		winner := *c.Winner
		winner.Networks = slices.Clone(winner.Networks)
		forged.Winner = &winner
		forge(&forged)
		if faults := (searched{p: p, cert: &forged, files: s.files}).verify(); len(faults) == 0 {
			t.Errorf("%s: it verifies", name)
		}
	}
}

// Of few images of small classes nothing is opened that can hardly pass, and the
// verdict says that there are too few.
func TestBalancedAccuracyOfFewImages(t *testing.T) {
	p, w := lopsided(aim(0.8), 300, 1, func(_, class int) float64 { return 0.9 })
	if c := certificate(t, p, w); c.Verdict != result.NotShown || len(c.Openings) > 0 ||
		!strings.Contains(c.Nearest.Reason, "so few test images can hardly show 80 % balanced accuracy") {
		t.Errorf("%s, %d openings: %+v", c.Verdict, len(c.Openings), c.Nearest)
	}
}

// How often is a certificate of a balanced accuracy false? Grids whose networks all
// truly lie below the target, by the recalls of classes of unequal size.
func TestFalseBalancedCertificates(t *testing.T) {
	const grids, limit = 150, 0.05
	wrong := 0
	for g := range uint64(grids) {
		rng := rand.New(rand.NewPCG(g, 3))
		recalls := make([][10]float64, 8)
		for i := range recalls {
			mean := 0.0
			for class := range recalls[i] {
				if recalls[i][class] = 0.995 - 0.09*rng.Float64(); class == 0 {
					recalls[i][class] = 0.999 // what accuracy sees
				}
				mean += recalls[i][class] / 10
			}
			for class := range recalls[i] { // to just below the target
				recalls[i][class] *= 0.8999 / mean
			}
		}
		p, w := lopsided(aim(0.9), 3000, g, func(i, class int) float64 { return recalls[i][class] })
		if found(p.Replay(w.finished)) >= 0 {
			wrong++
		}
	}
	rate := float64(wrong) / grids
	t.Logf("%d of %d grids certified falsely: %.2f %%, %.0f %% stated", wrong, grids, 100*rate, 100*limit)
	if rate > limit+2.6*math.Sqrt(limit*(1-limit)/grids) {
		t.Errorf("%.2f %% false certificates", 100*rate)
	}
}
