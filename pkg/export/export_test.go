package export_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/export"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

func makeRun(t *testing.T) (*Run, string) {
	t.Helper()
	dir := t.TempDir()
	r, err := Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r, filepath.Join(dir, "runs")
}

func seed(n int64) *int64 { return &n }

func open(t *testing.T, c export.Choice) *export.Trial {
	t.Helper()
	trial, err := export.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return trial
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

func certificate(t *testing.T, path string, c result.Certificate) {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, b)
}

func TestFind(t *testing.T) {
	r, out := makeRun(t)
	t.Chdir(filepath.Dir(out))
	trialDir := r.Folder.TrialDir(result.Key{ConfigID: r.Good, Seed: 2})
	for _, c := range []struct {
		name, out string
		seed      *int64
	}{
		{trialDir, "none", seed(2)},
		{filepath.Dir(trialDir), "none", nil},
		{r.Good, "runs", nil},
		{r.Good + "/seed-2", "runs", seed(2)},
		{"tiny/" + r.Good, "runs", nil},
		{"tiny/" + r.Good + "/seed-0/", "runs", seed(0)},
		{"runs/tiny/" + r.Good + "/seed-1", "elsewhere", seed(1)},
	} {
		got, err := export.Find(c.name, c.out)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got.ConfigID != r.Good || got.Folder.Dir != r.Folder.Dir || (got.Seed == nil) != (c.seed == nil) || c.seed != nil &&
			*got.Seed != *c.seed {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	for name, want := range map[string]string{
		"runs/tiny":        "holds 2 configurations and no certificate: name one of them, such as runs/tiny/",
		"tiny":             "holds 2 configurations",
		"nothing":          "there is no nothing, here or in runs",
		"c5x2-d1-0123abcd": "there is no c5x2-d1-0123abcd",
		"data":             "is no run folder, or nothing is trained in it",
		"/none/such":       "there is no /none/such",
		filepath.Join(r.Data, "train-labels-idx1-ubyte"): "is no certificate",
	} {
		if _, err := export.Find(name, "runs"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	// The same experiment's name below another --out; the run written for runs/.
	if err := os.Rename("runs", "elsewhere"); err != nil {
		t.Fatal(err)
	}
	if got, err := export.Find("runs/tiny/"+r.Good+"/seed-1", "elsewhere"); err != nil || got.ConfigID != r.Good {
		t.Errorf("below another --out: %+v, %v", got, err)
	}
	// Two run folders have it.
	if err := os.CopyFS("elsewhere/second", os.DirFS("elsewhere/tiny")); err != nil {
		t.Fatal(err)
	}
	if _, err := export.Find(r.Good, "elsewhere"); err == nil || !strings.Contains(err.Error(),
		"elsewhere/second/"+r.Good+", elsewhere/tiny/"+r.Good) {
		t.Errorf("in two run folders: %v", err)
	}
}

func TestFindCertificate(t *testing.T) {
	r, _ := makeRun(t)
	file := filepath.Join(r.Folder.Dir, "certificate.json")
	certificate(t, file, result.Certificate{Format: result.CertificateFormat, Winner: &result.Winner{ConfigID: r.Good}})
	for _, name := range []string{file, r.Folder.Dir} {
		if c, err := export.Find(name, "runs"); err != nil || c.ConfigID != r.Good || c.Folder.Dir != r.Folder.Dir || c.Seed != nil {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	certificate(t, file, result.Certificate{Format: result.CertificateFormat, Verdict: result.Unmet, Summary: "none of 2 reaches 99 %"})
	if _, err := export.Find(file, "runs"); err == nil || !strings.Contains(err.Error(), "names no winner: none of 2 reaches 99 %") {
		t.Errorf("without a winner: %v", err)
	}
	certificate(t, file, result.Certificate{Format: result.CertificateFormat, Verdict: result.Unmet, Summary: "None.",
		Nearest: &result.NearestMiss{ConfigID: r.Good}})
	if _, err := export.Find(file, "runs"); err == nil || !strings.HasSuffix(err.Error(), "None; name "+filepath.Join(r.Folder.Dir, r.Good)+
		" to take its nearest miss all the same") {
		t.Errorf("with a nearest miss: %v", err)
	}
	second := filepath.Join(r.Folder.Dir, "certificate-2.json")
	certificate(t, second, result.Certificate{Format: result.CertificateFormat, Winner: &result.Winner{ConfigID: r.Good}})
	if _, err := export.Find(file, "runs"); err == nil || !strings.HasSuffix(err.Error(), "; "+second+" beside it names one") {
		t.Errorf("with another answer beside it: %v", err)
	}
}

func TestOpenPicksTheBestSeed(t *testing.T) {
	r, _ := makeRun(t)
	trial := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good})
	if trial.Result.Seed != 1 || trial.Chosen != "the best of 3 seeds on the validation images" || len(trial.Warnings) != 0 {
		t.Errorf("seed %d, %s, warnings %q", trial.Result.Seed, trial.Chosen, trial.Warnings)
	}
	if trial.Spec.Classes != Classes || trial.Weights.SHA256() != trial.Result.WeightsSHA {
		t.Errorf("spec %+v, weights %.12s", trial.Spec, trial.Weights.SHA256())
	}
	if trial := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good, Seed: seed(0)}); trial.Result.Seed != 0 {
		t.Errorf("seed 0 was named, got %d", trial.Result.Seed)
	}
	// One that is damaged is left out of the choice, and told.
	writeFile(t, r.Folder.ResultPath(result.Key{ConfigID: r.Good, Seed: 1}), []byte("{"))
	trial = open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good})
	if trial.Result.Seed != 0 || !strings.Contains(strings.Join(trial.Warnings, "\n"), "damaged result") ||
		!strings.Contains(trial.Warnings[0], "1 of 3 seeds") {
		t.Errorf("seed %d, warnings %q", trial.Result.Seed, trial.Warnings)
	}
}

