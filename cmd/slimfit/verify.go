package main

import (
	"fmt"

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
		Name:      "verify",
		Usage:     "check every statement of a certificate from the result files beside it",
		ArgsUsage: "CERTIFICATE",
		Flags: append(trainFlags(), cacheFlag(),
			&cli.IntFlag{Name: "retrain", Usage: "train `K` of its trials again, drawn at random, and compare bit for bit; one that was stopped early to its end, to see that it misses the target"},
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
	o := verifyOptions{console: consoleOf(c), VerifyOptions: lab.VerifyOptions{Retrain: c.Int("retrain"), Into: c.String("into")}}
	o.lab = labOf(c, o.console)
	var err error
	if o.file, err = oneArg(c, "certificate"); err != nil {
		return o, err
	}
	if o.lab.Work, err = workOf(c); err != nil {
		return o, err
	}
	if o.Retrain < 0 {
		return o, tooSmall(c, "retrain", o.Retrain, 0)
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
		return exit.With(exit.Trials, fmt.Errorf("%s: %d faults", v.File, n))
	}
	fmt.Fprintf(o.out, "%s holds: %s\nchecked:\n", text.Printable(v.File), text.Lines(v.Summary))
	for _, s := range v.Checked {
		if _, err := fmt.Fprintln(o.out, "  "+text.Lines(s)); err != nil {
			return exit.Failed(err)
		}
	}
	return nil
}
