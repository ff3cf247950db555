package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
)

// PlanSources is what plan knows from elsewhere than the experiment file.
type PlanSources struct {
	// Status says where the trials of a run folder stand; a trial that it does
	// not name is pending. A folder that does not exist is no error.
	Status func(dir string) (map[result.Key]result.Status, error)
	// Estimate predicts how long each one's trials take on this machine with the
	// lab's jobs, and says from what; 0 where nothing is known.
	Estimate func(context.Context, []Pending) ([]PlanEstimate, error)
}

// Pending are trials that are left to train.
type Pending struct {
	Experiment *experiment.Experiment
	Trials     []experiment.Trial
}

// Plan is one experiment as plan prints it.
type Plan struct {
	PlanHead
	Configurations []PlanConfiguration `json:"configurations"` // by rising parameters

	About string            `json:"-"`
	Axes  []experiment.Axis `json:"-"`
	Seeds int               `json:"-"`
}

type PlanHead struct {
	Name     string        `json:"experiment"`
	Baseline PlanBaseline  `json:"baseline"`
	Totals   PlanTotals    `json:"totals"`
	Target   *Ahead        `json:"target,omitempty"`   // what the test images can show of it
	Estimate *PlanEstimate `json:"estimate,omitempty"` // of the pending trials; absent where nothing is known
	// Of a space too large to list: how many configurations there are besides the
	// cheapest ones that are listed, and the least and largest counted costs.
	Total int                       `json:"configurations_total,omitempty"`
	Range map[footprint.Cost][2]int `json:"cost_range,omitempty"`
}

type PlanBaseline struct {
	Name      string              `json:"name"`
	ConfigID  string              `json:"config_id,omitempty"`
	Footprint footprint.Footprint `json:"footprint"`
}

type PlanConfiguration struct {
	ConfigID   string              `json:"config_id"`
	Assignment map[string]any      `json:"assignment"`
	Model      []models.Layer      `json:"model"` // the last dense layer included
	Train      models.Recipe       `json:"train"`
	Dataset    models.Data         `json:"dataset"`
	Footprint  footprint.Footprint `json:"footprint"`
	Ratios     footprint.Ratios    `json:"ratios"` // baseline / this
	Work       float64             `json:"work"`   // of one trial, counted, see sweep.Counted: shards are balanced by it
	Trials     []PlanTrial         `json:"trials"`
}

type PlanTrial struct {
	Seed   int64         `json:"seed"`
	Status result.Status `json:"status"`
}

type PlanTotals struct {
	Configurations int                   `json:"configurations"`
	Trials         int                   `json:"trials"`
	Steps          int                   `json:"steps"` // of all trials
	Status         map[result.Status]int `json:"status"`
}

type PlanEstimate struct {
	Seconds float64 `json:"seconds"`
	From    string  `json:"from"`
}

// listed is how many of a space's configurations are listed.
const listed = 100

// count notes what there is to say of a space, and makes its cheapest
// configurations.
func (p *Plan) count(e *experiment.Experiment) []experiment.Configuration {
	p.Total, p.Range = e.Space.Len(), map[footprint.Cost][2]int{}
	for _, c := range footprint.Costs() {
		low, high := e.Space.Range(c)
		p.Range[c] = [2]int{low, high}
	}
	var configs []experiment.Configuration
	for _, i := range e.Space.Cheapest(footprint.Parameters, listed) {
		configs = append(configs, e.Space.Config(i))
	}
	return configs
}

// totals counts all trials of a space; those that the run folder does not know
// are pending.
func (p *Plan) totals(e *experiment.Experiment, known map[result.Key]result.Status) {
	p.Totals = PlanTotals{Configurations: p.Total, Trials: p.Total * len(e.Seeds), Status: map[result.Status]int{}}
	for i := range p.Total {
		p.Totals.Steps += e.Space.Steps(i) * len(e.Seeds) * trainings(e)
	}
	for _, status := range known {
		if status != result.Pending {
			p.Totals.Status[status]++
		}
	}
	p.Totals.Status[result.Pending] = max(0, p.Totals.Trials-len(known))
}

