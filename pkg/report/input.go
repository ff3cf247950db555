package report

import (
	"cmp"
	"fmt"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// Input is what a report is made from.
type Input struct {
	Experiment  *experiment.Experiment // nil where the file is gone: then the results say what there is
	Results     []result.Result        // of the run folder, one a trial
	Others      []result.Result        // of other experiments: used where the same trial is missing here
	Histories   map[result.Key][]result.Point
	Int8        []result.Int8       // of Results and Others; where one trial has several, the one of its weights counts
	Classes     []string            // names of the classes, by number; nil where nobody knows
	Scores      []result.Scores     // of Results, where they are known
	Certificate *result.Certificate // of a search; nil without one
	Published   []PublishedRow      // what somebody else reports
	Warnings    []string            // what was noticed on reading the folder
	Command     string              // that trains what is missing, said in the run folder
	Retry       string              // that trains what failed again, said there too
}

// Options are the reader's wishes.
type Options struct {
	Split Split // to judge and draw by; "": validation where there is a target to choose by, else test
}

// Build computes a report. It fails on results that contradict themselves, not
// on results that are missing.
func Build(in Input, opt Options) (*Report, error) {
	order := func(a, b result.Result) int {
		return cmp.Or(cmp.Compare(a.ConfigID, b.ConfigID), cmp.Compare(a.Seed, b.Seed))
	}
	if !slices.IsSortedFunc(in.Results, order) {
		in.Results = slices.Clone(in.Results)
		slices.SortFunc(in.Results, order)
	}
	for _, list := range [][]result.Result{in.Results, in.Others} {
		for i := range list {
			if err := check(&list[i]); err != nil {
				return nil, err
			}
		}
	}
	p, err := plan(in)
	if err != nil {
		return nil, err
	}
	d, err := p.fill(in).decide(in, opt)
	if err != nil {
		return nil, err
	}
	r := d.answer(in)
	names := slices.Clone(r.Classes)
	for _, a := range r.Axes {
		names = append(names, a.Name)
	}
	r.Noun = text.NounOf(r.Dataset.Kind, names...)
	r.Noun.All(r)
	return r, nil
}

// check refuses a result that no run writes.
func check(res *result.Result) error {
	for _, s := range result.Splits() {
		if doubts := res.On(s).Check(s.Images(res.Dataset), res.Dataset.Classes, result.Kept); len(doubts) > 0 {
			return fmt.Errorf("result %s: %s: %s", res.Key(), s, doubts[0])
		}
	}
	return nil
}

// chooseSplit keeps the test images for the end: networks are chosen on
// validation, but where nothing is chosen the test accuracy is the figure.
func (r *filled) chooseSplit(want Split) (Split, error) {
	if want != "" && want != Validation && want != Test {
		return "", fmt.Errorf("split %q: want validation or test", want)
	}
	has := map[Split]bool{}
	for i := range r.Rows {
		for _, s := range result.Splits() {
			has[s] = has[s] || r.DrawnScore(&r.Rows[i], s) != nil
		}
	}
	if want == "" {
		want = Validation
		if r.Target == nil && has[Test] || !has[Validation] && has[Test] {
			want = Test
		}
	}
	if !has[want] && (has[Validation] || has[Test]) {
		return "", fmt.Errorf("split %q: no result has an accuracy on it", want)
	}
	return want, nil
}

// planned is a report whose rows and trials are laid out; nothing is in them.
type planned struct {
	*Report
	binomial *binomial
	because  map[string]string        // why a search left a configuration out, by its ID
	judges   map[string]*target.Judge // by rule and number of seeds
	refused  map[string]string        // why the search did not take a configuration that may pass on validation, by its ID
}

// filled is a planned report with its results and their sums.
type filled struct{ *planned }

// decided is a filled report with what follows from its figures: verdicts, the
// front, the chart and comparisons.
type decided struct{ *filled }

// decide judges by the split that is asked for.
func (r *filled) decide(in Input, opt Options) (*decided, error) {
	var err error
	r.StandIn = r.standIn()
	if r.Split, err = r.chooseSplit(opt.Split); err != nil {
		return nil, err
	}
	if err := r.publish(in.Published); err != nil {
		return nil, err
	}
	for i := range r.Rows {
		r.judge(&r.Rows[i])
	}
	r.guess()
	r.Front = r.front(r.cost())
	r.chart(in.Experiment)
	if r.Pairs, err = r.compareAll(); err != nil {
		return nil, err
	}
	return &decided{r}, nil
}

// answer says what it comes to, what was done, and what its words mean.
func (r *decided) answer(in Input) *Report {
	r.Missing.Command, r.Missing.Retry = in.Command, in.Retry
	r.say()
	r.Sure = r.sure()
	r.next()
	r.ByClass = r.byClass()
	r.Setup = r.setup()
	r.Notes = r.notes()
	return r.Report
}
