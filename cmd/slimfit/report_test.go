package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

const simulatedExperiment = `name: %s
about: Simulated results, to test the report command.
dataset: mnist
matrix: {kernel: [5, 3], filters: [4, 2]}
model:
  - conv: {kernel: $kernel, filters: $filters}
  - maxpool: 4
  - dense: 32
train: {steps: 100, learning_rate: %g}
seeds: 2
target: {accuracy: 0.9}
report: {slice: kernel, x: filters}
`

// simulate writes a run folder whose results were never trained: kernel 5 has
// 92 % and kernel 3 has 88 % on validation, give or take the seed.
func simulate(t *testing.T, out, name string, rate float64) *store.Folder {
	t.Helper()
	folder, err := store.Create(out, name, fmt.Appendf(nil, simulatedExperiment, name, rate))
	if err != nil {
		t.Fatal(err)
	}
	e, err := experiment.Load(folder.ExperimentPath(), nil, func(ref dataset.Ref) (models.Data, error) {
		return dataset.Describe(ref,
			t.TempDir())
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range e.Trials() {
		correct := 4600 + int(trial.Seed) + 10*trial.Assignment["filters"].(int)
		if trial.Assignment["kernel"] == 3 {
			correct -= 200
		}
		write(t, folder, simulated(e, trial, correct))
	}
	return folder
}

// simulated is a result with so many validation images right; the first images
// are the wrong ones.
func simulated(e *experiment.Experiment, trial experiment.Trial, correct int) result.Result {
	wrong := func(n int) ([][2]int, [][]int) {
		list, confusion := [][2]int{}, make([][]int, 10)
		for i := range confusion {
			confusion[i] = make([]int, 10)
		}
		for i := range n {
			list = append(list, [2]int{i, 1})
		}
		confusion[0][1] = n
		return list, confusion
	}
	r := result.Result{Experiment: e.Name, ConfigID: trial.ID, Assignment: trial.Assignment, Model: trial.Spec().FullLayers(),
		Train:   trial.Recipe,
		Dataset: trial.Data, Seed: trial.Seed, Status: result.Done, Steps: trial.Recipe.Steps, Seconds: 1, Footprint: trial.Footprint, Warnings: []string{}}
	share, both, twice := float64(correct)/5000, correct, 2*correct
	r.Accuracy = result.Pair[float64]{Validation: &share, Test: &share}
	r.Correct = result.Pair[int]{Validation: &both, Test: &twice}
	r.Wrong.Validation, r.Confusion.Validation = wrong(5000 - correct)
	r.Wrong.Test, r.Confusion.Test = wrong(10000 - 2*correct)
	r.Confusion.Validation[1][1], r.Confusion.Test[1][1] = correct, 2*correct
	return r
}

func write(t *testing.T, folder *store.Folder, r result.Result) {
	t.Helper()
	b, err := store.EncodeResult(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder.TrialDir(r.Key()), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder.ResultPath(r.Key()), b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// slimfit runs the program in this process.
func slimfit(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"slimfit"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

// flat is text without its line breaks.
func flat(words string) string { return strings.Join(strings.Fields(words), " ") }

func TestReportCommand(t *testing.T) {
	folder := simulate(t, t.TempDir(), "simulated", 1e-4)
	code, words, stderr := slimfit("report", folder.Dir)
	if code != exit.Done || !strings.Contains(flat(words), "is kernel 5, filters 2:") || !strings.Contains(words, "8 of 8 done") {
		t.Fatalf("exit %d, stderr %s\n%s", code, stderr, words)
	}
	var pages []string
	for _, name := range []string{"report.md", "report.html", "results.csv", "configurations.csv", "report.json", "tables.tex",
		"figures/accuracy.svg", "figures/front.png"} {
		b, err := os.ReadFile(filepath.Join(folder.ReportDir(), name))
		if err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		pages = append(pages, string(b))
	}
	// A copy elsewhere gives the same bytes.
	other := simulate(t, t.TempDir(), "simulated", 1e-4)
	if code, again, _ := slimfit("report", "-q", other.Dir); code != exit.Done || again != words {
		t.Errorf("exit %d; the same results elsewhere give another text", code)
	}
	for i, name := range []string{"report.md", "report.html", "results.csv"} {
		b, err := os.ReadFile(filepath.Join(other.ReportDir(), name))
		if err != nil || string(b) != pages[i] {
			t.Errorf("%s differs from that of the same results elsewhere, error %v", name, err)
		}
	}
	for format, want := range map[string]string{"markdown": "# simulated\n", "csv": "experiment,config_id,label,kernel,filters,seed,status",
		"json": "[\n", "latex": "% simulated: tables", "html": "<!DOCTYPE html>"} {
		code, out, stderr := slimfit("report", "-n", "--format", format, folder.Dir)
		if code != exit.Done || !strings.HasPrefix(out, want) || stderr != "" {
			t.Errorf("--format %s: exit %d, stderr %q, output %.60q", format, code, stderr, out)
		}
	}
}

func TestReportWhatIsMissing(t *testing.T) {
	folder := simulate(t, t.TempDir(), "simulated", 1e-4)
	keys, err := folder.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(folder.ResultPath(keys[0])); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder.ResultPath(keys[1]), []byte("{half"), 0o666); err != nil {
		t.Fatal(err)
	}
	code, words, _ := slimfit("report", "-n", folder.Dir)
	for _, want := range []string{"2 missing", "slimfit run --out .. experiment.yaml", "damaged result " + keys[1].String() + "/result.json"} {
		if code != exit.Done || !strings.Contains(flat(words), want) {
			t.Errorf("exit %d, the text does not say %q:\n%s", code, want, words)
		}
	}
	if _, err := os.Stat(folder.ReportDir()); err == nil {
		t.Error("-n writes files")
	}
	if err := os.Remove(folder.ExperimentPath()); err != nil {
		t.Fatal(err)
	}
	if code, words, _ = slimfit("report", "-n", folder.Dir); code != exit.Done ||
		!strings.Contains(flat(words), "The experiment file is gone") {
		t.Errorf("without the experiment file: exit %d\n%s", code, words)
	}
}

func TestReportSeveral(t *testing.T) {
	out := t.TempDir()
	a, b := simulate(t, out, "simulated", 1e-4), simulate(t, out, "simulated-again", 1e-4)
	keys, err := b.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(b.ResultPath(keys[0])); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(out, "both")
	code, words, stderr := slimfit("report", a.Dir, b.Dir, "--into", into)
	if code != exit.Done || strings.Contains(words, "missing:") || !strings.Contains(flat(words), "Taken from experiment simulated") {
		t.Fatalf("exit %d, stderr %s\n%s", code, stderr, words)
	}
	md, err := os.ReadFile(filepath.Join(into, "report.md"))
	if err != nil || !bytes.Contains(md, []byte("](figures/simulated-again-accuracy.svg)")) {
		t.Errorf("report.md: %v", err)
	}
	for _, name := range []string{"simulated.html", "simulated-again.html", "figures/simulated-front.svg"} {
		if _, err := os.Stat(filepath.Join(into, name)); err != nil {
			t.Error(err)
		}
	}
}

// Results that say nothing of their files, as an older slimfit's do, and
// networks without any result are measured for the report: sizes depend on the
// shapes alone. What one experiment's results say holds in the other's report.
func TestReportMeasures(t *testing.T) {
	out := t.TempDir()
	a, b := simulate(t, out, "simulated", 1e-4), simulate(t, out, "simulated-again", 1e-4)
	keys, err := b.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys[:2] { // both seeds of the first network
		if err := os.Remove(b.ResultPath(key)); err != nil {
			t.Fatal(err)
		}
	}
	results, _, err := a.ResultsOf(keys[2:3], store.Full)
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	results[0].Footprint.Measured = &footprint.Measured{TFLite: 123_456}
	write(t, a, results[0])
	spec := results[0]
	code, words, stderr := slimfit("report", "-n", "--format", "json", a.Dir, b.Dir)
	if code != exit.Done {
		t.Fatalf("exit %d, stderr %s", code, stderr)
	}
	var reports []struct {
		Rows []struct {
			ID        string `json:"config_id"`
			Footprint footprint.Footprint
		} `json:"configurations"`
	}
	if err := json.Unmarshal([]byte(words), &reports); err != nil {
		t.Fatalf("%v in %.400s", err, words)
	}
	for i, r := range reports {
		for _, row := range r.Rows {
			m := row.Footprint.Measured
			if m == nil {
				t.Errorf("report %d: %s is not measured", i, row.ID)
				continue
			}
			if said := m.TFLite == 123_456; said != (row.ID == spec.ConfigID) || m.TFLite < 4*row.Footprint.Parameters && !said {
				t.Errorf("report %d: %s takes %d bytes", i, row.ID, m.TFLite)
			}
		}
	}
	if len(reports) != 2 || len(reports[1].Rows) != 4 {
		t.Errorf("%+v", reports)
	}
}

func TestReportErrors(t *testing.T) {
	folder := simulate(t, t.TempDir(), "simulated", 1e-4)
	empty := t.TempDir()
	published := filepath.Join(empty, "paper.csv")
	if err := os.WriteFile(published, []byte("kernel,accuracy\n5,97.38\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	blocked := simulate(t, t.TempDir(), "simulated", 1e-4)
	if err := os.WriteFile(blocked.ReportDir(), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"report"}, exit.Usage, "want at least one run folder"},
		{[]string{"report", empty}, exit.Usage, "is no run folder"},
		{[]string{"report", filepath.Join(empty, "none")}, exit.Usage, "is no run folder"},
		{[]string{"report", folder.Dir, "--split", "train"}, exit.Usage, "want validation or test"},
		{[]string{"report", folder.Dir, "--format", "pdf"}, exit.Usage, "want one of text"},
		{[]string{"report", folder.Dir, "--published", published}, exit.Usage, "paper.csv:2: accuracy"},
		{[]string{"report", folder.Dir, "--published", "none.csv"}, exit.IO, "none.csv"},
		{[]string{"report", folder.Dir, folder.Dir, "--format", "html"}, exit.Usage, "one page holds one experiment"},
		{[]string{"report", blocked.Dir}, exit.IO, "write report"},
		{[]string{"compare", folder.Dir}, exit.Usage, "want two run folders, got 1"},
		{[]string{"compare", folder.Dir, empty}, exit.Usage, "is no run folder"},
	} {
		code, stdout, stderr := slimfit(c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%v: exit %d, want %d; stderr %q, want %q; stdout %.80q", c.args, code, c.code, stderr, c.want, stdout)
		}
	}
}

// A certificate that does not hold is not believed.
func TestReportForgedCertificate(t *testing.T) {
	folder := simulate(t, t.TempDir(), "simulated", 1e-4)
	b, err := json.Marshal(result.Certificate{Format: result.CertificateFormat, Experiment: "simulated", Summary: "All is well.",
		Target: result.Target{Accuracy: 0.9, Confidence: 0.95, Rule: "worst", Cost: "parameters"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder.Dir, "certificate.json"), b, 0o666); err != nil {
		t.Fatal(err)
	}
	code, words, _ := slimfit("report", "-n", folder.Dir)
	if code != exit.Done || strings.Contains(words, "All is well") || !strings.Contains(flat(words), "certificate does not hold") {
		t.Errorf("exit %d\n%s", code, words)
	}
}

func TestCompareCommand(t *testing.T) {
	out := t.TempDir()
	a, b := simulate(t, out, "first", 1e-4), simulate(t, out, "second", 1e-3)
	code, words, stderr := slimfit("compare", a.Dir, b.Dir)
	if code != exit.Done || !strings.Contains(flat(words), "4 networks with 8 seeds that both have trained") ||
		!strings.Contains(words, "0.0001 | 0.001") {
		t.Errorf("exit %d, stderr %s\n%s", code, stderr, words)
	}
	for format, want := range map[string]string{"markdown": "# first and second\n", "csv": "network,config_id_1", "json": "{\n"} {
		if code, out, _ := slimfit("compare", a.Dir, b.Dir, "--format", format); code != exit.Done || !strings.HasPrefix(out, want) {
			t.Errorf("--format %s: exit %d, output %.60q", format, code, out)
		}
	}
}
