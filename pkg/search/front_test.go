package search

import (
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

// Three targets are one question: its certificates have an equal part of alpha
// each, hold together, and none of them can be taken out, changed or spend more.
func TestFront(t *testing.T) {
	targets := []float64{0.9, 0.93, 0.95}
	files, certs := map[string][]byte{}, []result.Certificate{}
	var question string
	for _, accuracy := range targets {
		goal := aim(accuracy)
		goal.RecallAll = 0.5
		p := problem(small(), 3, goal, Options{Front: targets})
		left, spent := 1-goal.Confidence, 0.0
		p.FirstAlpha, _ = p.FrontAlpha(left, 0)
		p.Charge = func(string, []int64) (alpha, part float64, err error) {
			alpha, part = p.FrontAlpha(left, spent)
			spent += alpha
			return alpha, part, nil
		}
		p.Looks = &result.Looks{Left: left}
		if question != "" && p.Question() != question {
			t.Error("each target is a question of its own")
		}
		question = p.Question()
		w := newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4)
		s := record(t, p, w)
		for path, b := range s.files {
			if len(b) > len(files[path]) { // with test figures
				files[path] = b
			}
		}
		certs = append(certs, *s.cert)
		for _, o := range s.cert.Openings {
			if o.Alpha > left/6+alphaSlack {
				t.Errorf("%v: an opening with alpha %v", accuracy, o.Alpha)
			}
		}
	}
	top := certs[1]
	top.Front = []result.Certificate{certs[0], certs[2]}
	verify := func(c result.Certificate) []Fault {
		return Verify(&c, Evidence{Sealed: sealedResult, Open: func(path string) ([]byte, error) {
			if b, ok := files[path]; ok {
				return b, nil
			}
			return nil, fs.ErrNotExist
		}})
	}
	if faults := verify(top); len(faults) > 0 {
		t.Fatalf("%d faults: %v", len(faults), faults[0])
	}
	if top.Winner == nil || !slices.Equal(top.FrontTargets, targets) {
		t.Fatalf("%s", top.Summary)
	}
	var b strings.Builder
	if err := WriteText(&b, &top); err != nil || !strings.Contains(b.String(), "The front: one question") ||
		strings.Index(b.String(), "90 %  ") > strings.Index(b.String(), "95 %  ") {
		t.Errorf("%v\n%s", err, b.String())
	}
	for name, forge := range map[string]func(c *result.Certificate){
		"one left out": func(c *result.Certificate) { c.Front = c.Front[:1] },
		"all left out": func(c *result.Certificate) { c.Front = nil },
		"a target":     func(c *result.Certificate) { c.Front[0].Target.Accuracy = 0.91 },
		"the targets":  func(c *result.Certificate) { c.FrontTargets = []float64{0.9, 0.93, 0.96} },
		"a winner": func(c *result.Certificate) {
			c.Front[0].Winner, c.Front[1].Winner = c.Front[1].Winner, c.Front[0].Winner
		},
		"more alpha":    func(c *result.Certificate) { c.Openings[0].Alpha *= 2 },
		"a front in it": func(c *result.Certificate) { c.Front[0].Front = []result.Certificate{*c} },
	} {
		var forged result.Certificate
		if b, err := json.Marshal(top); err != nil || json.Unmarshal(b, &forged) != nil {
			t.Fatal(err)
		}
		if forge(&forged); len(verify(forged)) == 0 {
			t.Errorf("forged %s: it holds", name)
		}
	}
}
