package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// sample is a plausible result of the final network; filters and seed vary it.
func sample(t testing.TB, filters int, seed int64) result.Result {
	t.Helper()
	layers := []models.Layer{models.NewConv(5, filters), models.NewMaxPool(4), models.NewDense(128), models.NewDropout(0.5)}
	config := models.Config{Layers: layers, Recipe: models.DefaultRecipe(), Data: models.Data{Name: "mnist", Digest: "d1",
		Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Train: 55000, Validation: 5000, Test: 10000}}
	f, err := footprint.Of(config.Spec())
	if err != nil {
		t.Fatal(err)
	}
	r := result.Result{Experiment: "sample", ConfigID: config.ID(), Assignment: map[string]any{"filters": float64(filters)},
		Model: config.Spec().FullLayers(), Train: config.Recipe, Dataset: config.Data, Seed: seed, Status: result.Done,
		Steps: 20000, Seconds: 12.25, Footprint: f, Warnings: []string{},
		Environment: result.Environment{Slimfit: "v1", TensorFlow: "2.18.1", OS: "linux/amd64", Host: "a", CPUFeatures: []string{"avx2", "avx512f"}, Threads: 1, Device: "CPU"},
		Started:     time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Finished: time.Date(2026, 1, 2, 3, 5, 5, 6, time.UTC)}
	for i := range 200 {
		r.Wrong.Validation = append(r.Wrong.Validation, [2]int{i * 20, i % 10})
	}
	for i := range 400 {
		r.Wrong.Test = append(r.Wrong.Test, [2]int{i * 20, i % 10})
	}
	validation, test := 4800, 9600
	va, ta := float64(validation)/5000, float64(test)/10000
	r.Correct = result.Pair[int]{Validation: &validation, Test: &test}
	r.Accuracy = result.Pair[float64]{Validation: &va, Test: &ta}
	r.Confusion.Validation = [][]int{{1, 2}, {3, 4}}
	return r
}

