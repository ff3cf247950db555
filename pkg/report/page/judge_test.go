package page

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
)

// The page's JavaScript says of every shared vector what the report says: what
// the report sees of them is written by its own test.
func TestSharedVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "judged.json"))
	if err != nil {
		t.Fatal(err)
	}
	var questions []struct {
		Name, Why string
		Verdict   report.Verdict
	}
	if err := json.Unmarshal(data, &questions); err != nil {
		t.Fatal(err)
	}
	script, err := assets.ReadFile("assets/page_judge.js")
	if err != nil {
		t.Fatal(err)
	}
	const near = `judge({rule: "worst", best: 0.949999, complete: true, out: ""}, 0.95).why` // on which side it is
	if why := string(runScript(t, string(script), near)); why != "worst seed 94.9999 %" {
		t.Error(why)
	}
	call := fmt.Sprintf("JSON.stringify(%s.map((q) => judge(q.judged, q.threshold)))", data)
	var answers []struct{ Is, Why string }
	if err := json.Unmarshal(runScript(t, string(script), call), &answers); err != nil {
		t.Fatal(err)
	}
	if len(questions) == 0 || len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	for i, q := range questions {
		if a := answers[i]; a.Is != string(q.Verdict) || a.Why != q.Why {
			t.Errorf("%s: JavaScript says %+v, want %s (%s)", q.Name, a, q.Verdict, q.Why)
		}
	}
}

// runScript evaluates an expression after a script: by node where it is there,
// else in the browser.
func runScript(t *testing.T, script, expression string) []byte {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		p := open(t, browser(t), reporttest.Build(t, reporttest.Flawed(t), report.Options{}), desktop)
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
