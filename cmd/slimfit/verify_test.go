package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/lab"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

func (l *testLab) writeCertificate(c result.Certificate) {
	l.t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		l.t.Fatal(err)
	}
	l.write("runs/tiny/certificate.json", string(b))
}

// An experiment may get another name, by --set or by moving its folder: the
// results keep the one that they were trained under.
func TestVerifyAfterRenaming(t *testing.T) {
	l := newLab(t)
	search := func(args ...string) {
		t.Helper()
		if code, _, errs := l.run(append([]string{"search", "e.yaml", "-q"}, args...)...); code != exit.Done {
			t.Fatal(errs)
		}
	}
	search("--set", "name=small")
	if err := os.Rename(filepath.Join(l.dir, "runs/small"), filepath.Join(l.dir, "runs/minute")); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := l.run("verify", "runs/minute/certificate.json"); code != exit.Done {
		t.Errorf("the folder moved: code %d\n%s%s", code, out, errs)
	}
	before := len(l.trained)
	search("--set", "name=minute")
	if code, out, errs := l.run("verify", "runs/minute/certificate.json"); code != exit.Done || len(l.trained) != before {
		t.Errorf("renamed: code %d, %d trained again\n%s%s", code, len(l.trained)-before, out, errs)
	}
}

func TestVerifyFindsFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*testLab, *store.Folder, result.Certificate)
		want  string
	}{
		{"edited", func(l *testLab, f *store.Folder, c result.Certificate) {
			path := filepath.Join(f.Dir, c.Files[0].Path)
			b, _ := os.ReadFile(path)
			os.WriteFile(path, bytes.Replace(b, []byte(`"seconds": 0`), []byte(`"seconds": 1`), 1), 0o666)
		}, "result.json: the file was changed"},
		{"deleted", func(l *testLab, f *store.Folder, c result.Certificate) {
			os.Remove(filepath.Join(f.Dir, c.Files[0].Path))
		}, "the file is missing"},
		{"a larger grid", func(l *testLab, f *store.Folder, c result.Certificate) {
			b, _ := os.ReadFile(f.ExperimentPath())
			os.WriteFile(f.ExperimentPath(), bytes.Replace(b, []byte("dense: [64, 16]"), []byte("dense: [64, 16, 8]"), 1), 0o666)
		}, "is not in it"},
		{"a seed left out", func(l *testLab, f *store.Folder, c result.Certificate) {
			replaceIn(l.t, f.ExperimentPath(), "seeds: 3", "seeds: 4")
		}, "seeds: it says [0,1,2], experiment.yaml says [0,1,2,3]"},
		{"another recipe", func(l *testLab, f *store.Folder, c result.Certificate) {
			replaceIn(l.t, f.ExperimentPath(), "steps: 100", "steps: 101")
		}, "of experiment.yaml is not in it"},
		{"another split", func(l *testLab, f *store.Folder, c result.Certificate) {
			replaceIn(l.t, f.ExperimentPath(), "validation: 5000", "validation: 4000")
		}, "it is read or split otherwise than in the experiment file: 56000 training, 4000 validation"},
		{"another assignment", func(l *testLab, f *store.Folder, c result.Certificate) {
			c.Winner.Assignment["kernel"] = 3
			for i := range c.Candidates {
				if c.Candidates[i].ConfigID == c.Winner.ConfigID {
					c.Candidates[i].Assignment["kernel"] = 3
				}
			}
			l.writeCertificate(c)
		}, `: assignment: it says {`},
		{"another text", func(l *testLab, f *store.Folder, c result.Certificate) {
			replaceIn(l.t, filepath.Join(f.Dir, "certificate.txt"), "95", "96")
		}, "certificate.txt: it is not the text of this certificate"},
		{"a doubled key", func(l *testLab, f *store.Folder, c result.Certificate) {
			replaceIn(l.t, filepath.Join(f.Dir, "certificate.json"), `"verdict":`, `"verdict": "unmet", "verdict":`)
		}, `the key "verdict" is there twice`},
		{"another target as well", func(l *testLab, f *store.Folder, c result.Certificate) {
			replaceIn(l.t, f.ExperimentPath(), "accuracy: 0.95", "accuracy: 0.96")
			os.Remove(filepath.Join(f.Dir, c.Files[0].Path))
		}, "the file is missing"},
		{"another data set", func(l *testLab, f *store.Folder, c result.Certificate) {
			b, _ := os.ReadFile(f.ExperimentPath())
			os.WriteFile(f.ExperimentPath(), bytes.Replace(b, []byte("name: mnist"), []byte("name: fashion-mnist"), 1), 0o666)
		}, "it is another version: its digest is"},
		{"another data set's name", func(l *testLab, f *store.Folder, c result.Certificate) {
			c.Dataset.Name = "fashion-mnist"
			l.writeCertificate(c)
		}, `dataset.name: it says "fashion-mnist", experiment.yaml says "mnist"`},
		{"another experiment's name", func(l *testLab, f *store.Folder, c result.Certificate) {
			c.Experiment = ""
			l.writeCertificate(c)
		}, `experiment: it says "", experiment.yaml says "tiny"`},
		{"another name, and no experiment file", func(l *testLab, f *store.Folder, c result.Certificate) {
			os.Remove(f.ExperimentPath())
			c.Experiment = "huge"
			l.writeCertificate(c)
		}, `experiment: it says "huge", c`},
		{"trained otherwise", func(l *testLab, f *store.Folder, c result.Certificate) { l.salt = "x" }, "trained again: other weights"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			l.run("search", "e.yaml")
			c.spoil(l, &store.Folder{Dir: filepath.Join(l.dir, "runs/tiny")}, l.certificate())
			code, out, errs := l.run("verify", "runs/tiny/certificate.json", "--retrain", "3", "--draw", "1")
			if code != exit.Trials || !strings.Contains(out+errs, c.want) || strings.Contains(out, "holds") {
				t.Errorf("code %d, want a fault %q:\n%s%s", code, c.want, out, errs)
			}
		})
	}
}

