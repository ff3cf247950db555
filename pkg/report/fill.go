package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// reportConfidence is that of every interval in tables, whatever the target's.
const reportConfidence = 0.95

// fill puts results into the rows and sums them up.
func (r *planned) fill(in Input) *filled {
	for _, w := range in.Warnings {
		r.warn(w)
	}
	r.Shifts = allShifts(in)
	scores := map[result.Key]*result.Scores{}
	for i := range in.Scores {
		scores[in.Scores[i].Key()] = &in.Scores[i]
	}
	results, int8s := byKey(in.Results, in.Others), int8sByKey(in.Int8)
	for i := range r.Rows {
		row := &r.Rows[i]
		row.wrong = map[Split][][]int{}
		row.Histories = map[int64][]result.Point{}
		for j := range row.Trials {
			key := row.Trials[j].key(row)
			res, ok := results[key]
			if !ok && r.Searched() {
				row.Trials[j].Status = Skipped
				r.Missing.Skipped = append(r.Missing.Skipped, key)
				continue
			}
			if !ok {
				r.Missing.Trials = append(r.Missing.Trials, key)
				continue
			}
			r.take(row, &row.Trials[j], res)
			if row.Trials[j].scores = scores[key]; row.Trials[j].scores == nil || !row.Trials[j].scores.Of(*res) {
				row.Trials[j].scores = &result.Scores{}
			}
			r.takeInt8(row, &row.Trials[j], res, int8s[key])
			row.Histories[key.Seed] = in.Histories[key]
		}
		r.sum(row)
		r.Counts.add(row.Counts)
	}
	r.leftOut(in.Results)
	r.environments(results)
	slices.SortStableFunc(r.Warnings, func(a, b Warning) int { return cmp.Compare(len(a.Trials), len(b.Trials)) })
	return &filled{r}
}

// byKey finds each trial's result: the experiment's own, else that of the first other folder.
func byKey(own, others []result.Result) map[result.Key]*result.Result {
	m := make(map[result.Key]*result.Result, len(own))
	for _, results := range [][]result.Result{own, others} {
		for i := range results {
			if _, ok := m[results[i].Key()]; !ok {
				m[results[i].Key()] = &results[i]
			}
		}
	}
	return m
}

func (r *planned) take(row *Row, t *Trial, res *result.Result) {
	key := res.Key()
	t.Status, t.Reason = res.Status, res.Reason
	t.Steps, t.Seconds, t.WeightsSHA = res.Steps, res.Seconds, res.WeightsSHA
	if res.Experiment != r.Name {
		t.From = res.Experiment
		r.warn(fmt.Sprintf("Taken from experiment %s, which has the same configuration and seed.", res.Experiment), key)
	}
	for _, w := range res.Warnings {
		r.warn(w, key)
	}
	for _, n := range res.Notes {
		if n = text.Plain(n); !slices.Contains(r.read, n) {
			r.read = append(r.read, n)
		}
	}
	switch res.Status {
	case result.Failed:
		r.Missing.Failed = append(r.Missing.Failed, key)
		return
	case result.Diverged:
		r.Missing.Diverged = append(r.Missing.Diverged, key)
		return
	case result.Done:
	default:
		t.Status = Absent
		r.Missing.Trials = append(r.Missing.Trials, key)
		r.warn(fmt.Sprintf("The result file has the status %q, which is not final; counted as missing.", res.Status), key)
		return
	}
	if !slices.EqualFunc(res.Model, row.Model, models.Layer.Equal) {
		r.warn("The result file holds another network than the experiment's configuration of the same ID.", key)
	}
	t.By = r.measuredOn(res.On, res.Dataset)
	if t.Validation == nil && t.Test == nil {
		r.warn("Done, but without an accuracy.", key)
	}
	for _, s := range result.Splits() {
		f, n := res.On(s).Counted(s.Images(res.Dataset))
		if known := r.counted[s]; t.On(s) == nil || res.On(s).Wrong == nil || known > 0 && known != n {
			continue // an older result may not know which images repeat others: it has no list that fits
		}
		row.wrong[s] = append(row.wrong[s], indices(f.Wrong))
		r.counted[s] = n
	}
	t.confusion = countedConfusion(res.On, res.Dataset)
	row.Confusion.Validation = result.AddConfusion(row.Confusion.Validation, res.Confusion.Validation)
	row.Confusion.Test = result.AddConfusion(row.Confusion.Test, res.Confusion.Test)
}

