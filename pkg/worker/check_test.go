package worker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// What check-keras compares is written for networks with augment and select.
func TestCheckWritesAll(t *testing.T) {
	b, err := os.ReadFile("../../scripts/keras/networks.json")
	if err != nil {
		t.Fatal(err)
	}
	var all, few []network
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	wanted := map[string]string{"augment-light": "seen.npy", "select-best": "selected.npy"}
	for _, n := range all {
		if wanted[n.Name] != "" {
			few = append(few, n)
		}
	}
	if b, err = json.Marshal(few); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "networks.json")
	if err := os.WriteFile(file, b, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Check(file, dir); err != nil {
		t.Fatal(err)
	}
	for name, file := range wanted {
		for _, file := range []string{file, "images.npy", "losses.npy", "end-00.npy"} {
			if _, err := os.Stat(filepath.Join(dir, name, file)); err != nil {
				t.Error(err)
			}
		}
	}
}
