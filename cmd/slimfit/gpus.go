package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/experiment"
	"slimfit/pkg/machine"
	"slimfit/pkg/sweep"
)

// gpuFlags say which GPUs a command's workers get.
func gpuFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "gpus", Usage: "`WHICH` GPUs train: all, none, or a list such as 0,2 of those that CUDA_VISIBLE_DEVICES shows (default: all that there are)"},
		&cli.IntFlag{Name: "workers-per-gpu", Value: 1, Usage: "`N` workers share each GPU"},
		&cli.Float64Flag{Name: "gpu-memory-fraction", Usage: "`SHARE` of a GPU's memory that one worker may take (default: batch.gpu_memory_fraction of the experiment, else as needed)"},
	}
}

func checkGPUFlags(c *cli.Context) error {
	if f := c.Float64("gpu-memory-fraction"); c.IsSet("gpu-memory-fraction") && !(f > 0 && f <= 1) {
		return usagef("--gpu-memory-fraction %g: want a share in (0, 1]", f)
	}
	return nil
}

// placement is where a command's workers train: on the GPUs of --gpus, else of
// all that this process may use, else on the CPU.
func placement(c *cli.Context, m machine.Machine, batch experiment.Batch) (sweep.Placement, error) {
	p := sweep.Placement{Machine: m, Threads: c.Int("threads"), Jobs: c.Int("jobs"), PerDevice: c.Int("workers-per-gpu"), MemoryFraction: c.Float64("gpu-memory-fraction")}
	if p.MemoryFraction == 0 && batch.Given("gpu_memory_fraction") {
		p.MemoryFraction = batch.GPUMemoryFraction
	}
	devices, why, err := machine.Devices(c.Context, c.String("gpus"))
	var wrong *machine.SelectionError
	switch {
	case errors.As(err, &wrong):
		return p, &exitError{code: exitUsage, err: err}
	case err != nil:
		return p, ioError(err)
	case why != "":
		note(c, "training on the CPU: %s", why)
	}
	p.Devices = devices
	return p, nil
}
