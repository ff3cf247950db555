package store

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// A result that two readers of JSON could read in two ways is damaged, in
// whatever detail it is read.
func TestDoubledAndUnknownKeysAreDamage(t *testing.T) {
	f := newFolder(t)
	r := sample(t, 4, 0)
	put(t, f, r)
	path := f.ResultPath(r.Key())
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole := string(withoutChecksum(sealed))
	for name, change := range map[string][2]string{
		"doubled":            {`  "seed": `, "  \"seed\": 0,\n  \"seed\": "},
		"doubled on a line":  {`  "seed": `, `  "seed": 0,"model":[],"seconds":0,"seed":`},
		"doubled, shared":    {`  "dataset": `, "  \"model\": [],\n  \"dataset\": "},
		"other case":         {`  "seed": `, "  \"ACCURACY\": {\"validation\": 1, \"test\": 1},\n  \"seed\": "},
		"other case, nested": {`"validation":`, `"Validation":1,"validation":`},
		"escaped":            {`  "seed": `, "  \"mod\\u0065l\": [],\n  \"seed\": "},
		"with a space":       {`  "seed": `, "  \"model\" : [],\n  \"seed\": "},
		"after the lists":    {"}\n}\n", "},\n  \"ACCURACY\": {}\n}\n"},
		"among the lists":    {`  "confusion": {`, `  "confusion": {"Test":[],`},
	} {
		changed := strings.Replace(whole, change[0], change[1], 1)
		if changed == whole {
			t.Fatalf("%s: nothing changed", name)
		}
		if err := os.WriteFile(path, []byte(changed), 0o666); err != nil {
			t.Fatal(err)
		}
		var damaged *ResultError
		if _, err := f.ReadResult(r.Key()); !errors.As(err, &damaged) {
			t.Errorf("%s, full: %v", name, err)
		}
		if got, bad, err := f.Results(Brief); err != nil || len(got) != 0 || len(bad) != 1 {
			t.Errorf("%s, brief: %d results, %v, %v", name, len(got), bad, err)
		}
	}
}
