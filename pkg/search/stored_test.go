package search

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
)

var update = flag.Bool("update", false, "write testdata/certificate-*.json anew")

// A certificate that was written on one processor verifies on every other:
// run with -tags noasm too, where sums are taken in another order.
func TestStoredCertificates(t *testing.T) {
	for _, c := range []struct {
		rule  string
		seeds int
	}{{experiment.RuleWorst, 3}, {experiment.RuleMean, 5}, {experiment.RuleTolerance, 10}} {
		name := filepath.Join("testdata", "certificate-"+c.rule+".json")
		if *update {
			store(t, name, simulatedFor(t, c.rule, c.seeds))
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s := searched{files: map[string][]byte{}}
		if s.cert, err = ReadCertificate(b); err != nil {
			t.Fatal(err)
		}
		var files map[string]string
		if err := json.Unmarshal(unzipped(t, name+".results.gz"), &files); err != nil {
			t.Fatal(err)
		}
		for path, content := range files {
			s.files[path] = []byte(content)
		}
		if s.cert.Verdict != result.Certified || len(s.cert.Openings) < 1 || s.cert.Target.Rule != c.rule {
			t.Errorf("%s: %s", name, s.cert.Summary)
		}
		for _, f := range s.verify() {
			t.Errorf("%s: %s", name, f)
		}
	}
}

// simulatedFor searches a grid of which the dearer half meets the target.
func simulatedFor(t *testing.T, rule string, seeds int) searched {
	t.Helper()
	all := small()
	for i := range all {
		c := &all[i]
		c.Data.Validation, c.Data.Test = 300, 600
		c.ID = c.Config.ID()
	}
	goal := aim(0.8)
	goal.Rule, goal.RecallAll = rule, 0.3
	p := problem(all, seeds, goal, Options{})
	return record(t, p, newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4))
}

// store writes a certificate and the results that it rests on.
func store(t *testing.T, name string, s searched) {
	t.Helper()
	files := map[string]string{}
	for path, b := range s.files {
		files[path] = string(b)
	}
	b, err := json.MarshalIndent(s.cert, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	results, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(results); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{name: slices.Concat(b, []byte("\n")), name + ".results.gz": zipped.Bytes()} {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func unzipped(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Numbers agree to twelve digits, whole ones in all.
func TestSameNumber(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"0.9280034839063134", "0.9280034839063136", true},
		{"0.928003483906", "0.928003483908", false},
		{"1e-9", "1.0000000000001e-9", true},
		{"0.5", "-0.5", false},
		{"9007199254740993", "9007199254740992", false},
		{"1", "1.0", true},
	} {
		if got := sameNumber(json.Number(c.a), json.Number(c.b)); got != c.want {
			t.Errorf("%s and %s: %v, want %v", c.a, c.b, got, c.want)
		}
	}
	if sameNumber("0.5", json.Number("0.5")) {
		t.Error("a text is no number")
	}
}
