package search

import (
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// Images of a group, and windows of a series, are not independent, and a
// certificate says so; one of before that was said holds all the same.
func TestCertificateOfGroups(t *testing.T) {
	for _, set := range []func(*models.Data){func(d *models.Data) { d.Groups = "subfolder" },
		func(d *models.Data) { d.Kind, d.Window = "series", &models.Window{Length: 10, Step: 5} }} {
		all := small()[:8]
		for i := range all {
			set(&all[i].Data)
			all[i].ID = all[i].Config.ID()
		}
		p := problem(all, 2, aim(0.9), Options{})
		c := certificate(t, p, newWorld(p, level(p, 0.97), 0.01, 4))
		last := len(c.Promises) - 1
		if c.Winner == nil || !strings.Contains(c.Promises[last], " are alike, but intervals and bounds count them as independent") {
			t.Fatalf("%s %q", c.Summary, c.Promises)
		}
		old := *c
		old.Promises = c.Promises[:last]
		for _, given := range []*result.Certificate{c, &old} {
			if faults := differences(given, c); len(faults) > 0 {
				t.Errorf("%d promises: %v", len(given.Promises), faults)
			}
		}
	}
}

// What the tolerance rule observes is a bound over seeds, and no statement of each.
func TestObservedTolerance(t *testing.T) {
	goal := aim(0.8)
	goal.Evidence, goal.Rule = target.Observed, target.Tolerance
	p, w := made(t, goal, 10, 1000, 40, func(i int) (int, int) { return 900 + i, 30 })
	c := certificate(t, p, w)
	if words := c.Summary; c.Winner == nil || strings.Contains(words, "every seed") || !strings.Contains(words, "tolerance bound") {
		t.Error(words)
	}
	old := *c
	old.Summary = strings.Replace(c.Summary, reaching(target.Tolerance), reaching(target.Worst), 1)
	if faults := differences(&old, c); len(faults) > 0 {
		t.Errorf("in the words of before: %v", faults)
	}
}

// One configuration is not said to be many, nor 59 seeds to be too few.
func TestWordsOfOne(t *testing.T) {
	for _, want := range []string{"The only configuration was not shown to meet 90 %", "is the cheapest of 1 configuration that"} {
		p := problem(small()[:1], 59, aim(0.9), Options{})
		share := map[bool]float64{true: 0.97, false: 0.7}[strings.HasPrefix(want, "is")]
		c := certificate(t, p, newWorld(p, level(p, share), 0.001, 4))
		last := c.Promises[min(1, len(c.Promises)-1)]
		if !strings.Contains(c.Summary, want) || strings.Contains(last, "59 seeds make") ||
			c.Winner != nil && !strings.HasSuffix(last, "of 95 %.") {
			t.Errorf("%q %q", c.Summary, c.Promises)
		}
		old := *c
		old.Summary = strings.NewReplacer("The only configuration was not", "None of the 1 configurations was", "of 1 configuration ",
			"of 1 configurations ").Replace(c.Summary)
		old.Promises = []string{}
		for _, promise := range c.Promises {
			old.Promises = append(old.Promises, strings.Replace(promise, "of 95 %.", "of 95 % only; 59 seeds make it 95 %.", 1))
		}
		if faults := differences(&old, c); len(faults) > 0 {
			t.Errorf("in the words of before: %v", faults)
		}
	}
}

// level is an accuracy of every configuration.
func level(p *Problem, accuracy float64) map[string]float64 {
	out := map[string]float64{}
	for _, c := range p.Candidates {
		out[c.ID] = accuracy
	}
	return out
}

// A class whose recall a few images can hardly show has its name.
func TestTooFewOfAClass(t *testing.T) {
	goal := aim(0.5)
	goal.Classes = strings.Split("ok scratch dent d e f g h i j", " ")
	goal.Recall = []target.Recall{{Class: 2, Floor: 0.8}}
	p := problem(small()[:3], 1, goal, Options{})
	p.FirstAlpha = 0.025
	w := newWorld(p, nil, 0, 4)
	for _, c := range p.Candidates {
		r := &result.Result{ConfigID: c.ID, Status: result.Done, Dataset: p.Data}
		for _, s := range result.Splits() {
			labels, answers := make([]uint8, s.Images(p.Data)), make([]int, s.Images(p.Data))
			for k := range len(labels) / 40 { // a fifth of the few dents is missed
				if labels[k] = 2; k%5 > 0 {
					answers[k] = 2
				}
			}
			r.SetOn(s, result.Score(answers, labels, 10))
		}
		w.Results[r.Key()] = r
	}
	s := record(t, p, w)
	reason := s.cert.Candidates[0].Reason
	if !strings.HasPrefix(reason, "seed 0: recall of class dent is 80.00 %, which shows 80 % with a chance of ") {
		t.Fatal(reason)
	}
	for i := range s.cert.Candidates {
		s.cert.Candidates[i].Reason = strings.Replace(s.cert.Candidates[i].Reason, "class dent", "class 2", 1)
	}
	s.cert.Nearest.Reason = strings.Replace(s.cert.Nearest.Reason, "class dent", "class 2", 1)
	if faults := s.verify(); len(faults) > 0 {
		t.Errorf("by number: %v", faults)
	}
}

func TestTargetText(t *testing.T) {
	c := &result.Certificate{Target: result.Target{Accuracy: 0.9, Confidence: 0.95, Rule: "worst", Cost: footprint.Parameters,
		Within: []result.Limit{{Cost: footprint.MACs, Limit: 2e6}}}}
	if got, want := targetText(c), ", macs at most 2000000"; !strings.Contains(got, want) {
		t.Errorf("no %q in %s", want, got)
	}
}