// Plans counts and asks the sources, of all experiments at once; nothing is
// printed yet.
func (l *Lab) Plans(ctx context.Context, experiments []*experiment.Experiment, sources PlanSources) ([]Plan, error) {
	plans := make([]Plan, len(experiments))
	var pending []Pending
	var of []int // which plan each is of
	for i, e := range experiments {
		var left []experiment.Trial
		var err error
		if plans[i], left, err = l.plan(ctx, e, sources); err != nil {
			return nil, err
		}
		if len(left) > 0 && plans[i].Total == 0 {
			pending, of = append(pending, Pending{e, left}), append(of, i)
		}
	}
	if sources.Estimate == nil || len(pending) == 0 {
		return plans, nil
	}
	estimates, err := sources.Estimate(ctx, pending)
	if err != nil {
		return nil, fmt.Errorf("estimate the time: %w", err)
	}
	for k := range estimates {
		if estimates[k].Seconds *= float64(trainings(pending[k].Experiment)); estimates[k].Seconds > 0 {
			plans[of[k]].Estimate = &estimates[k]
		}
	}
	return plans, nil
}

// trainings are those of a trial: one, or one a fold.
func trainings(e *experiment.Experiment) int { return max(1, e.Data.Folds) }

// plan counts one experiment and lists the trials that are left.
func (l *Lab) plan(ctx context.Context, e *experiment.Experiment, sources PlanSources) (Plan, []experiment.Trial, error) {
	p := Plan{About: e.About, Axes: e.Axes, Seeds: len(e.Seeds), PlanHead: PlanHead{Name: e.Name,
		Baseline: PlanBaseline{e.Baseline.Name, e.Baseline.ID, e.Baseline.Footprint},
		Totals:   PlanTotals{Configurations: len(e.Configs), Status: map[result.Status]int{}}}}
	var known map[result.Key]result.Status
	if sources.Status != nil {
		var err error
		if known, err = sources.Status(filepath.Join(l.Out, e.Name)); err != nil {
			return p, nil, exit.Failed(fmt.Errorf("read what is done of %s: %w", e.Name, err))
		}
	}
	var err error
	if p.Target, err = l.Ahead(e); err != nil {
		return p, nil, err
	}
	configs := e.Configs
	if configs == nil {
		configs = p.count(e)
	}
	if e.Target != nil && e.Target.Device != "" {
		if err := l.planChip(ctx, e, configs); err != nil {
			return p, nil, err
		}
	}
	var pending []experiment.Trial
	for i := range configs {
		cfg := &configs[i]
		q := PlanConfiguration{ConfigID: cfg.ID, Assignment: cfg.Assignment, Model: cfg.Spec().FullLayers(), Train: cfg.Recipe,
			Dataset: cfg.Data, Footprint: cfg.Footprint, Ratios: cfg.Footprint.Against(e.Baseline.Footprint),
			Work: sweep.Counted([]experiment.Trial{{Configuration: cfg}})}
		for _, seed := range e.Seeds {
			status, ok := known[result.Key{ConfigID: cfg.ID, Seed: seed}]
			if !ok {
				status = result.Pending
			}
			if !status.Finished() {
				pending = append(pending, experiment.Trial{Configuration: cfg, Seed: seed})
			}
			q.Trials = append(q.Trials, PlanTrial{seed, status})
			p.Totals.Trials++
			p.Totals.Steps += cfg.Recipe.Steps * trainings(e)
			p.Totals.Status[status]++
		}
		p.Configurations = append(p.Configurations, q)
	}
	slices.SortStableFunc(p.Configurations, func(a, b PlanConfiguration) int {
		return a.Footprint.Parameters - b.Footprint.Parameters
	})
	if p.Total > 0 {
		p.totals(e, known)
	}
	return p, pending, nil
}
