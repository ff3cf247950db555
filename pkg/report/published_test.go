package report_test

import (
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
)

func TestPublished(t *testing.T) {
	rows, err := report.ReadPublished(strings.NewReader("# from a paper\nkernel,filters,accuracy,seconds,source\n5,2,0.9738,108,Table "+
		"IV\n1,2,0.9428,,Table VI\n"), "paper.csv")
	if err != nil {
		t.Fatal(err)
	}
	in := reporttest.Flawed(t)
	in.Published = rows
	r := reporttest.Build(t, in, report.Options{})
	i := slices.IndexFunc(r.Rows, func(row report.Row) bool { return row.Label == "kernel 5, filters 2" })
	if p := r.Rows[i].Published; p == nil || p.Accuracy != 0.9738 || *p.Seconds != 108 || p.Source != "Table IV" ||
		p.Place != "above all of 3 seeds" {
		t.Errorf("published %+v", p)
	}
	for text, want := range map[string]string{
		"":                                      "paper.csv:1: no header line",
		"kernel,filters\n5,2\n":                 "paper.csv:1: no column `accuracy`",
		"kernel,accuracy\n5,97.38\n":            "paper.csv:2: accuracy \"97.38\": want a fraction",
		"kernel,accuracy\n5,0.9,1\n":            "paper.csv: record on line 2: wrong number of fields",
		"kernel,accuracy,seconds\n5,0.9,soon\n": "paper.csv:2: seconds \"soon\": want a number",
	} {
		if _, err := report.ReadPublished(strings.NewReader(text), "paper.csv"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"kernel,accuracy\n5,0.97\n":                     "line 2: fits 3 configurations",
		"kernel,accuracy\n7,0.97\n":                     "line 2: fits 0 configurations",
		"colour,accuracy\n5,0.97\n":                     "line 2: fits 0 configurations",
		"kernel,filters,accuracy\n5,2,0.97\n5,2,0.96\n": "line 3: a second figure",
	} {
		rows, err := report.ReadPublished(strings.NewReader(text), "paper.csv")
		if err != nil {
			t.Fatal(err)
		}
		in.Published = rows
		if _, err := report.Build(in, report.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	in.Published = []report.PublishedRow{{Line: 2, Where: map[string]string{"experiment": "another"}, Figure: report.Published{Accuracy: 0.5}}}
	if _, err := report.Build(in, report.Options{}); err != nil {
		t.Errorf("a figure of another experiment: %v", err)
	}
}

func FuzzReadPublished(f *testing.F) {
	f.Add("kernel,filters,accuracy,seconds,source\n5,2,0.9738,108,Table IV\n")
	f.Add("accuracy\n\"0.5\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := report.ReadPublished(strings.NewReader(text), "fuzz.csv")
		if err != nil {
			return
		}
		for _, r := range rows {
			if !(r.Figure.Accuracy >= 0 && r.Figure.Accuracy <= 1) || r.Figure.Seconds != nil && !(*r.Figure.Seconds >= 0) {
				t.Errorf("%+v", r)
			}
		}
	})
}
