package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// trainFlags are those of every command that trains.
func trainFlags() []cli.Flag {
	return append(gpuFlags(), jobsFlag(), threadsFlag(), workerFlag(),
		&cli.DurationFlag{Name: "checkpoint", Value: sweep.DefaultCheckpoint, Usage: "`TIME` between checkpoints of a trial; 0: only when stopped"},
		&cli.IntFlag{Name: "retries", Value: sweep.DefaultRetries, Usage: "take a trial up again `N` times after its worker died, before it counts as failed"},
		&cli.BoolFlag{Name: "retry-failed", Usage: "train the trials again that failed in an earlier run, from their last checkpoints"},
		&cli.StringFlag{Name: "keep", Usage: "`WHOSE` trained weights stay: all, best (of each configuration the best seed on validation) or none (default: best; all where the test images are opened later)"},
		&cli.DurationFlag{Name: "hang", Value: sweep.DefaultHang, Usage: "kill a worker that says nothing for `TIME`"},
		&cli.DurationFlag{Name: "lease", Value: store.DefaultTerm, Usage: "`TIME` without a sign of life after which other processes take this one's trials over"},
		&cli.BoolFlag{Name: "tensorboard", Usage: "write TensorBoard event files into each trial's folder, live: tensorboard --logdir DIR"},
		&cli.BoolFlag{Name: "no-wait", Usage: "end rather than wait for trials that other processes are training (exit code 75)"},
	)
}

func threadsFlag() cli.Flag {
	return &cli.IntFlag{Name: "threads", Value: 1, Usage: "`N` threads of each worker; results are the same bit for bit only at 1"}
}

// workOf reads how trials are trained, and refuses values that make no sense
// before anything is done. Of what `batch submit` has no flag, it takes nothing.
func workOf(c *cli.Context) (lab.Work, error) {
	w := lab.Work{Jobs: c.Int("jobs"), Threads: c.Int("threads"), GPUs: c.String("gpus"), WorkersPerGPU: c.Int("workers-per-gpu"),
		GPUMemoryFraction: c.Float64("gpu-memory-fraction"), Checkpoint: c.Duration("checkpoint"), Hang: c.Duration("hang"), Lease: c.Duration("lease"),
		Retries: c.Int("retries"), RetryFailed: c.Bool("retry-failed"), Keep: sweep.Keep(c.String("keep")), TensorBoard: c.Bool("tensorboard"), NoWait: c.Bool("no-wait")}
	for _, f := range []struct {
		name         string
		value, least int
	}{{"jobs", w.Jobs, 0}, {"threads", w.Threads, 1}, {"retries", w.Retries, 0}, {"workers-per-gpu", w.WorkersPerGPU, 1}} {
		if c.IsSet(f.name) && f.value < f.least {
			return w, tooSmall(c, f.name, f.value, f.least)
		}
	}
	for _, f := range []struct {
		name         string
		value, least time.Duration
	}{{"checkpoint", w.Checkpoint, 0}, {"hang", w.Hang, time.Second}, {"lease", w.Lease, time.Second}} {
		if c.IsSet(f.name) && f.value < f.least {
			return w, tooSmall(c, f.name, f.value, f.least)
		}
	}
	switch w.Keep {
	case "", sweep.KeepAll, sweep.KeepBest, sweep.KeepNone:
	default:
		return w, exit.Usagef("%s %s: want all, best or none", origin(c, "keep"), w.Keep)
	}
	if f := w.GPUMemoryFraction; c.IsSet("gpu-memory-fraction") && !(f > 0 && f <= 1) && c.Command.Name != "submit" {
		return w, exit.Usagef("--gpu-memory-fraction %g: want a share in (0, 1]", f)
	}
	return w, nil
}

// tooSmall refuses a flag's value.
func tooSmall[T int | time.Duration](c *cli.Context, flag string, value, least T) error {
	return exit.Usagef("%s %v: need at least %v", origin(c, flag), value, least)
}

// shard is a part of the trials, from 1.
type shard struct{ part, of int }

// parseShard reads i/n; "" is all of it.
func parseShard(given string) (shard, error) {
	if given == "" {
		return shard{1, 1}, nil
	}
	a, b, ok := strings.Cut(given, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if !ok || errors.Join(err1, err2) != nil || n < 1 || i < 1 || i > n {
		return shard{}, exit.Usagef("--shard %s: want I/N with 1 <= I <= N, such as 2/8", given)
	}
	return shard{i, n}, nil
}

// gpuFlags say which GPUs a command's workers get.
func gpuFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "gpus", Usage: "`WHICH` GPUs train: all, none, or a list such as 0,2 of those that CUDA_VISIBLE_DEVICES shows (default: all that there are)"},
		&cli.IntFlag{Name: "workers-per-gpu", Usage: "`N` workers share each GPU (default: 1; where NVIDIA's MPS runs, what a measurement finds best)"},
		&cli.Float64Flag{Name: "gpu-memory-fraction", Usage: "`SHARE` of a GPU's memory that one worker may take (default: batch.gpu_memory_fraction of the experiment, else as needed)"},
	}
}

func workerFlag() cli.Flag {
	return &cli.StringFlag{Name: "worker", Usage: "the `FILE` of slimfit-worker (default: beside slimfit)"}
}

func pythonFlag() cli.Flag {
	return &cli.StringFlag{Name: "python", Usage: "also time the files in TensorFlow Lite, by the Python `FILE` that has ai-edge-litert, " +
		"tflite-runtime or tensorflow"}
}

func reuseFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "reuse", Usage: "take finished trials of the same configuration and seed from run folder `DIR` " +
		"instead of training them again"}
}
