package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
)

// planSources is what plan knows from elsewhere than the experiment file.
type planSources struct {
	// status says where the trials of a run folder stand; a trial that it does
	// not name is pending. A folder that does not exist is no error.
	status func(dir string) (map[result.Key]result.Status, error)
	// estimate predicts how long the trials take on this machine with the
	// command's --jobs, and says from what; 0 where nothing is known.
	estimate func(c *cli.Context, e *experiment.Experiment, pending []experiment.Trial) (time.Duration, string, error)
}

// planCommand shows what an experiment would train, before any training.
func planCommand(sources planSources) *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show every configuration of an experiment with its footprint, and what is left to train",
		ArgsUsage: "FILE...",
		Flags:     []cli.Flag{outFlag(), setFlag(), jobsFlag(), cacheFlag(), formatFlag("text", "json", "csv", "markdown")},
		Action: func(c *cli.Context) error {
			files, err := someArgs(c, "experiment file")
			if err != nil {
				return err
			}
			if err := atLeast(c, "jobs", 0); err != nil {
				return err
			}
			experiments, err := loadExperiments(c, files)
			if err != nil {
				return err
			}
			return showPlans(c, experiments, sources)
		},
	}
}

// showPlans plans the experiments and prints them, until a signal comes.
func showPlans(c *cli.Context, experiments []*experiment.Experiment, sources planSources) error {
	_, err := untilStopped(c.Context, func() (none struct{}, err error) {
		plans := make([]plan, len(experiments))
		for i, e := range experiments {
			if plans[i], err = newPlan(c, e, sources); err != nil {
				return none, err
			}
		}
		return none, ioError(writePlans(c.App.Writer, c.String("format"), plans))
	})
	return err
}

// loadExperiments reads all files and reports what is wrong in any of them.
func loadExperiments(c *cli.Context, files []string) ([]*experiment.Experiment, error) {
	var all []*experiment.Experiment
	var faults []error
	for _, f := range files {
		e, err := loadExperiment(c, f)
		if c.Context.Err() != nil {
			return nil, context.Cause(c.Context)
		}
		if err != nil {
			faults = append(faults, err)
		}
		all = append(all, e)
	}
	if len(faults) > 0 {
		return nil, &exitError{code: exitUsage, err: errors.Join(faults...)}
	}
	return all, nil
}

// plan is one experiment as plan prints it.
type plan struct {
	planHead
	Configurations []planConfiguration `json:"configurations"` // by rising parameters

	about string
	axes  []experiment.Axis
	seeds int
}

type planHead struct {
	Name     string        `json:"experiment"`
	Baseline planBaseline  `json:"baseline"`
	Totals   planTotals    `json:"totals"`
	Estimate *planEstimate `json:"estimate,omitempty"` // of the pending trials; absent where nothing is known
}

type planBaseline struct {
	Name      string              `json:"name"`
	ConfigID  string              `json:"config_id,omitempty"`
	Footprint footprint.Footprint `json:"footprint"`
}

type planConfiguration struct {
	ConfigID   string              `json:"config_id"`
	Assignment map[string]any      `json:"assignment"`
	Model      []models.Layer      `json:"model"` // the last dense layer included
	Train      models.Recipe       `json:"train"`
	Dataset    models.Data         `json:"dataset"`
	Footprint  footprint.Footprint `json:"footprint"`
	Ratios     footprint.Ratios    `json:"ratios"` // baseline / this
	Work       float64             `json:"work"`   // of one trial, counted, see sweep.Counted: shards are balanced by it
	Trials     []planTrial         `json:"trials"`
}

type planTrial struct {
	Seed   int64         `json:"seed"`
	Status result.Status `json:"status"`
}

type planTotals struct {
	Configurations int                   `json:"configurations"`
	Trials         int                   `json:"trials"`
	Steps          int                   `json:"steps"` // of all trials
	Status         map[result.Status]int `json:"status"`
}

type planEstimate struct {
	Seconds float64 `json:"seconds"`
	From    string  `json:"from"`
}

// newPlan counts and asks the sources; nothing is printed yet.
func newPlan(c *cli.Context, e *experiment.Experiment, sources planSources) (plan, error) {
	p := plan{about: e.About, axes: e.Axes, seeds: len(e.Seeds), planHead: planHead{Name: e.Name,
		Baseline: planBaseline{e.Baseline.Name, e.Baseline.ID, e.Baseline.Footprint},
		Totals:   planTotals{Configurations: len(e.Configs), Status: map[result.Status]int{}}}}
	var known map[result.Key]result.Status
	if sources.status != nil {
		var err error
		if known, err = sources.status(filepath.Join(c.String("out"), e.Name)); err != nil {
			return p, ioError(fmt.Errorf("read what is done of %s: %w", e.Name, err))
		}
	}
	var pending []experiment.Trial
	for i := range e.Configs {
		cfg := &e.Configs[i]
		q := planConfiguration{ConfigID: cfg.ID, Assignment: cfg.Assignment, Model: cfg.Spec().FullLayers(), Train: cfg.Recipe,
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
			q.Trials = append(q.Trials, planTrial{seed, status})
			p.Totals.Trials++
			p.Totals.Steps += cfg.Recipe.Steps
			p.Totals.Status[status]++
		}
		p.Configurations = append(p.Configurations, q)
	}
	slices.SortStableFunc(p.Configurations, func(a, b planConfiguration) int {
		return a.Footprint.Parameters - b.Footprint.Parameters
	})
	if sources.estimate == nil || len(pending) == 0 {
		return p, nil
	}
	took, from, err := sources.estimate(c, e, pending)
	if err != nil {
		return p, fmt.Errorf("estimate the time of %s: %w", e.Name, err)
	}
	if took > 0 {
		p.Estimate = &planEstimate{took.Seconds(), from}
	}
	return p, nil
}

func writePlans(w io.Writer, format string, plans []plan) error {
	switch format {
	case "json":
		return writePlansJSON(w, plans)
	case "csv":
		return plansTable(plans).csv(w)
	}
	for i, p := range plans {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := p.write(w, format == "markdown"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(w, "\n"+conventions(format == "markdown"))
	return err
}

// writePlansJSON writes one configuration at a time, as an encoder would hold
// the whole text of a large plan in memory.
func writePlansJSON(w io.Writer, plans []plan) error {
	b := bufio.NewWriter(w)
	b.WriteString("[")
	for i, p := range plans {
		head, err := json.MarshalIndent(p.planHead, "  ", "  ")
		if err != nil {
			return err
		}
		b.WriteString(comma(i) + "\n  ")
		b.Write(bytes.TrimSuffix(head, []byte("\n  }")))
		b.WriteString(",\n    \"configurations\": [")
		for j, c := range p.Configurations {
			one, err := json.MarshalIndent(c, "      ", "  ")
			if err != nil {
				return err
			}
			b.WriteString(comma(j) + "\n      ")
			b.Write(one)
		}
		b.WriteString("\n    ]\n  }")
	}
	b.WriteString("\n]\n")
	return b.Flush()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// conventions says what each column counts.
func conventions(markdown bool) string {
	lines := []string{
		"All counts are for one image. x is baseline / configuration: how many times smaller.",
		"parameters: weights and biases. weights: without biases, what arXiv 1705.03338 calls parameters. weight bytes: parameters x 4.",
		"MACs: multiply-accumulates of conv and dense layers, taps on SAME padding included.",
		"paper activations: output elements of input, conv and pool layers. all activations: dense outputs too. peak: the largest input + output of one layer.",
	}
	if markdown {
		return strings.Join(lines, "  \n") + "\n"
	}
	return strings.Join(lines, "\n") + "\n"
}
