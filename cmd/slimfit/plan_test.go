package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// runPlan runs the plan command with other sources than the program's.
func runPlan(t *testing.T, sources lab.PlanSources, args ...string) (string, error) {
	t.Helper()
	return runPlanUntil(t, context.Background(), sources, args...)
}

func runPlanUntil(t *testing.T, ctx context.Context, sources lab.PlanSources, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "e.yaml")
	source := "name: two\ndataset: mnist\nmatrix: {filters: [2, 4]}\nmodel:\n- conv: {kernel: 5, filters: $filters}\n- maxpool: 4\n- " +
		"dense: 16\nseeds: 3\ntrain: {steps: 10}\n"
	if err := os.WriteFile(file, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	app := &cli.App{Writer: &out, ErrWriter: &out, ExitErrHandler: func(*cli.Context, error) {},
		Commands: prepare([]*cli.Command{planCommand(func(*lab.Lab) lab.PlanSources { return sources })}, "slimfit")}
	err := app.RunContext(ctx, append([]string{"slimfit", "plan", "--cache", dir}, append(args, file)...))
	return out.String(), err
}

func TestPlanShowsStatusAndEstimate(t *testing.T) {
	sources := lab.PlanSources{
		Status: func(dir string) (map[result.Key]result.Status, error) {
			if dir != filepath.Join("there", "two") {
				t.Errorf("asked for %s", dir)
			}
			known := map[result.Key]result.Status{}
			for id, all := range map[string][]result.Status{"c5x2": {result.Done, result.Diverged, result.Running},
				"c5x4": {result.Done, result.Done}} {
				for seed, s := range all {
					known[result.Key{ConfigID: planID(t, id), Seed: int64(seed)}] = s
				}
			}
			return known, nil
		},
		Estimate: func(_ context.Context, all []lab.Pending) ([]lab.PlanEstimate, error) {
			if len(all) != 1 || len(all[0].Trials) != 2 || all[0].Trials[0].Seed != 2 || all[0].Trials[1].Seed != 2 {
				t.Errorf("pending %v", all)
			}
			return []lab.PlanEstimate{{Seconds: 150, From: "calibrated here"}}, nil
		},
	}
	out, err := runPlan(t, sources, "-o", "there")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"  1 of 3, 1 running, 1 diverged\n", "  2 of 3\n",
		"2 configurations x 3 seeds = 6 trials, 60 training steps; 3 done, 1 running, 1 diverged, 1 pending; about 3 min left (calibrated " +
			"here)\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	out, err = runPlan(t, sources, "-o", "there", "--format", "json")
	if err != nil {
		t.Fatal(err)
	}
	var plans []lab.Plan
	if err := json.Unmarshal([]byte(out), &plans); err != nil {
		t.Fatal(err)
	}
	if got := plans[0].Configurations[0].Trials[1]; got != (lab.PlanTrial{Seed: 1, Status: result.Diverged}) ||
		plans[0].Estimate.Seconds != 150 || plans[0].Totals.Status[result.Done] != 3 {
		t.Errorf("got %+v", plans[0])
	}
}

// planID finds the configuration whose ID starts with the slug.
func planID(t *testing.T, slug string) string {
	t.Helper()
	out, err := runPlan(t, lab.PlanSources{}, "--format", "json")
	if err != nil {
		t.Fatal(err)
	}
	var plans []lab.Plan
	if err := json.Unmarshal([]byte(out), &plans); err != nil {
		t.Fatal(err)
	}
	for _, c := range plans[0].Configurations {
		if strings.HasPrefix(c.ConfigID, slug) {
			return c.ConfigID
		}
	}
	t.Fatalf("no %s", slug)
	return ""
}

func TestPlanWithoutMeasuring(t *testing.T) {
	dir, rows := t.TempDir(), "label,a,b,c\n" // run wants the data to be there
	for i := range 40 {
		rows += fmt.Sprintf("%d,%d,%d,1\n", i%2, i, i*i)
	}
	file := filepath.Join(dir, "e.yaml")
	const experiment = "name: e\ndataset: {path: waves.csv}\nmodel: [{dense: 2}]\ntrain: {batch: 8, steps: 9}\n"
	for name, content := range map[string]string{"e.yaml": experiment, "waves.csv": rows} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"plan", "--no-measure"}, {"plan", "--no-measure=false"}, {"run", "--dry-run"}} {
		var asked *lab.Lab
		sources := func(l *lab.Lab) lab.PlanSources {
			asked = l
			return lab.PlanSources{}
		}
		app := &cli.App{Writer: io.Discard, ErrWriter: io.Discard, ExitErrHandler: func(*cli.Context, error) {},
			Commands: prepare([]*cli.Command{planCommand(sources), runCommand(sources)}, "slimfit")}
		if err := app.Run(append(append([]string{"slimfit"}, args...), file)); err != nil ||
			asked.NoMeasure == (args[1] == "--no-measure=false") {
			t.Errorf("%s: %v, %v", args, asked.NoMeasure, err)
		}
	}
}

// A signal ends a plan wherever it is, while it reads the files too, and nothing
// is printed.
func TestPlanStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	forever := make(chan struct{})
	defer close(forever)
	sources := lab.PlanSources{Estimate: func(context.Context, []lab.Pending) ([]lab.PlanEstimate, error) {
		cancel(&signalError{syscall.SIGTERM})
		<-forever
		return nil, errors.New("never told")
	}}
	for _, where := range []string{"in the midst of it", "before it begins"} {
		out, err := runPlanUntil(t, ctx, sources)
		if out != "" || exitCode(ctx, err) != exit.Requeue {
			t.Errorf("stopped %s: printed %q, %v", where, out, err)
		}
	}
}

func TestPlanPassesFaultsOn(t *testing.T) {
	broken := errors.New("broken")
	_, err := runPlan(t, lab.PlanSources{Status: func(string) (map[result.Key]result.Status, error) { return nil, broken }})
	if !errors.Is(err, broken) || exitCode(t.Context(), err) != exit.IO {
		t.Errorf("got %v", err)
	}
	_, err = runPlan(t, lab.PlanSources{Estimate: func(context.Context, []lab.Pending) ([]lab.PlanEstimate, error) {
		return nil, broken
	}})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 3274634: "3,274,634", -1234: "-1,234", -123: "-123"} {
		if got := text.Thousands(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for seconds, want := range map[float64]string{0: "1 s", 29: "29 s", 90: "2 min", 119 * 60: "119 min", 150 * 60: "2.5 h"} {
		if got := text.Roughly(seconds); got != want {
			t.Errorf("%v: %s, want %s", seconds, got, want)
		}
	}
}