// edit changes a trial's result file.
func edit(t *testing.T, r *Run, k result.Key, change func(*result.Result)) {
	t.Helper()
	res, err := r.Folder.ReadResult(k)
	if err != nil {
		t.Fatal(err)
	}
	change(&res)
	b, err := store.EncodeResult(res)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, r.Folder.ResultPath(k), b)
}

func key(r *Run, seed int64) result.Key { return result.Key{ConfigID: r.Good, Seed: seed} }

// weights is the file of a good trial's weights.
func weights(r *Run, seed int64) string {
	return store.WeightsPath(r.Folder.TrialDir(key(r, seed)))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for name, c := range map[string]struct {
		bad    bool // configuration
		seed   *int64
		change func(*testing.T, *Run)
		want   string
		usage  bool // the choice is wrong, no network is
	}{
		"diverged":          {bad: true, seed: seed(0), want: "seed-0: it diverged: the loss was NaN at step 7; there is no trained network to take"},
		"unfinished":        {bad: true, seed: seed(1), want: "seed-1: it has no result yet: it is not finished"},
		"no seed is done":   {bad: true, want: "no seed of it is done; seed 0 diverged: the loss was NaN at step 7"},
		"no such seed":      {seed: seed(7), want: "has no seed 7, only 0, 1, 2", usage: true},
		"damaged result":    {seed: seed(0), want: "damaged result", change: func(t *testing.T, r *Run) { writeFile(t, r.Folder.ResultPath(key(r, 0)), []byte("{")) }},
		"weights not kept":  {seed: seed(0), want: "its weights were not kept; seed 1, 2 has them: --seed 1", change: func(t *testing.T, r *Run) { remove(t, weights(r, 0)) }},
		"no weights at all": {want: "its weights were not kept: train with `slimfit run --keep all`", change: func(t *testing.T, r *Run) { remove(t, weights(r, 0), weights(r, 1), weights(r, 2)) }},
		"damaged weights": {seed: seed(0), want: "its SHA-256 does not fit its content; the trained weights are lost; seed 1, 2 has them: --seed 1", change: func(t *testing.T, r *Run) {
			b := read(t, weights(r, 0))
			b[len(b)-1] ^= 1
			writeFile(t, weights(r, 0), b)
		}},
		"cut weights":   {seed: seed(0), want: "; the trained weights are lost; seed 1, 2 has them", change: func(t *testing.T, r *Run) { writeFile(t, weights(r, 0), read(t, weights(r, 0))[:60]) }},
		"other weights": {seed: seed(0), want: "holds other weights than the result is of", change: func(t *testing.T, r *Run) { writeFile(t, weights(r, 0), read(t, weights(r, 2))) }},
		"no model":      {seed: seed(0), want: "it has no model", change: func(t *testing.T, r *Run) { edit(t, r, key(r, 0), func(x *result.Result) { x.Model = nil }) }},
		"no classifier": {seed: seed(0), want: "is not the classifier", change: func(t *testing.T, r *Run) {
			edit(t, r, key(r, 0), func(x *result.Result) { x.Model = x.Model[:1] })
		}},
		"an unknown layer": {seed: seed(0), want: `its model has no form here: layer 1: unknown layer kind "lstm"`, change: func(t *testing.T, r *Run) {
			edit(t, r, key(r, 0), func(x *result.Result) { x.Model[0].Kind = "lstm" })
		}},
		"no validation": {want: "no validation accuracy to choose by: name one by --seed", change: func(t *testing.T, r *Run) {
			for s := range int64(3) {
				edit(t, r, key(r, s), func(x *result.Result) {
					x.Accuracy.Validation, x.Correct.Validation, x.Dataset.Validation = nil, nil, 0
				})
			}
		}},
	} {
		run, _ := makeRun(t)
		choice := export.Choice{Folder: run.Folder, ConfigID: run.Good, Seed: c.seed}
		if c.bad {
			choice.ConfigID = run.Bad
		}
		if c.change != nil {
			c.change(t, run)
		}
		_, err := export.Open(choice)
		var unfit *export.UnfitError
		if err == nil || errors.As(err, &unfit) == c.usage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestParseFormats(t *testing.T) {
	for names, want := range map[string][]export.Format{
		"tflite":             {export.TFLite},
		"c, npz,tflite-int8": {export.TFLiteInt8, export.CArray, export.NPZ},
		"all":                export.Formats(),
		"npz,all":            export.Formats(),
	} {
		if got, err := export.ParseFormats(names); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", names, got, err)
		}
	}
	if _, err := export.ParseFormats("tflite,onnx"); err == nil || !strings.Contains(err.Error(), `no format "onnx"`) {
		t.Errorf("onnx: %v", err)
	}
}
