package output

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
)

// The same results give the same bytes, in whatever order they are read.
func TestFilesAreReproducible(t *testing.T) {
	type written struct {
		name    string
		content []byte
	}
	write := func(shuffle bool) []written {
		in := reporttest.Flawed(t)
		if shuffle {
			rand.New(rand.NewPCG(1, 1)).Shuffle(len(in.Results), func(i, j int) { in.Results[i], in.Results[j] = in.Results[j], in.Results[i] })
		}
		var files []written
		for _, f := range Files([]*report.Report{reporttest.Build(t, in, report.Options{}),
			reporttest.Build(t, reporttest.One(t), report.Options{})}) {
			b, err := f.Make()
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, written{f.Name, b})
		}
		return files
	}
	a, b := write(false), write(true)
	if len(a) != len(b) {
		t.Fatalf("%d and %d files", len(a), len(b))
	}
	var names []string
	for i := range a {
		names = append(names, a[i].name)
		if a[i].name != b[i].name || !bytes.Equal(a[i].content, b[i].content) {
			t.Errorf("%s differs between two writes", a[i].name)
		}
	}
	for _, want := range []string{"report.md", "results.csv", "report.json", "tables.tex", "simulated-slices.html",
		"figures/simulated-slices-accuracy.svg", "figures/simulated-one-training.png"} {
		if !slices.Contains(names, want) {
			t.Errorf("no file %s among %v", want, names)
		}
	}
}
