// Command earlystop holds the rule by which a search stops hopeless trials
// against trials that were trained to their end: what it would have saved, and
// whether it would have stopped one that ends at the target or above. A Markdown
// table on stdout; it ends with 1 where one would be stopped wrongly for one of
// the targets.
//
//	go run ./scripts/earlystop [-targets 0.9,0.95] [-candidates N] [-confidence 0.95] RUN...
//
// RUN is a run folder, <out>/<name>. N is the number of configurations that a
// search's bounds hold for together; by default as many as the folders have.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/store"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "earlystop: %v\n", err)
		os.Exit(1)
	}
}

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

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("earlystop", flag.ContinueOnError)
	list := flags.String("targets", "0.8,0.85,0.9,0.93,0.95,0.97,0.98,0.99,0.999", "accuracies, comma-separated fractions")
	candidates := flags.Int("candidates", 0, "configurations that share the error probability; 0: those of the folders")
	confidence := flags.Float64("confidence", 0.95, "of a search's target")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 || !(*confidence > 0 && *confidence < 1) {
		return errors.New("want run folders, and a confidence between 0 and 1")
	}
	var targets []float64
	for _, text := range strings.Split(*list, ",") {
		t, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("-targets: %w", err)
		}
		targets = append(targets, t)
	}
	folders := make([]*store.Folder, flags.NArg())
	for i, dir := range flags.Args() {
		var err error
		if folders[i], err = store.Open(dir); err != nil {
			return err
		}
	}
	n, err := configurations(folders)
	if err != nil {
		return err
	}
	if *candidates > 0 {
		n = *candidates
	}
	all, err := read(folders, 1-(1-*confidence)/float64(max(n, 1)))
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d trials to their end; bounds of %d configurations together at %v\n\n", len(all), n, *confidence)
	if len(all) == 0 {
		return nil
	}
	slopes(stdout, all)
	return judge(stdout, all, targets)
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