// A certificate that holds answers no other question than its own.
func TestVerifyOtherQuestion(t *testing.T) {
	l := newLab(t)
	l.run("search", "e.yaml")
	dir := filepath.Join(l.dir, "runs/tiny")
	if err := os.CopyFS(filepath.Join(l.dir, "kept"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(l.dir, "kept/experiment.yaml"), filepath.Join(dir, "own.yaml")); err != nil {
		t.Fatal(err)
	}
	for change, want := range map[[2]string]string{
		{"accuracy: 0.95", "accuracy: 0.96"}:                                 "accuracy 0.96 there, 0.95 here",
		{"accuracy: 0.95", "accuracy: 0.95, confidence: 0.9"}:                "confidence 0.9 there, 0.95 here",
		{"accuracy: 0.95", "accuracy: 0.95, rule: mean"}:                     "rule mean there, worst here",
		{"accuracy: 0.95", "accuracy: 0.95, cost: macs, recall: {all: 0.5}"}: "cost macs there, parameters here; recall_all 0.5 there, 0 here",
		{"accuracy: 0.95", "accuracy: 0.95, within: {macs: 1e9}"}:            `within [{"cost":"macs","limit":1000000000}] there, none here`,
		{"target: {accuracy: 0.95}", ""}:                                     "there is no target there",
	} {
		l.write("runs/tiny/experiment.yaml", strings.Replace(searchExperiment, change[0], change[1], 1))
		code, out, errs := l.run("verify", "runs/tiny/certificate.json")
		want = "\nevery statement holds, but it answers another question than experiment.yaml: " + want + "\n"
		if code != exit.Trials || !strings.HasSuffix(out, want) {
			t.Errorf("%s: code %d\n%s%s", change, code, out, errs)
		}
		if _, out, _ := l.run("report", "-n", "runs/tiny"); !strings.Contains(strings.Join(strings.Fields(out), " "),
			"The certificate answers another question than experiment.yaml, and is left out") {
			t.Errorf("%s: report uses it:\n%s", change, out)
		}
	}
	for _, name := range []string{"own.yaml", filepath.Join(dir, "own.yaml")} {
		if code, out, errs := l.run("verify", "--experiment", name, "runs/tiny/certificate.json"); code != exit.Done {
			t.Errorf("%s: code %d\n%s%s", name, code, out, errs)
		}
	}
	if code, _, errs := l.run("verify", "--experiment", "none.yaml", "runs/tiny/certificate.json"); code != exit.Usage ||
		!strings.Contains(errs, "--experiment none.yaml: there is no such file") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// The winner's answers are recomputed from its weights, where they are here.
func TestVerifyRecomputes(t *testing.T) {
	l := newInt8Lab(t)
	l.trainer = l.trainEach(nil)
	if code, _, errs := l.run("search", "e.yaml", "--set", "target.precision=float32"); code != exit.Done {
		t.Fatal(errs)
	}
	c := l.certificate()
	weights := func(seed int64) string {
		f := store.Folder{Dir: filepath.Join(l.dir, "runs/tiny")}
		return store.WeightsPath(f.TrialDir(result.Key{ConfigID: c.Winner.ConfigID, Seed: seed}))
	}
	verify := func(code int, want string, args ...string) {
		t.Helper()
		got, out, errs := l.run(append([]string{"verify", "runs/tiny/certificate.json"}, args...)...)
		if got != code || !strings.Contains(out, want) {
			t.Errorf("%s: code %d, want %d and %q\n%s%s", args, got, code, want, out, errs)
		}
	}
	verify(exit.Done, "2 networks of the winner, run again from the weights on", "--weights")
	verify(exit.Done, "2 trials trained again, bit for bit", "--retrain", "2")
	verify(exit.Done, "escapes 2 drawn by chance with a probability of ", "--retrain", "2")
	verify(exit.Done, "Every trial was trained again", "--retrain", "all")
	other, err := os.ReadFile(weights(1))
	if err == nil {
		err = os.WriteFile(weights(0), other, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	verify(exit.Trials, "holds other weights than the result is of")
	verify(exit.Done, "holds:", "--quick")
	if err := os.Remove(weights(0)); err != nil {
		t.Fatal(err)
	}
	verify(exit.Done, "not recomputed: no weights here")
	verify(exit.Trials, "not recomputed: no weights here", "--weights")
	verify(exit.Usage, "", "--weights", "--quick")
}

// What the winner finds in shifted test images is recomputed too: a certificate and
// scores that claim more than the weights do, and agree, do not hold.
func TestVerifyRecomputesShifted(t *testing.T) {
	for more, want := range map[int]int{0: exit.Done, 1: exit.Trials} {
		l := newInt8Lab(t)
		l.trainer = l.trainEach(func(j lab.Training, t experiment.Trial) error {
			r, err := j.Folder.ReadResult(t.Key())
			if err != nil {
				return err
			}
			s := result.NewScores(r)
			for _, split := range result.Splits() {
				if f := r.On(split); f.Correct != nil { // brightness 0 changes nothing
					s.SetFound("brightness 0", split, append([]int{*f.Correct + min(more, len(f.Wrong))}, make([]int, r.Dataset.Classes-1)...))
				}
			}
			return j.Folder.WriteScores(s, r)
		})
		if code, _, errs := l.run("search", "e.yaml", "--set", "target.precision=float32",
			"--set", "target.under=[{brightness: 0, accuracy: 0.01}]"); code != exit.Done {
			t.Fatal(errs)
		}
		code, out, errs := l.run("verify", "runs/tiny/certificate.json")
		if code != want || (more > 0) != strings.Contains(out, "test images under brightness 0, the certificate says") {
			t.Errorf("with %d more: code %d, want %d\n%s%s", more, code, want, out, errs)
		}
	}
}

func TestVerifyRetrains(t *testing.T) {
	l := newLab(t)
	l.run("search", "e.yaml")
	l.trained = nil
	code, out, errs := l.run("verify", "runs/tiny/certificate.json", "--retrain", "4")
	if code != exit.Done || !strings.Contains(out, "4 trials trained again, bit for bit") || len(l.trained) != 4 {
		t.Errorf("code %d, %d trained\n%s%s", code, len(l.trained), out, errs)
	}
}

// What lies in --into was not trained again by this verify, whatever it is.
func TestVerifyRetrainsIntoFreshFoldersOnly(t *testing.T) {
	l := newLab(t)
	l.run("search", "e.yaml")
	if err := os.CopyFS(filepath.Join(l.dir, "copied/retrained"), os.DirFS(filepath.Join(l.dir, "runs/tiny"))); err != nil {
		t.Fatal(err)
	}
	l.trained = nil
	verify := func(into string) (int, string) {
		code, out, errs := l.run("verify", "runs/tiny/certificate.json", "--retrain", "4", "--draw", "1", "--into", into)
		return code, out + errs
	}
	if code, words := verify("again"); code != exit.Done || len(l.trained) != 4 {
		t.Errorf("a fresh folder: code %d, %d trained\n%s", code, len(l.trained), words)
	}
	for into, want := range map[string]string{
		"again":     "--into again: again/retrained is there already",
		"copied":    "copied/retrained is there already",
		"runs/tiny": "it holds results already: name a fresh folder",
	} {
		if code, words := verify(into); code != exit.Usage || !strings.Contains(words, want) || strings.Contains(words, "bit for bit") {
			t.Errorf("--into %s: code %d, want %q\n%s", into, code, want, words)
		}
	}
}