func newFolder(t testing.TB) *Folder {
	t.Helper()
	f, err := Create(t.TempDir(), "sample", []byte("name: sample\n"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// put writes a result without a lease.
func put(t testing.TB, f *Folder, r result.Result) {
	t.Helper()
	if err := f.makeTrialDir(f.TrialDir(r.Key())); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteResult(r, 0, false); err != nil {
		t.Fatal(err)
	}
}

func TestResultRoundTrip(t *testing.T) {
	f := newFolder(t)
	want := sample(t, 2, 3)
	put(t, f, want)
	got, err := f.ReadResult(want.Key())
	if err != nil {
		t.Fatal(err)
	}
	want.Checksum = got.Checksum
	if !reflect.DeepEqual(got, want) || len(got.Checksum) != checksumSize {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	b, err := os.ReadFile(filepath.Join(f.TrialDir(want.Key()), result.ResultName))
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(b, []byte("\n")); lines != 23 { // 21 keys and the braces
		t.Errorf("%d lines, want one a key:\n%s", lines, b[:1000])
	}
	again, err := EncodeResult(got)
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("written again it differs (%v):\n%s", err, again)
	}
}

func TestWriteResultAcceptsOne(t *testing.T) {
	f := newFolder(t)
	r := sample(t, 2, 0)
	put(t, f, r)
	r.Seconds = 99
	if err := f.WriteResult(r, 0, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second result: %v, want fs.ErrExist", err)
	}
	if got, _ := f.ReadResult(r.Key()); got.Seconds != 12.25 {
		t.Errorf("the second result took the place of the first")
	}
	if err := f.WriteResult(r, 0, true); err != nil {
		t.Errorf("replace: %v", err)
	}
	if got, _ := f.ReadResult(r.Key()); got.Seconds != 99 {
		t.Errorf("replace left the old result")
	}
	names, err := readNames(f.TrialDir(r.Key()))
	if err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestDamagedResults(t *testing.T) {
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Fatalf("no %q in the result", old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	for _, c := range []struct {
		name   string
		damage func(string) string
		want   string
	}{
		{name: "cut in half", damage: func(s string) string { return s[:len(s)/2] }},
		{name: "empty", damage: func(string) string { return "" }},
		{name: "not JSON", damage: func(string) string { return "accuracy: 100 %\n" }},
		{name: "a list", damage: func(string) string { return "[]" }},
		{name: "null", damage: func(string) string { return "null" }},
		{name: "another configuration", damage: replace(`"config_id": "c5x2-`, `"config_id": "c5x4-`), want: "config_id"},
		{name: "another seed", damage: replace(`"seed": 1`, `"seed": 7`), want: "seed is 7"},
		{name: "unknown status", damage: replace(`"status": "done"`, `"status": "perfect"`), want: `"perfect"`},
		{name: "not finished", damage: replace(`"status": "done"`, `"status": "running"`), want: `"running"`},
		{name: "wrong type", damage: replace(`"steps": 20000`, `"steps": "many"`)},
		{name: "accuracy in percent", damage: replace(`"validation":0.96`, `"validation":96`), want: "96"},
		{name: "accuracy beautified", damage: replace(`"test":0.96}`, `"test":0.99}`), want: "9600 of 10000"},
		{name: "accuracy removed", damage: replace(`"validation":0.96`, `"validation":null`), want: "without"},
		{name: "wrong images removed", damage: replace(`[[0,0],`, `[`), want: "validation: correct and wrong images do not add up to 5000"},
		{name: "wrong images cut short", damage: replace(`[3980,9]],"test"`, `[3980,9,"test"`), want: "invalid character"},
		{name: "every image correct", damage: func(s string) string {
			return replace(`"test":0.96}`, `"test":1}`)(replace(`"test":9600}`, `"test":10000}`)(s))
		}, want: "test: correct and wrong images do not add up to 10000"},
		{name: "half trained", damage: replace(`"steps": 20000`, `"steps": 10000`), want: "done after 10000 of 20000 steps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFolder(t)
			r := sample(t, 2, 1)
			put(t, f, r)
			path := filepath.Join(f.TrialDir(r.Key()), result.ResultName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(c.damage(string(b))), 0o666); err != nil {
				t.Fatal(err)
			}
			var bad *ResultError
			if _, err := f.ReadResult(r.Key()); !errors.As(err, &bad) || bad.File != path || !strings.Contains(bad.Reason, c.want) {
				t.Errorf("ReadResult: %v, want a ResultError that names %s and %q", err, path, c.want)
			}
			for _, d := range []Detail{Brief, Full} {
				results, damaged, err := f.Results(d)
				if err != nil {
					t.Fatal(err)
				}
				if len(results) != 0 || len(damaged) != 1 || !strings.Contains(damaged[0].Reason, c.want) {
					t.Errorf("detail %v: %d results, damaged %v", d, len(results), damaged)
				}
			}
			aside, err := f.SetResultAside(r.Key())
			if err != nil || aside != path+".damaged-1" {
				t.Errorf("set aside as %s, %v", aside, err)
			}
			put(t, f, r)
			if aside, err := f.SetResultAside(r.Key()); err != nil || aside != path+".damaged-2" {
				t.Errorf("the second is set aside as %s, %v", aside, err)
			}
		})
	}
}

func TestResultsOrder(t *testing.T) {
	f := newFolder(t)
	var want []string
	for _, filters := range []int{16, 2, 32} { // c5x16 < c5x2 < c5x32, as names
		for _, seed := range []int64{10, 9, 100, 0} {
			put(t, f, sample(t, filters, seed))
		}
		for _, seed := range []int{0, 9, 10, 100} {
			want = append(want, fmt.Sprintf("%d %d", filters, seed))
		}
	}
	for _, other := range []string{"report", "processes", "notes-2026", "c5x2-p4-d128-0000000g"} {
		if err := os.MkdirAll(filepath.Join(f.Dir, other, "seed-1"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []Detail{Brief, Full} {
		results, damaged, err := f.Results(d)
		if err != nil || len(damaged) != 0 {
			t.Fatal(err, damaged)
		}
		var got []string
		for _, r := range results {
			got = append(got, fmt.Sprintf("%v %d", r.Assignment["filters"], r.Seed))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("detail %v: order %v, want %v", d, got, want)
		}
		full := sample(t, 16, 0)
		full.Checksum = results[0].Checksum
		if d == Brief {
			full.Wrong, full.Confusion = result.Wrong{}, result.Confusion{}
		}
		if !reflect.DeepEqual(results[0], full) {
			t.Errorf("detail %v: got %+v\nwant %+v", d, results[0], full)
		}
	}
}

// withoutChecksum is a result.json as earlier versions wrote it.
func withoutChecksum(b []byte) []byte {
	return append([]byte(objectBegin), b[len(checksumBegin)+checksumSize+len(checksumEnd):]...)
}

func TestBriefReadsOtherLayouts(t *testing.T) {
	f := newFolder(t)
	r := sample(t, 2, 0)
	put(t, f, r)
	path := filepath.Join(f.TrialDir(r.Key()), result.ResultName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compact := bytes.ReplaceAll(withoutChecksum(b), []byte("\n"), nil)
	if err := os.WriteFile(path, compact, 0o666); err != nil {
		t.Fatal(err)
	}
	results, damaged, err := f.Results(Brief)
	if err != nil || len(damaged) != 0 || len(results) != 1 {
		t.Fatal(results, damaged, err)
	}
	r.Wrong, r.Confusion = result.Wrong{}, result.Confusion{}
	if !reflect.DeepEqual(results[0], r) {
		t.Errorf("got  %+v\nwant %+v", results[0], r)
	}
}

func TestHistoryRoundTrip(t *testing.T) {
	f := newFolder(t)
	k := result.Key{ConfigID: "c5x2-12345678", Seed: 1}
	if err := f.makeTrialDir(f.TrialDir(k)); err != nil {
		t.Fatal(err)
	}
	float := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.Inf(1), math.NaN(),
		math.SmallestNonzeroFloat64, math.MaxFloat64, 0.1, 1.0 / 3}))
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOf(rapid.Custom(func(rt *rapid.T) result.Point {
			p := result.Point{Step: rapid.IntRange(1, 1<<40).Draw(rt, "step"), Loss: float.Draw(rt, "loss")}
			if rapid.Bool().Draw(rt, "measured") {
				v := float.Draw(rt, "validation")
				p.Validation = &v
			}
			return p
		})).Draw(rt, "points")
		if err := f.WriteHistory(k, 0, want); err != nil {
			rt.Fatal(err)
		}
		got, err := f.ReadHistory(k)
		if err != nil || len(got) != len(want) {
			rt.Fatalf("%d points, %v; want %d", len(got), err, len(want))
		}
		for i, p := range got {
			same := p.Step == want[i].Step && sameFloat(p.Loss, want[i].Loss) && (p.Validation == nil) == (want[i].Validation == nil)
			if !same || p.Validation != nil && !sameFloat(*p.Validation, *want[i].Validation) {
				rt.Fatalf("point %d: got %+v, want %+v", i, p, want[i])
			}
		}
	})
}

// sameFloat compares bits; all NaNs are one.
func sameFloat(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

func TestReadHistoryNamesTheLine(t *testing.T) {
	f := newFolder(t)
	k := result.Key{ConfigID: "c5x2-12345678"}
	if err := f.makeTrialDir(f.TrialDir(k)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(f.TrialDir(k), historyName)
	for text, want := range map[string]string{
		"":                                     ":1: want the columns",
		"step,loss\n1,2\n":                     ":1: want the columns",
		"header\n":                             ":1: want the columns",
		"step,loss,validation_accuracy\n1,2\n": "record on line 2",
		"step,loss,validation_accuracy\n1,2,\nx,2,\n":   ":3: step:",
		"step,loss,validation_accuracy\n1,two,\n":       ":2: loss:",
		"step,loss,validation_accuracy\n1,2,most of it": ":2: validation_accuracy:",
	} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadHistory(k); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestCreateKeepsResults(t *testing.T) {
	out := t.TempDir()
	f, err := Create(out, "sample", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	r := sample(t, 2, 0)
	put(t, f, r)
	if f, err = Create(out, "sample", []byte("two")); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(f.ExperimentPath()); string(b) != "two" {
		t.Errorf("experiment.yaml holds %q", b)
	}
	if _, err := f.ReadResult(r.Key()); err != nil {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(out, "sample")); err != nil {
		t.Error(err)
	}
	if _, err := Open(out); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "is no run folder") {
		t.Errorf("Open of another folder: %v", err)
	}
}

// BenchmarkResults lists 100,000 results; SLIMFIT_BENCH_RESULTS changes that.
func BenchmarkResults(b *testing.B) {
	f := newFolder(b)
	n := 100_000
	fmt.Sscan(os.Getenv("SLIMFIT_BENCH_RESULTS"), &n)
	for i := range n / 5 {
		r := sample(b, i+1, 0)
		for s := range 5 {
			r.Seed, r.Checksum = int64(s), Checksum()
			body, err := EncodeResult(r)
			if err != nil {
				b.Fatal(err)
			}
			dir := f.TrialDir(r.Key())
			if err := f.makeTrialDir(dir); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, result.ResultName), body, 0o666); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, d := range map[string]Detail{"brief": Brief, "full": Full} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				results, _, err := f.Results(d)
				if err != nil || len(results) != n/5*5 {
					b.Fatal(len(results), err)
				}
			}
		})
	}
}