func (r *planned) measuredOn(on func(Split) result.Figures, d models.Data) result.By[*Measured] {
	return result.By[*Measured]{Validation: r.measured(on, Validation, d), Test: r.measured(on, Test, d)}
}

func (r *planned) measured(on func(Split) result.Figures, s Split, d models.Data) *Measured {
	f := on(s)
	if f.Accuracy == nil {
		return nil
	}
	m := &Measured{Accuracy: *f.Accuracy, Correct: f.Correct, Images: s.Images(d)}
	if x := f.Distinct; x != nil {
		m.Distinct = &result.Distinct{Test: x.Test, Correct: x.Correct}
	}
	m.Interval = r.binomial.interval(m)
	if r.Balanced() {
		m.Balanced = BalancedOf(f, s.Images(d), &r.Target.asked)
	}
	return m
}

// countedConfusion are the matrices that floors judge by.
func countedConfusion(on func(Split) result.Figures, d models.Data) map[Split][][]int {
	out := map[Split][][]int{}
	for _, s := range result.Splits() {
		f, _ := on(s).Counted(s.Images(d))
		out[s] = f.Confusion
	}
	return out
}

func indices(wrong [][2]int) []int {
	out := make([]int, len(wrong))
	for i, w := range wrong {
		out[i] = w[0]
	}
	return out
}

// sum counts the row's trials and summarizes those that are done.
func (r *planned) sum(row *Row) {
	var time []float64
	for i := range row.Trials {
		t := &row.Trials[i]
		row.Counts.Planned++
		switch t.Status {
		case result.Done:
			row.Counts.Done++
			time = append(time, t.Seconds)
		case result.Failed:
			row.Counts.Failed++
		case result.Diverged:
			row.Counts.Diverged++
		case Skipped:
			row.Counts.Skipped++
		default:
			row.Counts.Missing++
		}
	}
	r.sumInt8(row)
	for _, s := range result.Splits() {
		*row.At(s) = r.score(row.Trials, func(t *Trial) *Measured { return t.On(s) })
		if score := r.score(row.Trials, func(t *Trial) *Measured { return r.JudgedOn(t, s) }); r.Balanced() && score != nil {
			if row.Balanced == nil {
				row.Balanced = map[Split]*Score{}
			}
			row.Balanced[s] = score
		}
	}
	row.Shifts = r.shifts(row)
	if s, err := stats.Summarize(time); err == nil {
		s.Mean, s.SD = stats.Round(s.Mean), stats.Round(s.SD)
		row.Seconds = &Times{Summary: s, Median: stats.Round(stats.Median(time))}
	}
}

func (c *Counts) add(d Counts) {
	c.Planned += d.Planned
	c.Done += d.Done
	c.Failed += d.Failed
	c.Diverged += d.Diverged
	c.Missing += d.Missing
	c.Skipped += d.Skipped
}

// score summarizes the trials that have the accuracy that of returns.
func (r *planned) score(trials []Trial, of func(*Trial) *Measured) *Score {
	var values []float64
	var worst *Measured
	for i := range trials {
		m := of(&trials[i])
		if m == nil {
			continue
		}
		values = append(values, m.Accuracy)
		if worst == nil || m.Accuracy < worst.Accuracy {
			worst = m
		}
	}
	s, err := stats.Summarize(values)
	if err != nil {
		return nil
	}
	out := &Score{N: s.N, Mean: stats.Round(s.Mean), Min: s.Min, Max: s.Max, WorstBound: r.binomial.bound(worst)}
	if s.N > 1 {
		sd := stats.Round(s.SD)
		out.SD = &sd
		if i, err := stats.TInterval(values, reportConfidence); err == nil {
			out.Mean95 = &stats.Interval{Low: stats.Round(max(0, i.Low)), High: stats.Round(min(1, i.High))}
		}
	}
	return out
}

