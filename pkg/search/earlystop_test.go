package search_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/store"
)

// look is what was measured at a step at which a trial may be stopped.
type look struct {
	step    int
	highest float64 // that it could reach by the rule, in [0, 1]
	slope   float64 // exponent of the power of the steps by which its error fell from here to the end
}

// trial is one that was trained to its end.
type trial struct {
	key   result.Key
	steps int
	final float64 // validation accuracy at the end
	looks []look
}

// Flags of BenchmarkEarlyStop.
var (
	finishedRuns = flag.String("earlystop", "", "run `folders` with trials to their end, comma-separated")
	candidates   = flag.Int("earlystop.candidates", 0, "configurations that share the error probability; 0: those of the folders")
	certainty    = flag.Float64("earlystop.confidence", 0.95, "of a search's target")
	accuracies   = flag.String("earlystop.targets", "0.8,0.85,0.9,0.93,0.95,0.97,0.98,0.99,0.999", "fractions, comma-separated")
)

// BenchmarkEarlyStop holds the rule by which a search stops hopeless trials against
// trials that were trained to their end: what it would have saved, and whether it
// would have stopped one that ends at the target or above, which is an error. It
// prints a Markdown table.
//
//	go test ./pkg/search -v -timeout 0 -run '^$' -bench EarlyStop -benchtime 1x -earlystop "$PWD/runs/full/search-grid-120"
func BenchmarkEarlyStop(b *testing.B) {
	if *finishedRuns == "" {
		b.Skip("-earlystop names no run folder")
	}
	var out strings.Builder
	err := earlyStops(&out, strings.Split(*finishedRuns, ","), *accuracies, *candidates, *certainty)
	b.Logf("\n%s", out.String())
	if err != nil {
		b.Error(err)
	}
}

// earlyStops judges the rule on run folders. candidates is the number of
// configurations that a search's bounds hold for together; below 1 it is as many as
// the folders have.
func earlyStops(stdout io.Writer, dirs []string, accuracies string, candidates int, confidence float64) error {
	if !(confidence > 0 && confidence < 1) {
		return errors.New("want a confidence between 0 and 1")
	}
	targets, err := fractions(accuracies)
	if err != nil {
		return err
	}
	folders := make([]*store.Folder, len(dirs))
	for i, dir := range dirs {
		if folders[i], err = store.Open(dir); err != nil {
			return err
		}
	}
	if candidates < 1 {
		if candidates, err = configurations(folders); err != nil {
			return err
		}
	}
	all, err := read(folders, 1-(1-confidence)/float64(max(candidates, 1)))
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d trials to their end; bounds of %d configurations together at %v\n\n", len(all), candidates, confidence)
	if len(all) == 0 {
		return nil
	}
	slopes(stdout, all)
	return judge(stdout, all, targets)
}

// fractions reads a comma-separated list.
func fractions(list string) ([]float64, error) {
	var out []float64
	for text := range strings.SplitSeq(list, ",") {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func configurations(folders []*store.Folder) (int, error) {
	ids := map[string]bool{}
	for _, f := range folders {
		keys, err := f.Keys()
		if err != nil {
			return 0, err
		}
		for _, k := range keys {
			ids[k.ConfigID] = true
		}
	}
	return len(ids), nil
}

// read takes the trials that are done, were measured at the looks and have a
// constant learning rate; each once.
func read(folders []*store.Folder, confidence float64) ([]trial, error) {
	var all []trial
	seen := map[result.Key]bool{}
	for _, f := range folders {
		results, _, err := f.Results(store.Brief)
		if err != nil {
			return nil, err
		}
		for _, r := range results {
			rule := (&result.StopRule{Above: stats.AboveChance(r.Dataset.Classes)}).For(r.Train, r.Model)
			if seen[r.Key()] || r.Status != result.Done || rule == nil || r.Accuracy.Validation == nil || stats.Looks(r.Train.Steps) == 0 {
				continue
			}
			seen[r.Key()] = true
			points, err := f.ReadHistory(r.Key())
			if err != nil {
				return nil, err
			}
			t, err := newTrial(r, points, confidence)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Key(), err)
			}
			all = append(all, t)
		}
	}
	return all, nil
}

