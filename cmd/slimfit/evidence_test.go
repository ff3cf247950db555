package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/exit"
	"slimfit/pkg/result"
)

// Before anything trains, a person learns what so few test images can show; what
// they cannot is refused, unless figures are to be observed only.
func TestSmallTestSets(t *testing.T) {
	l := newLab(t)
	small := []string{"--set", "dataset={name: mnist, validation: 200, test: 129}"}
	run := func(args ...string) (int, string, string) {
		return l.run(append(append([]string{}, args...), small...)...)
	}
	code, out, errs := run("search", "e.yaml", "-n", "--set", "target.accuracy=0.9")
	if code != exit.Done || !strings.Contains(out, "with 129 test images the first opening (alpha 0.025) needs 123 right for 90 %") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	for _, args := range [][]string{{"search", "e.yaml", "--set", "target.accuracy=0.98"}, {"search", "e.yaml", "-n", "--set",
		"target.accuracy=0.98"}} {
		code, _, errs = run(args...)
		if code != exit.Usage || !strings.Contains(errs, "183 images are the fewest for 98 %") ||
			!strings.Contains(errs, "{evidence: observed}") {
			t.Errorf("%v: code %d: %s", args, code, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(l.dir, "runs")); !os.IsNotExist(err) || len(l.trained) > 0 {
		t.Error("a refused search trained or wrote something")
	}
	code, out, errs = run("search", "e.yaml", "--set", "target.accuracy=0.85")
	if c := l.certificate(); code != exit.Done || c.Verdict != result.Certified || c.Screening.Right != 118 {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	code, out, errs = run("search", "e.yaml", "--set", "target.accuracy=0.95", "--set", "target.evidence=observed")
	if code != exit.Done || !strings.Contains(out, "whose every seed reaches 95 % on the validation images") ||
		strings.Contains(strings.ToLower(strings.Replace(out+errs, "evidence certificate before, observed now", "", 1)), "certif") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	looks := l.looks()
	if last := looks[len(looks)-1]; last.Alpha != 0 || last.Certificate != result.ObservedName || len(last.ConfigIDs) != 1 {
		t.Errorf("the last look: %+v", last)
	}
	if code, out, errs = l.run("verify", "runs/tiny/"+result.ObservedName); code != exit.Done {
		t.Errorf("verify: code %d\n%s%s", code, out, errs)
	}
	if code, _, errs = run("search", "e.yaml", "--set", "target={accuracy: 0.9, evidence: observed, rule: tolerance}", "--set",
		"seeds=10"); code != exit.Usage ||
		!strings.Contains(errs, "observed goes with the rules worst and mean") {
		t.Errorf("code %d: %s", code, errs)
	}
}
