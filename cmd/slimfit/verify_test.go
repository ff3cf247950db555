package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/exit"
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
			if code != exit.Trials || !strings.Contains(out, c.want) || !strings.Contains(errs, "faults") {
				t.Errorf("code %d, want a fault %q:\n%s%s", code, c.want, out, errs)
			}
		})
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