func newTrial(r result.Result, points []result.Point, confidence float64) (trial, error) {
	t := trial{key: r.Key(), steps: r.Train.Steps, final: *r.Accuracy.Validation}
	images := r.Dataset.Validation
	var before struct {
		acc  float64
		step int
	}
	for _, p := range points {
		if p.Validation == nil || p.Step%stats.LookEvery != 0 {
			continue
		}
		fast := stats.FallsFaster(before.acc, before.step, *p.Validation, p.Step)
		before.acc, before.step = *p.Validation, p.Step
		if !stats.IsLook(p.Step, t.steps) {
			continue
		}
		highest, err := stats.Projected(int(math.Round(*p.Validation*float64(images))), images, p.Step, t.steps, confidence)
		if err != nil {
			return t, err
		}
		if fast || *p.Validation < stats.AboveChance(r.Dataset.Classes) {
			highest = 1 // it may have just begun to learn: the rule does not stop it
		}
		slope := math.Log((1-*p.Validation)/(1-t.final)) / math.Log(float64(t.steps)/float64(p.Step))
		t.looks = append(t.looks, look{p.Step, highest, slope})
	}
	if len(t.looks) != stats.Looks(t.steps) {
		return t, fmt.Errorf("its history was measured at %d of the %d steps that the rule looks at", len(t.looks), stats.Looks(t.steps))
	}
	return t, nil
}

// slopes prints the exponents that the rule bounds.
func slopes(stdout io.Writer, all []trial) {
	var each []float64
	above := 0
	for _, t := range all {
		for _, l := range t.looks {
			if each = append(each, l.slope); l.slope > stats.ErrorExponent {
				above++
			}
		}
	}
	slices.Sort(each)
	fmt.Fprintf(stdout, "exponents of the error from a look to the end: median %.2f, 99 %% at most %.2f, largest %.2f; %d of %d above %v\n\n",
		each[len(each)/2], each[len(each)*99/100], each[len(each)-1], above, len(each), stats.ErrorExponent)
}

// stopAt is the first look at which the rule stops the trial for the target.
func (t trial) stopAt(target float64) (look, bool) {
	for _, l := range t.looks {
		if l.highest < target {
			return l, true
		}
	}
	return look{}, false
}

// judge prints a line for each target. The error counts the trials that would
// have been stopped wrongly.
func judge(stdout io.Writer, all []trial, targets []float64) error {
	fmt.Fprintln(stdout, "| target | miss it | stopped | steps saved | stopped and at the target or above | closest of the stopped |")
	fmt.Fprintln(stdout, "|---|---|---|---|---|---|")
	faults := 0
	for _, target := range targets {
		miss, stopped, wrong, saved, steps, closest := 0, 0, 0, 0, 0, 0.0
		for _, t := range all {
			steps += t.steps
			if t.final < target {
				miss++
			}
			l, ok := t.stopAt(target)
			if !ok {
				continue
			}
			stopped++
			saved += t.steps - l.step
			closest = max(closest, t.final)
			if t.final >= target {
				wrong++
			}
		}
		faults += wrong
		near := "none"
		if stopped > 0 {
			near = fmt.Sprintf("%.2f %%", 100*closest)
		}
		fmt.Fprintf(stdout, "| %.4g %% | %d | %d | %.1f %% | %d | %s |\n", 100*target, miss, stopped, 100*float64(saved)/float64(steps), wrong,
			near)
	}
	fmt.Fprintln(stdout)
	windows(stdout, all)
	if faults > 0 {
		return fmt.Errorf("%d trials stopped wrongly", faults)
	}
	return nil
}

