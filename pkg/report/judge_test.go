package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// vector is one of pkg/target's, as far as a report needs it.
type vector struct {
	Name      string
	Rule      string
	Seeds     int
	Accuracy  float64
	Metric    string
	RecallAll float64 `json:"recall_all"`
	Recall    map[string]float64
	Networks  []target.Network
	Verdict   Verdict
}

// judge is what a report makes of the vector's networks.
func (v vector) judge(t *testing.T) Judged {
	t.Helper()
	asked := target.Target{Accuracy: v.Accuracy, Metric: v.Metric, Confidence: 0.95, Rule: v.Rule, RecallAll: v.RecallAll}
	for class, floor := range v.Recall {
		n, err := strconv.Atoi(class)
		if err != nil {
			t.Fatal(err)
		}
		asked.Recall = append(asked.Recall, target.Recall{Class: n, Floor: floor})
	}
	row := Row{}
	for i := range v.Seeds {
		row.Trials = append(row.Trials, Trial{Seed: int64(i), Status: Absent})
	}
	for i, n := range v.Networks {
		trial := &row.Trials[i]
		trial.Status = result.Done
		if n.Diverged {
			trial.Status = result.Diverged
			continue
		}
		trial.Validation = &Measured{Accuracy: float64(n.Correct) / float64(n.Images), Correct: &n.Correct, Images: n.Images}
		trial.confusion = map[Split][][]int{Validation: n.Confusion}
	}
	r := &filled{&planned{Report: &Report{Split: Validation, Target: &Target{Accuracy: v.Accuracy, Rule: v.Rule, Seeds: v.Seeds,
		asked: asked}},
		judges: map[string]*target.Judge{}}}
	return r.see(&row, Validation, v.Rule)
}

var update = flag.Bool("update", false, "write golden files anew")

// question is what the page's JavaScript is asked, and what it is to say.
type question struct {
	Name      string  `json:"name"`
	Judged    Judged  `json:"judged"`
	Threshold float64 `json:"threshold"`
	Verdict   Verdict `json:"verdict"`
	Why       string  `json:"why"`
}

// The report says of every shared vector what the judge says. What it sees is
// kept for the test of the page's JavaScript, which has to say the same.
func TestSharedVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "target", "testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	var questions []question
	for _, v := range all {
		j := v.judge(t)
		got, why := j.verdict(v.Accuracy)
		if got != v.Verdict {
			t.Errorf("%s: %s (%s), want %s", v.Name, got, why, v.Verdict)
		}
		questions = append(questions, question{v.Name, j, v.Accuracy, got, why})
	}
	data, err := json.MarshalIndent(questions, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("page", "testdata", "judged.json")
	if *update {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(data, want) {
		t.Errorf("%s is not what the report sees of the vectors (%v); go test -update writes it anew", file, err)
	}
}
