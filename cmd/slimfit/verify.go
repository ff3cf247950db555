package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/text"
)

// verifyOptions are what a verification is asked for.
type verifyOptions struct {
	console
	lab.VerifyOptions
	lab  *lab.Lab
	file string
}

// verifyCommand checks a certificate against the results beside it.
func verifyCommand(train lab.Trainer) *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "check every statement of a certificate from the result files beside it",
		Description: "Results that were forged with care, and a search gone through again with them, show only where their trials are trained again:\n" +
			"with --retrain K of N trials a single forged one escapes with probability 1 - K/N, with --retrain all none does.",
		ArgsUsage: "CERTIFICATE",
		Flags: append(trainFlags(), cacheFlag(),
			&cli.StringFlag{Name: "experiment", Usage: "hold it against `FILE`, beside it or anywhere (default: the experiment.yaml beside it)"},
			&cli.BoolFlag{Name: "quick", Usage: "do not run the winner's networks again from their weights"},
			&cli.BoolFlag{Name: "weights", Usage: "it is a fault where weights or data are not here to do that"},
			&cli.StringFlag{Name: "retrain", Usage: "train `K` of its trials again, drawn at random, or all, and compare bit for bit; one that was stopped early to its end, to see that it misses the target"},
			&cli.Int64Flag{Name: "draw", Usage: "draw the trials to train again by `SEED` (default: by chance)"},
			&cli.StringFlag{Name: "into", Usage: "train again in the fresh `FOLDER` and keep it (default: a temporary one)"}),
		Action: func(c *cli.Context) error {
			o, err := verifyOptionsOf(c)
			if err != nil {
				return err
			}
			o.Train = train
			v, err := o.lab.Verify(c.Context, o.file, o.VerifyOptions)
			if err != nil {
				return err
			}
			return o.conclude(v)
		},
	}
}

func verifyOptionsOf(c *cli.Context) (verifyOptions, error) {
	o := verifyOptions{console: consoleOf(c), VerifyOptions: lab.VerifyOptions{Experiment: c.String("experiment"), Quick: c.Bool("quick"),
		Weights: c.Bool("weights"), Into: c.String("into")}}
	o.lab = labOf(c, o.console)
	var err error
	if k := c.String("retrain"); k == "all" {
		o.Retrain = lab.RetrainAll
	} else if k != "" {
		if o.Retrain, err = strconv.Atoi(k); err != nil || o.Retrain < 0 {
			return o, exit.Usagef("verify: --retrain %s: want a number of trials, or all", k)
		}
	}
	if o.file, err = oneArg(c, "certificate"); err != nil {
		return o, err
	}
	if o.lab.Work, err = workOf(c); err != nil {
		return o, err
	}
	if o.Quick && o.Weights {
		return o, exit.Usagef("verify: --quick leaves out what --weights asks for: give one of them")
	}
	for _, f := range []string{"draw", "into"} {
		if typed(c, f) && o.Retrain == 0 {
			return o, exit.Usagef("verify: --%s goes with --retrain K, which trains K trials again", f)
		}
	}
	if draw := c.Int64("draw"); c.IsSet("draw") {
		o.Draw = &draw
	}
	return o, nil
}

// conclude prints what was found.
func (o verifyOptions) conclude(v *lab.Verified) error {
	for _, f := range v.Faults {
		fmt.Fprintln(o.out, text.Lines(f.String()))
	}
	if n := len(v.Faults); n > 0 {
		return exit.With(exit.Trials, fmt.Errorf("%s: %s", v.File, text.Count(n, "fault")))
	}
	verdict := "holds"
	if v.Other != "" {
		verdict = "says"
	}
	fmt.Fprintf(o.out, "%s %s: %s\nchecked:\n", text.Printable(v.File), verdict, text.Lines(v.Summary))
	for _, s := range v.Checked {
		fmt.Fprintln(o.out, "  "+text.Lines(s))
	}
	_, err := fmt.Fprintln(o.out, strings.TrimRight(text.Wrap(v.Limits, 140, "", ""), "\n"))
	if v.Other != "" {
		_, err = fmt.Fprintf(o.out, "every statement holds, but it answers another question than %s: %s\n", text.Printable(v.Against),
			text.Lines(v.Other))
	}
	if err != nil {
		return exit.Failed(err)
	}
	if v.Other != "" {
		return exit.With(exit.Trials, nil)
	}
	return nil
}
