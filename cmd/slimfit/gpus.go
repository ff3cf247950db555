package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/device"
	"slimfit/pkg/experiment"
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

// gpuDevices are the devices for a command's workers: those of --gpus, else all
// that this process may use. None means the CPU, which nobody gets who asked
// for GPUs.
func gpuDevices(c *cli.Context) ([]device.Device, error) {
	selection := c.String("gpus")
	if selection == "none" {
		return nil, nil
	}
	variable, set := os.LookupEnv("CUDA_VISIBLE_DEVICES")
	cards, err := device.Find(c.Context)
	if err != nil && (selection != "" || c.Context.Err() != nil) {
		return nil, ioError(err)
	}
	if err != nil {
		note(c, "training on the CPU: %v", err)
		return nil, nil
	}
	if len(cards) == 0 && selection == "" {
		return nil, nil
	}
	visible, err := device.Visible(cards, variable, set)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	if selection == "" {
		return visible, nil
	}
	chosen, err := device.Choose(visible, selection)
	if err != nil {
		return nil, usagef("--gpus %s: %w", selection, err)
	}
	if len(chosen) == 0 {
		why := "this machine has no NVIDIA driver, or none that shows a GPU"
		if set {
			why = fmt.Sprintf("CUDA_VISIBLE_DEVICES=%s shows none", variable)
		}
		return nil, ioError(fmt.Errorf("--gpus %s: no GPU: %s; `slimfit doctor` says more", selection, why))
	}
	return chosen, nil
}

// gpuSlots are the places of workers on GPUs, spread over the devices; --jobs
// bounds them.
func gpuSlots(c *cli.Context, devices []device.Device, threads int, batch experiment.Batch) []sweep.Slot {
	fraction := c.Float64("gpu-memory-fraction")
	if fraction == 0 && batch.Given("gpu_memory_fraction") {
		fraction = batch.GPUMemoryFraction
	}
	n := len(devices) * max(1, c.Int("workers-per-gpu"))
	if jobs := c.Int("jobs"); jobs > 0 {
		n = min(n, jobs)
	}
	slots := make([]sweep.Slot, n)
	for i := range slots {
		d := devices[i%len(devices)]
		slots[i] = sweep.Slot{Index: i, Threads: threads, Device: sweep.Device{Name: fmt.Sprintf("GPU %s (%s)", d.Visible, d.Name), Visible: d.Visible, MemoryFraction: fraction}}
	}
	return slots
}