// windows prints for which other targets a trial would have been stopped
// wrongly, if there are any.
func windows(stdout io.Writer, all []trial) {
	none := true
	for _, t := range all {
		low := t.final
		for _, l := range t.looks {
			low = min(low, l.highest)
		}
		if low < t.final {
			none = false
			fmt.Fprintf(stdout, "%s ends with %.2f %%, and would be stopped for targets in the %.2f points below.\n", t.key, 100*t.final,
				100*(t.final-low))
		}
	}
	if none {
		fmt.Fprintln(stdout, "There is no target at all for which one of these trials would be stopped wrongly.")
	}
}

// curve is a finished trial with the accuracies at 1,000 to 4,000 steps.
func curve(t *testing.T, seed int64, at ...float64) trial {
	t.Helper()
	r := result.Result{ConfigID: "c5x2-0123abcd", Seed: seed, Train: models.DefaultRecipe()}
	r.Dataset = models.Data{Validation: 5000, Classes: 10}
	r.Train.Steps = 4000
	r.Accuracy.Validation = &at[len(at)-1]
	points := []result.Point{{Step: 500, Loss: 1}}
	for i := range at {
		points = append(points, result.Point{Step: 1000 * (i + 1), Loss: 1, Validation: &at[i]})
	}
	got, err := newTrial(r, points, 0.999)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newTrial(r, points[:2], 0.999); err == nil || !strings.Contains(err.Error(), "1 of the 3 steps") {
		t.Errorf("a short history: %v", err)
	}
	return got
}

func TestEarlyStops(t *testing.T) {
	slow := curve(t, 0, 0.40, 0.55, 0.62, 0.66)   // can reach 90 % by the rule
	fast := curve(t, 1, 0.90, 0.93, 0.945, 0.955) // 98.5 %
	leap := curve(t, 2, 0.60, 0.70, 0.75, 0.93)   // in the end steeper than the rule allows for
	late := curve(t, 3, 0.40, 0.80, 0.90, 0.93)   // it has just begun, and falls fast
	for _, c := range []struct {
		all     []trial
		targets []float64
		wrong   int
		want    []string
	}{
		{[]trial{slow, fast}, []float64{0.8, 0.95, 0.9999}, 0, []string{"| 80 % | 1 | 1 | 12.5 % | 0 | 66.00 % |", "| 95 % | 1 | 1 | 25.0 % | 0 | 66.00 % |",
			"| 99.99 % | 2 | 2 | 62.5 % | 0 | 95.50 % |", "There is no target at all"}},
		{[]trial{fast, leap}, []float64{0.92, 0.95}, 1, []string{"| 92 % | 0 | 1 | 25.0 % | 1 | 93.00 % |", "| 95 % | 1 | 1 | 37.5 % | 0 | 93.00 % |",
			"c5x2-0123abcd/seed-2 ends with 93.00 %, and would be stopped for targets in the 9.02"}},
		{[]trial{late}, []float64{0.92, 0.95}, 0, []string{"| 92 % | 0 | 0 |", "| 95 % | 1 | 0 |"}},
		{[]trial{leap}, []float64{0.5}, 0, []string{"| 50 % | 0 | 0 | 0.0 % | 0 | none |", "ends with 93.00 %"}},
	} {
		var out bytes.Buffer
		err := judge(&out, c.all, c.targets)
		if (err != nil) != (c.wrong > 0) || err != nil && !strings.HasPrefix(err.Error(), fmt.Sprint(c.wrong)) {
			t.Errorf("%v: error %v, want %d wrong stops", c.targets, err, c.wrong)
		}
		for _, w := range c.want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%v: no %q in\n%s", c.targets, w, out.String())
			}
		}
	}
	var out bytes.Buffer
	if slopes(&out, []trial{late}); !strings.Contains(out.String(), "2 of 3 above 1.25") {
		t.Error(out.String())
	}
}

func TestEarlyStopsRefuse(t *testing.T) {
	for _, c := range []struct {
		accuracies string
		confidence float64
	}{{"0.9", 1}, {"high", 0.95}, {"0.9", 0.95}} {
		if err := earlyStops(&bytes.Buffer{}, []string{t.TempDir()}, c.accuracies, 0, c.confidence); err == nil {
			t.Errorf("%v: no error", c)
		}
	}
}
