// Command spaces measures searches by a model of accuracy: on a run folder with
// every trial of a grid, and on simulated spaces of 10,240 configurations.
//
//	go run ./scripts/spaces -replay runs/full/search-grid-120 [-targets 0.9,0.93,0.95] [-seeds 20]
//	go run ./scripts/spaces [-spaces 100]
//
// It prints Markdown tables; pkg/search/README.md has the figures.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	replay := flag.String("replay", "", "run `folder` with every trial of a grid")
	targets := flag.String("targets", "0.9,0.93,0.95", "accuracies to search the replayed grid for")
	seeds := flag.Int("seeds", 20, "search seeds of each target")
	spaces := flag.Int("spaces", 100, "simulated spaces of each kind")
	flag.Parse()
	var err error
	if *replay != "" {
		err = replayAll(os.Stdout, *replay, *targets, *seeds)
	} else {
		err = simulateAll(os.Stdout, kinds(), *spaces)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "spaces:", err)
		os.Exit(1)
	}
}

func replayAll(w io.Writer, dir, targets string, seeds int) error {
	g, err := readGrid(dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "| target | full grid's winner | same | others | no answer | steps, mean | steps, most | audited | surprises |\n"+
		"|---|---|---:|---|---:|---:|---:|---:|---:|")
	for _, t := range strings.Split(targets, ",") {
		accuracy, err := strconv.ParseFloat(t, 64)
		if err != nil {
			return err
		}
		row, err := g.searches(accuracy, seeds)
		if err != nil {
			return err
		}
		fmt.Fprintln(w, row)
	}
	return nil
}
