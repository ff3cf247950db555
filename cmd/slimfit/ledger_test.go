package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/exit"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// looks are the lines of the ledger.
func (l *testLab) looks() (all []result.Look) {
	l.t.Helper()
	b, err := os.ReadFile(filepath.Join(l.dir, "runs", store.LedgerName))
	if err != nil {
		l.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var look result.Look
		if err := json.Unmarshal([]byte(line), &look); err != nil {
			l.t.Fatal(err)
		}
		all = append(all, look)
	}
	return all
}

// Other targets, seeds, rules and matrices in one folder share one chance of
// error: each question gets half of what the earlier ones left, the same one
// asked again pays nothing, and at the end nothing is certified.
func TestSearchesShareTheirAlpha(t *testing.T) {
	l := newLab(t)
	questions := [][]string{nil, {"--set", "target.accuracy=0.94"}, {"--set", "target.accuracy=0.9401"}, {"--set", "seeds=[7, 8, 9]"},
		{"--set", "matrix.kernel=[5, 3]"}, {"--set", "target.seeds=2"}, {"--set", "target.accuracy=0.9402"}, {"--set", "target.accuracy=0.9403"}}
	spent, exploratory := 0.0, 0
	for i, q := range questions {
		args := append([]string{"search", "e.yaml", "--certificate", string(rune('a'+i)) + ".json"}, q...)
		code, out, errs := l.run(args...)
		b, err := os.ReadFile(filepath.Join(l.dir, "runs/tiny", string(rune('a'+i))+".json"))
		if err != nil {
			t.Fatalf("%v: code %d: %v\n%s", q, code, err, errs)
		}
		var c result.Certificate
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		if c.Looks == nil || i > 0 && (c.Looks.Before == 0 || c.Looks.AlphaBefore <= 0) {
			t.Errorf("%v: looks %+v", q, c.Looks)
		}
		for _, o := range c.Openings {
			if o.Alpha > (0.05-spent)/2+1e-12 {
				t.Errorf("%v: an opening costs %v, %v was left", q, o.Alpha, 0.05-spent)
			}
			spent += o.Alpha
		}
		if c.Verdict == result.Exploratory {
			exploratory++
			if code != exit.Unmet || c.Winner != nil || !strings.Contains(out, "is not certified: earlier openings left less than 0.001") ||
				0.05-spent >= 0.001 {
				t.Errorf("%v: code %d, %v spent\n%s", q, code, spent, out)
			}
		}
		if code, out, errs := l.run("verify", "runs/tiny/"+string(rune('a'+i))+".json"); code != exit.Done && len(q) == 0 {
			t.Errorf("verify %v: code %d\n%s%s", q, code, out, errs)
		}
	}
	if spent > 0.05 || exploratory == 0 {
		t.Errorf("%v of alpha spent in all, %d exploratory", spent, exploratory)
	}
	lines, opened := len(l.looks()), len(l.opened)
	before := first(l, "a.json")
	l.run("search", "e.yaml", "--certificate", "a.json")
	if after := first(l, "a.json"); after != before || len(l.looks()) != lines || len(l.opened) != opened {
		t.Errorf("the same question again: %d lines of %d, %d opened of %d\n%s\n%s", len(l.looks()), lines, len(l.opened), opened, before, after)
	}
}

// first is what a certificate says of its looks and its answer.
func first(l *testLab, name string) string {
	l.t.Helper()
	var c result.Certificate
	b, err := os.ReadFile(filepath.Join(l.dir, "runs/tiny", name))
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return fmt.Sprintf("%s %+v %+v %+v", c.Summary, *c.Looks, c.Openings, c.Alpha)
}

