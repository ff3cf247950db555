package report

import "slimfit/pkg/target"

// planned is a report whose rows and trials are laid out; nothing is in them.
type planned struct {
	*Report
	binomial *binomial
	because  map[string]string        // why a search left a configuration out, by its ID
	judges   map[string]*target.Judge // by rule and number of seeds
	refuted  map[string]bool          // passed on validation, failed on the test images
}

// filled is a planned report with its results and their sums.
type filled struct{ *planned }

// decided is a filled report with what follows from its figures: verdicts, the
// front, the chart and comparisons.
type decided struct{ *filled }

// decide judges by the split that is asked for.
func (r *filled) decide(in Input, opt Options) (*decided, error) {
	var err error
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
