package report

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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
	RecallAll float64 `json:"recall_all"`
	Recall    map[string]float64
	Networks  []target.Network
	Verdict   Verdict
}

// judge is what a report makes of the vector's networks.
func (v vector) judge(t *testing.T) judged {
	t.Helper()
	asked := target.Target{Accuracy: v.Accuracy, Confidence: 0.95, Rule: v.Rule, RecallAll: v.RecallAll}
	for class, floor := range v.Recall {
		n, err := strconv.Atoi(class)
		if err != nil {
			t.Fatal(err)
		}
		asked.Recall = append(asked.Recall, target.Recall{Class: n, Floor: floor})
	}
	row := Row{}
	for i := range v.Seeds {
		row.Trials = append(row.Trials, Trial{Seed: int64(i), Status: missing})
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
	r := &Report{Split: Validation, Target: &Target{Accuracy: v.Accuracy, Rule: v.Rule, Seeds: v.Seeds, asked: asked}}
	return r.see(&row, Validation, v.Rule)
}

// The report says of every shared vector what the judge says, and so does the
// page's JavaScript.
func TestSharedVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "target", "testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	type asked struct {
		Judged    judged  `json:"judged"`
		Threshold float64 `json:"threshold"`
	}
	var questions []asked
	var words []string
	for _, v := range all {
		j := v.judge(t)
		got, why := j.verdict(v.Accuracy)
		if got != v.Verdict {
			t.Errorf("%s: %s (%s), want %s", v.Name, got, why, v.Verdict)
		}
		questions, words = append(questions, asked{j, v.Accuracy}), append(words, why)
	}
	data, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	script, err := assets.ReadFile("assets/page_judge.js")
	if err != nil {
		t.Fatal(err)
	}
	call := fmt.Sprintf("JSON.stringify(%s.map((q) => judge(q.judged, q.threshold)))", data)
	var answers []struct{ Is, Why string }
	if err := json.Unmarshal(runScript(t, string(script), call), &answers); err != nil {
		t.Fatal(err)
	}
	for i, v := range all {
		if answers[i].Is != string(v.Verdict) || answers[i].Why == "" || v.Verdict == Undecided && answers[i].Why != words[i] {
			t.Errorf("%s: JavaScript says %+v, want %s (%s)", v.Name, answers[i], v.Verdict, words[i])
		}
	}
}

// runScript evaluates an expression after a script: by node where it is there,
// else in the browser.
func runScript(t *testing.T, script, expression string) []byte {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		p := open(t, browser(t), build(t, flawed(t), Options{}), desktop)
		return []byte(js[string](p, expression)) // the page has the script
	}
	cmd := exec.Command(node, "-e", script+"\nprocess.stdout.write("+expression+")")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	return out
}
