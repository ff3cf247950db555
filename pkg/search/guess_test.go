package search

import (
	"math/rand/v2"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
)

// A certificate of networks that always answer the largest class says so, by
// name, and can be verified; one of before that was said can be, too.
func TestCertificateOfGuessing(t *testing.T) {
	goal := aim(0.9)
	goal.Classes = []string{"ok", "scratch", "a,b", "3", "4", "5", "6", "7", "8", "9"}
	goal.Recall = []experiment.Recall{{Class: 0, Floor: 0.5}}
	p := problem(small()[:3], 2, goal, Options{})
	w := newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4)
	for _, c := range p.Candidates {
		for _, seed := range p.Seeds {
			r := &result.Result{ConfigID: c.ID, Seed: seed, Status: result.Done, Dataset: p.Data}
			for _, s := range result.Splits() {
				labels := make([]uint8, s.Images(p.Data))
				for k := range len(labels) / 20 { // one in twenty is no ok
					labels[k] = uint8(1 + k%2)
				}
				r.SetOn(s, result.Score(make([]int, len(labels)), labels, p.Data.Classes))
			}
			w.Results[r.Key()] = r
		}
	}
	s := record(t, p, w)
	if faults := s.verify(); len(faults) > 0 || s.cert.Verdict != result.Certified {
		t.Fatalf("%s %v", s.cert.Summary, faults)
	}
	var b strings.Builder
	if err := WriteText(&b, s.cert); err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{"Always answering ok is right on 95.00 % of the validation images.", "recall of class ok at least 50 %",
		`seed 0 does no better than always answering ok (95.00 %) and never answers scratch and "a,b" on the test images: ask for floors`} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
	s.cert.Classes = s.cert.Classes[:9]
	if faults := s.verify(); len(faults) == 0 || !strings.Contains(faults[0].String(), "9 names for 10 classes") {
		t.Errorf("nine names: %v", faults)
	}
}
