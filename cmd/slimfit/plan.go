package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/lab"
)

// planSources makes what plan knows from elsewhere than the experiment file.
type planSources func(*lab.Lab) lab.PlanSources

// planOptions are what plan is asked for.
type planOptions struct {
	console
	lab   *lab.Lab
	files []string
	sets  []string
}

// planCommand shows what an experiment would train, before any training.
func planCommand(sources planSources) *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show every configuration of an experiment with its footprint, and what is left to train",
		ArgsUsage: "FILE...",
		Flags: []cli.Flag{outFlag(), setFlag(), jobsFlag(), cacheFlag(), formatFlag("text", "json", "csv", "markdown"),
			&cli.BoolFlag{Name: "no-measure", Usage: "train nothing to learn this machine's speed: estimate from what is known"}},
		Action: func(c *cli.Context) error {
			files, err := someArgs(c, "experiment file")
			if err != nil {
				return err
			}
			o := planOptions{console: consoleOf(c), files: files, sets: sets(c)}
			o.lab = labOf(c, o.console)
			if o.lab.Work, err = workOf(c); err != nil {
				return err
			}
			experiments, err := o.lab.LoadAll(c.Context, o.files, o.sets, true)
			if err != nil {
				return err
			}
			return showPlans(c.Context, o, experiments, sources)
		},
	}
}

// showPlans plans the experiments and prints them, until a signal comes.
func showPlans(ctx context.Context, o planOptions, experiments []*experiment.Experiment, sources planSources) error {
	_, err := lab.UntilStopped(ctx, func() (none struct{}, err error) {
		plans, err := o.lab.Plans(ctx, experiments, sources(o.lab))
		if err != nil {
			return none, err
		}
		return none, exit.Failed(writePlans(o.out, o.format, plans))
	})
	return err
}

func writePlans(w io.Writer, format string, plans []lab.Plan) error {
	switch format {
	case "json":
		return writePlansJSON(w, plans)
	case "csv":
		return plansTable(plans).CSV(w)
	}
	for i, p := range plans {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := writePlan(w, p, format == "markdown"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(w, "\n"+conventions(format == "markdown"))
	return err
}

// writePlansJSON writes one configuration at a time, as an encoder would hold
// the whole text of a large plan in memory.
func writePlansJSON(w io.Writer, plans []lab.Plan) error {
	b := bufio.NewWriter(w)
	b.WriteString("[")
	for i, p := range plans {
		head, err := json.MarshalIndent(p.PlanHead, "  ", "  ")
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
		"paper activations: output elements of input, conv and pool layers. all activations: dense outputs too. peak: the largest input + " +
			"output of one layer.",
	}
	return lineByLine(lines, markdown)
}

// lineByLine keeps the ends of lines in Markdown too.
func lineByLine(lines []string, markdown bool) string {
	if markdown {
		return strings.Join(lines, "  \n") + "\n"
	}
	return strings.Join(lines, "\n") + "\n"
}