// What a run showed is on the certificate; a ledger that cannot be written ends a
// search before any test image is opened.
func TestRunsAreOnTheLedger(t *testing.T) {
	l := newLab(t)
	if err := os.Mkdir(filepath.Join(l.dir, "runs"), 0o777); err != nil {
		t.Fatal(err)
	}
	l.write("runs/"+store.LedgerName, `{"version":1,"time":"2026-01-02T03:04:05Z","key":"other","experiment":"e","by":"run","configurations":3,"alpha":0,"alpha_left":0}`+"\n"+"{")
	if code, _, errs := l.run("search", "e.yaml"); code != exit.IO || !strings.Contains(errs, store.LedgerName+":2: it is cut short") ||
		len(l.opened) > 0 {
		t.Errorf("code %d, %d opened: %s", code, len(l.opened), errs)
	}
	l = newLab(t)
	l.run("search", "e.yaml", "--set", "evaluate.test=always", "--set", "target.accuracy=0.99")
	looks := l.looks()
	if looks[0].By != "run" || looks[0].Alpha != 0 || looks[0].Configurations != 54 {
		t.Fatalf("a run: %+v", looks)
	}
	if code, out, errs := l.run("search", "e.yaml"); code != exit.Done ||
		!strings.Contains(strings.Join(strings.Fields(out), " "),
			"As counted in this folder it is certified, if the target was not chosen from the test results shown on "+
				looks[0].Time.Format("2006-01-02")) {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	if err := os.Remove(filepath.Join(l.dir, "runs", store.LedgerName)); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := l.run("verify", "runs/tiny/certificate-2.json"); code != exit.Done ||
		!strings.Contains(errs, "there is no "+store.LedgerName) {
		t.Errorf("verify without the ledger: code %d: %s", code, errs)
	}
}

// A certificate whose chance of error the ledger contradicts does not hold, in
// verify and in report: this one was searched with the ledger moved away.
func TestCertificatesAreHeldToTheLedger(t *testing.T) {
	l := newLab(t)
	ledger := filepath.Join(l.dir, "runs", store.LedgerName)
	search := func(target string) {
		t.Helper()
		if code, _, errs := l.run("search", "e.yaml", "--set", "target.accuracy="+target); code != exit.Done {
			t.Fatalf("code %d: %s", code, errs)
		}
	}
	search("0.94")
	search("0.95")
	if code, out, errs := l.run("verify", "runs/tiny/certificate-2.json"); code != exit.Done ||
		!strings.Contains(out, "the ledger of the looks at the test images, ") {
		t.Fatalf("code %d\n%s%s", code, out, errs)
	}
	if c := l.certificateIn("certificate-2.json"); c.Looks.Before != 1 || len(c.Looks.Lines) < 2 ||
		c.Looks.Lines[0].Question == c.Looks.Lines[1].Question {
		t.Errorf("looks %+v", c.Looks)
	}
	if err := os.Rename(ledger, ledger+".away"); err != nil {
		t.Fatal(err)
	}
	search("0.95")
	if code, _, errs := l.run("verify", "runs/tiny/certificate-2.json"); code != exit.Done {
		t.Fatalf("code %d: %s", code, errs) // nobody knows better
	}
	if err := os.Rename(ledger+".away", ledger); err != nil {
		t.Fatal(err)
	}
	code, out, errs := l.run("verify", "runs/tiny/certificate-2.json")
	for _, want := range []string{"looks.before: it says 0, the ledger says 1", "test_openings[0].alpha: it says 0.025",
		"looks.lines: they are not those of the ledger"} {
		if code != exit.Trials || !strings.Contains(out, want) {
			t.Errorf("code %d, want %q\n%s%s", code, want, out, errs)
		}
	}
	if code, out, _ := l.run("report", "-n", "runs/tiny"); code != exit.Done ||
		!strings.Contains(flat(out), "The certificate does not hold, and is left out: looks.before") {
		t.Errorf("code %d\n%s", code, out)
	}
}

// A certificate that answers another question stays, each with its experiment
// beside it; the report, and export by it, take the one that answers
// experiment.yaml, and a changed target is told.
func TestCertificatesStayBesideEachOther(t *testing.T) {
	l := newLab(t)
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(l.dir, "runs/tiny", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	ask := func(target string, args ...string) string {
		t.Helper()
		code, out, errs := l.run(append([]string{"search", "e.yaml", "--set", "target.accuracy=" + target}, args...)...)
		if code != exit.Done && code != exit.Unmet {
			t.Fatalf("code %d\n%s%s", code, out, errs)
		}
		return flat(errs)
	}
	if errs := ask("0.95"); strings.Contains(errs, "asks for another target") || strings.Contains(errs, "stays") {
		t.Errorf("the first: %s", errs)
	}
	certificate, answer := read("certificate.json"), first(l, "certificate.json")
	errs := ask("0.9")
	for _, want := range []string{"runs/tiny/experiment.yaml asks for another target from now on: accuracy 0.95 before, 0.9 now",
		"certificate.json stays: it answers another question; this answer is certificate-2.json"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%s, want %q", errs, want)
		}
	}
	if read("certificate.json") != certificate || !strings.Contains(read("certificate.yaml"), "accuracy: 0.95") ||
		!strings.Contains(read("certificate-2.yaml"), "accuracy: 0.9\n") && !strings.Contains(read("certificate-2.yaml"), "accuracy: 0.9}") {
		t.Errorf("the first certificate was changed, or the questions are not kept:\n%s", read("certificate-2.yaml"))
	}
	var second result.Certificate
	if err := json.Unmarshal([]byte(read("certificate-2.json")), &second); err != nil {
		t.Fatal(err)
	}
	if _, out, errs := l.run("report", "-n", "runs/tiny"); strings.Contains(out, "is left out") ||
		!strings.Contains(flat(out), "that was shown to meet 90 %") {
		t.Errorf("%s%s", out, errs)
	}
	if before := read("certificate-2.json"); strings.Contains(ask("0.9"), "stays") && read("certificate-2.json") != before {
		t.Error("the same question again is the same answer, in its place")
	}
	if _, err := os.Stat(filepath.Join(l.dir, "runs/tiny/certificate-3.json")); err == nil {
		t.Error("the same question again takes another file")
	}
	ask("0.95")
	if first(l, "certificate.json") != answer {
		t.Error("asked again, the first question has another answer")
	}
	for name, code := range map[string]int{"certificate.json": exit.Done, "certificate-2.json": exit.Trials} {
		if got, out, errs := l.run("verify", "runs/tiny/"+name); got != code {
			t.Errorf("%s: code %d\n%s%s", name, got, out, errs)
		}
	}
	if got, out, errs := l.run("verify", "runs/tiny/certificate-2.json", "--experiment", "certificate-2.yaml"); got != exit.Done {
		t.Errorf("by its own question: code %d\n%s%s", got, out, errs)
	}
	ask("0.9")
	_, _, errs = slimfit("export", filepath.Join(l.dir, "runs/tiny"), "--format", "npz") // its weights are none, but it is named
	if !strings.Contains(flat(errs), second.Winner.ConfigID) {
		t.Errorf("export takes another network than %s: %s", second.Winner.ConfigID, errs)
	}
}

// Commands that measure on test images beside run and search say so on the
// ledger.
func TestMeasuringIsOnTheLedger(t *testing.T) {
	r := newTinyRun(t, t.TempDir())
	l := &testLab{t: t, dir: filepath.Dir(filepath.Dir(r.Folder.Dir))}
	for _, c := range []struct {
		args  []string
		lines int
	}{{[]string{"quantize", r.Folder.Dir}, 1}, {[]string{"quantize", r.Folder.Dir}, 1}, // they are known
		{[]string{"export", filepath.Join(r.Folder.Dir, r.Good), "--format", "tflite"}, 2}} {
		if code, _, errs := slimfit(c.args...); code != exit.Done && code != exit.Trials {
			t.Errorf("%v: code %d: %s", c.args, code, errs)
		}
		looks := l.looks()
		if last := looks[len(looks)-1]; len(looks) != c.lines || last.By != result.ByEvaluate || last.Alpha != 0 || last.Experiment != "tiny" ||
			last.Configurations < 1 {
			t.Errorf("%v: %+v", c.args, looks)
		}
	}
}
