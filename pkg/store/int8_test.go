package store

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

// figures are int8 figures of 4 images in 2 classes, one of them wrong.
func figures(t *testing.T) result.Int8 {
	t.Helper()
	accuracy, correct := 0.75, 3
	return result.Int8{ConfigID: "c-1a2b3c4d", Seed: 2, Slimfit: "v1", OS: "linux/amd64", WeightsSHA: strings.Repeat("ab", 32),
		Calibration: 500,
		Bytes:       1872, SHA256: strings.Repeat("cd", 32), Accuracy: result.Pair[float64]{Validation: &accuracy}, Correct: result.Pair[int]{Validation: &correct},
		Wrong: result.Wrong{Validation: [][2]int{{1, 0}}}, Confusion: result.Confusion{Validation: [][]int{{2, 0}, {1, 1}}}}
}

func withTest(q result.Int8) result.Int8 {
	q.Accuracy.Test, q.Correct.Test, q.Wrong.Test, q.Confusion.Test = q.Accuracy.Validation, q.Correct.Validation, q.Wrong.Validation,
		q.Confusion.Validation
	return q
}

func TestInt8RoundTrip(t *testing.T) {
	f, q := newFolder(t), withTest(figures(t))
	if err := os.MkdirAll(f.TrialDir(q.Key()), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadInt8(q.Key()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is written: %v", err)
	}
	if err := f.WriteInt8(q); err != nil {
		t.Fatal(err)
	}
	// Who has no test figures of the same file does not take those that are there.
	if err := f.WriteInt8(figures(t)); err != nil {
		t.Fatal(err)
	}
	got, err := f.ReadInt8(q.Key())
	if err != nil || !reflect.DeepEqual(got, q) {
		t.Errorf("got %+v, %v, want %+v", got, err, q)
	}
	a, err := EncodeInt8(got)
	b, err2 := os.ReadFile(f.Int8Path(q.Key()))
	if err != nil || err2 != nil || string(a) != string(b) {
		t.Errorf("encoded again %s, the file has %s (%v, %v)", a, b, err, err2)
	}
	if sealed := got.Sealed(); !reflect.DeepEqual(sealed, figures(t)) || got.Correct.Test == nil {
		t.Errorf("sealed: %+v", sealed)
	}
	other := figures(t)
	other.SHA256 = strings.Repeat("ef", 32)
	if err := f.WriteInt8(other); err != nil {
		t.Fatal(err)
	}
	if got, err := f.ReadInt8(q.Key()); err != nil || !reflect.DeepEqual(got, other) {
		t.Errorf("of another file: %+v, %v", got, err)
	}
}

func TestInt8Of(t *testing.T) {
	q := figures(t)
	r := result.Result{ConfigID: q.ConfigID, Seed: q.Seed, WeightsSHA: q.WeightsSHA}
	old, retrained, other := r, r, r
	old.WeightsSHA, retrained.WeightsSHA, other.Seed = "", strings.Repeat("0", 64), 3
	if !q.Of(r) || !q.Of(old) || q.Of(retrained) || q.Of(other) {
		t.Error("of its result, one without a digest, of other weights, of another seed:", q.Of(r), q.Of(old), q.Of(retrained), q.Of(other))
	}
	if j := q.Judge(r); *j.Correct.Validation != 3 || len(j.Wrong.Validation) != 1 || j.WeightsSHA != r.WeightsSHA {
		t.Errorf("judged: %+v", j)
	}
	if j := (result.Int8{Reason: "sums overflow"}).Judge(r); j.Status != result.Failed ||
		!strings.Contains(j.Reason, "no int8 form: sums overflow") || j.Correct.Validation != nil {
		t.Errorf("without an int8 form: %+v", j)
	}
}

func TestDamagedInt8(t *testing.T) {
	five, half := 5, 0.5
	for name, c := range map[string]struct {
		damage func(*result.Int8)
		want   string
	}{
		"another trial":    {func(q *result.Int8) { q.Seed = 7 }, "it is of c-1a2b3c4d/seed-7"},
		"no weights":       {func(q *result.Int8) { q.WeightsSHA = "" }, "weights_sha256"},
		"no file":          {func(q *result.Int8) { q.SHA256 = "x" }, "SHA-256"},
		"no bytes":         {func(q *result.Int8) { q.Bytes = 0 }, "0 bytes"},
		"accuracy":         {func(q *result.Int8) { q.Accuracy.Validation = &half }, "accuracy 0.5 is not 3 of 4"},
		"count":            {func(q *result.Int8) { q.Correct.Validation = &five }, "5 of 6 images"},
		"no list":          {func(q *result.Int8) { q.Wrong.Validation = nil }, "is not 3 of 3"},
		"confusion":        {func(q *result.Int8) { q.Confusion.Validation = [][]int{{2, 0}, {0, 2}} }, "the confusion matrix counts 4 of 4"},
		"part of the test": {func(q *result.Int8) { q.Accuracy.Test = &half }, "test: accuracy, correct"},
		"no form, figures": {func(q *result.Int8) { q.Reason = "overflow" }, "has no int8 form"},
	} {
		f, q := newFolder(t), figures(t)
		key := q.Key()
		c.damage(&q)
		if reason := checkInt8(q, key); !strings.Contains(reason, c.want) {
			t.Errorf("%s: %q, want %q", name, reason, c.want)
		}
		b, err := EncodeInt8(q)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(f.TrialDir(key), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Int8Path(key), b, 0o666); err != nil {
			t.Fatal(err)
		}
		var damaged *ResultError
		if _, err := f.ReadInt8(key); !errors.As(err, &damaged) {
			t.Errorf("%s: read with %v", name, err)
		}
		aside, err := f.SetInt8Aside(key)
		if err != nil || aside != f.Int8Path(key)+".damaged-1" {
			t.Errorf("%s: set aside as %s, %v", name, aside, err)
		}
		if _, err := f.SetInt8Aside(key); err != nil {
			t.Errorf("%s: set aside by somebody else already: %v", name, err)
		}
	}
}

// Whatever the file holds, reading it ends in figures that agree with
// themselves, and are the same when written and read again, or in an error.
func FuzzReadInt8(f *testing.F) {
	q := result.Int8{ConfigID: "c-1a2b3c4d", Seed: 2, WeightsSHA: strings.Repeat("ab", 32), Bytes: 1, SHA256: strings.Repeat("cd", 32)}
	empty, err := EncodeInt8(q)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(empty)
	f.Add([]byte(`{"config_id":"c-1a2b3c4d","seed":2,"correct":{"validation":1},"accuracy":{"validation":1e300},"wrong":{"validation":[]},"confusion":{"validation":[[1]]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeInt8(b, "int8.json", q.Key())
		if err != nil {
			return
		}
		again, err := EncodeInt8(got)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decodeInt8(again, "int8.json", q.Key()); err != nil || !reflect.DeepEqual(back, got) {
			t.Errorf("written as %s, read back as %+v, %v", again, back, err)
		}
	})
}