// leftOut warns of results that the experiment does not plan.
func (r *planned) leftOut(results []result.Result) {
	planned := map[result.Key]bool{}
	for i := range r.Rows {
		for _, t := range r.Rows[i].Trials {
			planned[t.key(&r.Rows[i])] = true
		}
	}
	for i := range results {
		if !planned[results[i].Key()] && !r.Evidence.certifiedBy(results[i].Seed) {
			r.warn("In the run folder, but not in the experiment file: left out of this report.", results[i].Key())
		}
	}
}

// warn adds the trials to the warning of that text.
func (r *planned) warn(text string, trials ...result.Key) {
	for i := range r.Warnings {
		if r.Warnings[i].Text == text {
			r.Warnings[i].Trials = append(r.Warnings[i].Trials, trials...)
			return
		}
	}
	r.Warnings = append(r.Warnings, Warning{Text: text, Trials: trials})
}

// environments counts where the trials of the report ran, most first.
func (r *planned) environments(results map[result.Key]*result.Result) {
	place := map[string]int{}
	for i := range r.Rows {
		for _, t := range r.Rows[i].Trials {
			if t.Status == Absent || t.Status == Skipped {
				continue
			}
			res := results[t.key(&r.Rows[i])]
			text := environmentKey(&res.Environment)
			at, ok := place[text]
			if !ok {
				at = len(r.Machines)
				place[text] = at
				r.Machines = append(r.Machines, Environment{Environment: res.Environment})
			}
			r.Machines[at].Trials++
		}
	}
	slices.SortStableFunc(r.Machines, func(a, b Environment) int { return cmp.Compare(b.Trials, a.Trials) })
	if len(r.Machines) > 1 {
		r.warn(fmt.Sprintf("The trials ran in %d different environments: the same seed need not give the same bits in all of them.",
			len(r.Machines)))
	}
}

// environmentKey is the same for equal environments only.
func environmentKey(e *result.Environment) string {
	return strings.Join(append([]string{e.Slimfit, e.TensorFlow, e.Go, e.OS, e.Host, e.CPU, strconv.Itoa(e.Threads), e.Device, e.Driver,
		e.CUDA, e.CuDNN}, e.CPUFeatures...), "\x00")
}

// measuredCosts lists the measured costs that the experiment's target or figure
// looks at.
func measuredCosts(e *experiment.Experiment) []footprint.Cost {
	if e == nil {
		return nil
	}
	used := []footprint.Cost{footprint.Cost(e.Report.X)}
	if e.Target != nil {
		used = append(used, e.Target.Costs()...)
	}
	return slices.DeleteFunc(footprint.MeasuredCosts(), func(c footprint.Cost) bool { return !slices.Contains(used, c) })
}

// takeMeasured gives each row what its results say of its files, else those of
// another experiment, or a search's certificate, which knows those that were
// not trained too, and the baseline what its row has.
func (r *planned) takeMeasured(in Input) {
	known := map[string]*footprint.Measured{}
	if in.Certificate != nil {
		for _, j := range in.Certificate.Candidates {
			known[j.ConfigID] = j.Measured
		}
	}
	for _, results := range [][]result.Result{in.Others, in.Results} {
		for i := range results {
			if m := results[i].Footprint.Measured; m != nil {
				known[results[i].ConfigID] = m
			}
		}
	}
	for i := range r.Rows {
		if f := &r.Rows[i].Footprint; f.Measured == nil {
			f.Measured = known[r.Rows[i].ID]
		}
	}
	if b := r.Baseline.Row; b >= 0 {
		for k, c := range r.Costs {
			r.Baseline.Costs[k] = float64(r.Rows[b].Footprint.Get(c.Key))
		}
	}
}

// anyFiles says whether a network's files were measured.
func (r *Report) anyFiles() bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Footprint.Measured != nil })
}
