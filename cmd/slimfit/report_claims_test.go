package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/exit"
)

// What scripts/paper_results.sh writes is what the result files say today.
func TestPaperResults(t *testing.T) {
	paper := filepath.Join("..", "..", "experiments", "paper")
	want, err := os.ReadFile(filepath.Join(paper, "RESULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"report", "--quiet", "--split", "test", "--published", filepath.Join(paper, "published", "accuracies.csv"),
		"--claims", filepath.Join(paper, "published", "claims.yaml"), "--into", t.TempDir()}
	into := args[len(args)-1]
	for _, line := range strings.Split(string(want), "\n") { // the experiments in the document's order
		if name, ok := strings.CutPrefix(line, "# paper-"); ok {
			args = append(args, filepath.Join(paper, "results", "paper-"+name))
		}
	}
	if code, _, stderr := slimfit(args...); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	same(t, filepath.Join(into, "report.md"), filepath.Join(paper, "RESULTS.md"))
	figures, err := filepath.Glob(filepath.Join(paper, "figures", "*.svg"))
	if err != nil || len(figures) == 0 {
		t.Fatalf("no figures beside RESULTS.md: %v", err)
	}
	for _, f := range figures {
		same(t, filepath.Join(into, "figures", filepath.Base(f)), f)
	}
	results, err := filepath.Glob(filepath.Join(paper, "results", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range results {
		if !bytes.Contains(want, []byte("\n# "+filepath.Base(dir)+"\n")) {
			t.Errorf("%s is not in RESULTS.md", dir)
		}
	}
}

func same(t *testing.T, got, want string) {
	t.Helper()
	g, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		t.Errorf("%s is not what the result files say: run scripts/paper_results.sh", want)
	}
}

func TestReportClaims(t *testing.T) {
	out := t.TempDir()
	a, b := simulate(t, out, "first", 1e-4), simulate(t, out, "second", 1e-3)
	file := filepath.Join(out, "claims.yaml")
	words := `title: Two <runs>
claims:
  - claim: Five reaches 91 %.
    check: reaches
    accuracy: 0.91
    cells: [{experiment: first, kernel: 5, filters: 4}]
  - claim: Three is above five.
    check: falls
    cells: [{experiment: second, kernel: 3, filters: 4}, {experiment: first, kernel: 5, filters: 4}]
`
	if err := os.WriteFile(file, []byte(words), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := slimfit("report", "--claims", file, a.Dir, b.Dir); code != exit.Usage || !strings.Contains(stderr, "--into") {
		t.Errorf("two folders without --into: exit %d: %s", code, stderr)
	}
	into := filepath.Join(out, "both")
	code, stdout, stderr := slimfit("report", "--claims", file, "--into", into, a.Dir, b.Dir)
	if code != 0 || !strings.Contains(stdout, "Verdicts on 2 claims: holds 1, fails 1.") ||
		!strings.HasPrefix(stdout, "Two <runs>\n==========\n") {
		t.Errorf("exit %d: %s %s", code, stdout, stderr)
	}
	md, err := os.ReadFile(filepath.Join(into, "report.md"))
	if err != nil || !strings.HasPrefix(string(md), "# Two &lt;runs&gt;\n") || !strings.Contains(string(md), "\n# first\n") {
		t.Errorf("report.md: %.200s, %v", md, err)
	}
	if b, err := os.ReadFile(filepath.Join(into, "claims.json")); err != nil || !strings.Contains(string(b), `"verdict": "fails"`) {
		t.Errorf("claims.json: %s, %v", b, err)
	}
	for _, c := range []struct{ words, want string }{
		{"claims: [{claim: c, check: same, cells: [{experiment: first}]}]\n", "claims.yaml:1:10: same takes 2 cells, not 1"},
		{"claims:\n  - {claim: c, check: falls, cells: [{experiment: first}, {experiment: second}]}\n", "claims.yaml:2: cell {experiment: first} fits 4"},
	} {
		if err := os.WriteFile(file, []byte(c.words), 0o666); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := slimfit("report", "-n", "--claims", file, a.Dir); code != exit.Usage || !strings.Contains(stderr, c.want) {
			t.Errorf("exit %d: %s, want %s", code, stderr, c.want)
		}
	}
}
