package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
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
			workerFlag(), pythonFlag()},
		Action: func(c *cli.Context) error {
			args, err := someArgs(c, "experiment file or network name")
			if err != nil {
				return err
			}
			named, files := splitNetworks(args)
			if err := checkFootprintFlags(c, named, files); err != nil {
				return err
			}
			networks, err := countNetworks(c, named, files)
			if err != nil {
				return err
			}
			if c.Bool("measured") {
				if err := measureNetworks(c, networks); err != nil {
					return err
				}
			}
			return ioError(writeNetworks(c.App.Writer, c.String("format"), networks))
		},
	}
}

// network is one counted network.
type network struct {
	Experiment string              `json:"experiment,omitempty"`
	Name       string              `json:"name"` // of the paper's network, or the assignment
	ConfigID   string              `json:"config_id,omitempty"`
	Input      models.Shape        `json:"input"`
	Model      []models.Layer      `json:"model"`
	Footprint  footprint.Footprint `json:"footprint"`
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
func checkFootprintFlags(c *cli.Context, named, files []string) error {
	switch {
	case typed(c, "dataset") && len(named) == 0:
		return usagef("--dataset: it is for networks given by name; %s says its own, which --set dataset=%s overrides", files[0], c.String("dataset"))
	case typed(c, "set") && len(files) == 0:
		return usagef("--set: it overrides keys of an experiment file; %s is a network's name, --dataset says its images", named[0])
	}
	for _, f := range []string{"python", "worker"} {
		if typed(c, f) && !c.Bool("measured") {
			return usagef("--%s: it measures, so it goes with --measured", f)
		}
	}
	return nil
}

func countNetworks(c *cli.Context, named, files []string) ([]network, error) {
	var networks []network
	for _, a := range named {
		layers, _ := models.Named(a)
		data, err := dataset.Describe(dataset.Ref{Name: c.String("dataset")}, c.String("cache"))
		if err != nil {
			return nil, usagef("--dataset: %w", err)
		}
		spec := models.Spec{Input: data.Input, Classes: data.Classes, Layers: layers}
		f, err := footprint.Of(spec)
		if err != nil {
			return nil, usagef("%s on %s: %w", a, data.Name, err)
		}
		networks = append(networks, network{Name: a, Input: data.Input, Model: spec.FullLayers(), Footprint: f})
	}
	experiments, err := loadExperiments(c, files)
	if err != nil {
		return nil, err
	}
	for _, e := range experiments {
		for _, cfg := range e.Configs {
			networks = append(networks, newNetwork(e, cfg))
		}
	}
	return networks, nil
}

func newNetwork(e *experiment.Experiment, c experiment.Configuration) network {
	return network{Experiment: e.Name, Name: e.Label(c), ConfigID: c.ID, Input: c.Data.Input, Model: c.Spec().FullLayers(), Footprint: c.Footprint}
}

func writeNetworks(w io.Writer, format string, networks []network) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(networks)
	case "csv":
		if networks[0].Footprint.Measured != nil {
			return measuredTable(networks).csv(w)
		}
		t := table{head: []string{"experiment", "network", "config_id", "layer", "kind", "height", "width", "channels", "parameters", "weights", "biases", "macs"}}
		for _, n := range networks {
			for _, l := range n.Footprint.Layers {
				t.rows = append(t.rows, []string{n.Experiment, n.Name, n.ConfigID, l.Name, string(l.Kind), strconv.Itoa(l.Output.H), strconv.Itoa(l.Output.W),
					strconv.Itoa(l.Output.C), strconv.Itoa(l.Parameters), strconv.Itoa(l.Weights), strconv.Itoa(l.Biases), strconv.Itoa(l.MACs)})
			}
		}
		return t.csv(w)
	}
	for i, n := range networks {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := n.write(w, format == "markdown"); err != nil {
			return err
		}
	}
	text := conventions(format == "markdown")
	if networks[0].Footprint.Measured != nil {
		text += measuredConventions(format == "markdown")
	}
	_, err := fmt.Fprint(w, "\n"+text)
	return err
}

// write prints one network's table and totals.
func (n network) write(w io.Writer, markdown bool) error {
	title := n.Name
	if n.Experiment != "" && n.Name != n.ConfigID {
		title = n.Experiment + ": " + n.Name + " (" + n.ConfigID + ")"
	} else if n.Experiment != "" {
		title = n.Experiment + ": " + n.ConfigID
	}
	t := table{head: []string{"layer", "kind", "output", "elements", "parameters", "weights", "biases", "MACs"}, left: 3}
	t.rows = append(t.rows, []string{"input", "", n.Input.String(), thousands(n.Input.Elements()), "", "", "", ""})
	for _, l := range n.Footprint.Layers {
		t.rows = append(t.rows, []string{l.Name, string(l.Kind), l.Output.String(), thousands(l.Output.Elements()), thousands(l.Parameters),
			thousands(l.Weights), thousands(l.Biases), thousands(l.MACs)})
	}
	f := n.Footprint
	t.rows = append(t.rows, []string{"total", "", "", thousands(f.Activations.All), thousands(f.Parameters), thousands(f.Weights), thousands(f.Biases), thousands(f.MACs)})
	if markdown {
		fmt.Fprintf(w, "## %s\n\n", title)
		if err := t.markdown(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	} else {
		fmt.Fprintln(w, title)
		if err := t.text(w); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "activations %s paper and %s all, peak %s, weight bytes %s\n", thousands(f.Activations.Paper), thousands(f.Activations.All),
		thousands(f.Peak), thousands(f.WeightBytes))
	if f.ParametersTrained != 0 {
		fmt.Fprintf(w, "%s parameters in training, as Keras counts them; deployed, batch normalisation is part of weights and biases\n",
			thousands(f.ParametersTrained))
	}
	return n.writeMeasured(w, markdown)
}
