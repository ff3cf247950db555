package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/text"
)

// footprintCommand counts networks layer by layer.
func footprintCommand() *cli.Command {
	return &cli.Command{
		Name:      "footprint",
		Usage:     "count a network layer by layer, without training",
		ArgsUsage: "FILE|base|conv1|final|light...",
		Flags: []cli.Flag{setFlag(), cacheFlag(), formatFlag("text", "json", "csv", "markdown"),
			&cli.StringFlag{Name: "dataset", Value: "mnist", Usage: "the data set of networks given by name"},
			&cli.BoolFlag{Name: "measured", Usage: "make each network's files, untrained, and measure them; with slimfit-worker also TensorFlow's and the latency"},
			&cli.StringFlag{Name: "device", Usage: "build each network, in int8 and untrained, for `CHIP` and run it in the simulator: atmega328p or cortex-m4"},
			workerFlag(), pythonFlag()},
		Action: func(c *cli.Context) error {
			args, err := someArgs(c, "experiment file or network name")
			if err != nil {
				return err
			}
			named, files := splitNetworks(args)
			set, measured := c.String("dataset"), c.Bool("measured")
			if err := checkFootprintFlags(c, named, files, set, measured); err != nil {
				return err
			}
			o := consoleOf(c)
			l := labOf(c, o)
			networks, err := l.CountNetworks(c.Context, named, set, files, sets(c))
			if err != nil {
				return err
			}
			if measured {
				if err := l.MeasureNetworks(c.Context, networks); err != nil {
					return err
				}
			}
			if err := l.NetworksOnChip(c.Context, networks, c.String("device")); err != nil {
				return err
			}
			if o.format == "json" {
				return o.json(networks)
			}
			return exit.Failed(writeNetworks(o.out, o.format, networks))
		},
	}
}

// splitNetworks tells the paper's networks from experiment files.
func splitNetworks(args []string) (named, files []string) {
	for _, a := range args {
		_, ok := models.Named(a)
		if _, err := os.Stat(a); !ok || err == nil { // a file of that name is meant
			files = append(files, a)
			continue
		}
		named = append(named, a)
	}
	return named, files
}

// checkFootprintFlags refuses flags that would change nothing.
func checkFootprintFlags(c *cli.Context, named, files []string, set string, measured bool) error {
	switch {
	case typed(c, "dataset") && len(named) == 0:
		return exit.Usagef("--dataset: it is for networks given by name; %s says its own, which --set dataset=%s overrides", files[0],
			set)
	case typed(c, "set") && len(files) == 0:
		return exit.Usagef("--set: it overrides keys of an experiment file; %s is a network's name, --dataset says its images", named[0])
	}
	for _, f := range []string{"python", "worker"} {
		if typed(c, f) && !measured {
			return exit.Usagef("--%s: it measures, so it goes with --measured", f)
		}
	}
	return nil
}

func writeNetworks(w io.Writer, format string, networks []lab.Network) error {
	switch format {
	case "csv":
		if networks[0].Footprint.Measured != nil {
			return measuredTable(networks).CSV(w)
		}
		t := text.Table{Head: []string{"experiment", "network", "config_id", "layer", "kind", "height", "width", "channels", "parameters",
			"weights", "biases", "macs"}}
		for _, n := range networks {
			for _, l := range n.Footprint.Layers {
				t.Rows = append(t.Rows, []string{n.Experiment, n.Name, n.ConfigID, l.Name, string(l.Kind), strconv.Itoa(l.Output.H),
					strconv.Itoa(l.Output.W),
					strconv.Itoa(l.Output.C), strconv.Itoa(l.Parameters), strconv.Itoa(l.Weights), strconv.Itoa(l.Biases), strconv.Itoa(l.MACs)})
			}
		}
		return t.CSV(w)
	}
	for i, n := range networks {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := writeNetwork(w, n, format == "markdown"); err != nil {
			return err
		}
	}
	words := conventions(format == "markdown")
	if m := networks[0].Footprint.Measured; m != nil && m.TFLite > 0 {
		words += measuredConventions(format == "markdown")
	}
	_, err := fmt.Fprint(w, "\n"+words)
	return err
}

// writeNetwork prints one network's table and totals.
func writeNetwork(w io.Writer, n lab.Network, markdown bool) error {
	title := n.Name
	if n.Experiment != "" && n.Name != n.ConfigID {
		title = n.Experiment + ": " + n.Name + " (" + n.ConfigID + ")"
	} else if n.Experiment != "" {
		title = n.Experiment + ": " + n.ConfigID
	}
	t := text.Table{Head: []string{"layer", "kind", "output", "elements", "parameters", "weights", "biases", "MACs"}, Left: 3}
	t.Rows = append(t.Rows, []string{"input", "", n.Input.String(), text.Thousands(n.Input.Elements()), "", "", "", ""})
	for _, l := range n.Footprint.Layers {
		t.Rows = append(t.Rows, []string{l.Name, string(l.Kind), l.Output.String(), text.Thousands(l.Output.Elements()),
			text.Thousands(l.Parameters),
			text.Thousands(l.Weights), text.Thousands(l.Biases), text.Thousands(l.MACs)})
	}
	f := n.Footprint
	t.Rows = append(t.Rows, []string{"total", "", "", text.Thousands(f.Activations.All), text.Thousands(f.Parameters),
		text.Thousands(f.Weights), text.Thousands(f.Biases), text.Thousands(f.MACs)})
	if markdown {
		fmt.Fprintf(w, "## %s\n\n", title)
		if err := t.Markdown(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	} else {
		fmt.Fprintln(w, title)
		if err := t.Text(w); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "activations %s paper and %s all, peak %s, weight bytes %s\n", text.Thousands(f.Activations.Paper),
		text.Thousands(f.Activations.All),
		text.Thousands(f.Peak), text.Thousands(f.WeightBytes))
	if f.ParametersTrained != 0 {
		fmt.Fprintf(w, "%s parameters in training, as Keras counts them; deployed, normalisation is part of weights and biases\n",
			text.Thousands(f.ParametersTrained))
	}
	return writeMeasured(w, n, markdown)
}
