package store

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"slimfit/models"
	"slimfit/pkg/result"
)

// Reading a result and writing it again changes no byte, so that its digest
// can be checked after a part of it was taken out.
func TestEncodeResultTwice(t *testing.T) {
	accuracy, correct := 0.9581, 9581
	r := result.Result{ConfigID: "c-00000000", Status: result.Done, Warnings: []string{},
		Assignment: map[string]any{"kernel": 5, "rate": 1e-7, "shape": []any{3, 1}, "name": "a<b>&"},
		Model:      []models.Layer{models.NewConv(5, 2), models.NewDropout(0.1)}, Train: models.DefaultRecipe(), Seconds: 1.0 / 3}
	r.Accuracy.Validation, r.Correct.Validation = &accuracy, &correct
	r.Wrong.Validation = [][2]int{{3, 1}}
	once, err := EncodeResult(r)
	if err != nil {
		t.Fatal(err)
	}
	var back result.Result
	if err := json.Unmarshal(once, &back); err != nil {
		t.Fatal(err)
	}
	twice, err := EncodeResult(back)
	if err != nil || !bytes.Equal(once, twice) {
		t.Errorf("written again, error %v:\n%s\nwas\n%s", err, twice, once)
	}
}

func TestWriteFileReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	for _, want := range []string{"one", "two"} {
		if err := WriteFile(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("read %q, %v", got, err)
		}
	}
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(names) != 1 {
		t.Errorf("files left behind: %v, %v", names, err)
	}
}
