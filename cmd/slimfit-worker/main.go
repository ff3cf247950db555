// Command slimfit-worker trains for slimfit: it links TensorFlow, reads packs
// from its standard input and writes events to its standard output. People
// start slimfit, which starts this.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"slimfit/pkg/worker"
)

// version is set by the build.
var version = "dev"

func main() {
	// A batch system tells every process of a job to end; the supervisor then
	// asks for checkpoints, and its own end is this program's.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o := worker.Options{Version: version, Stem: os.Getenv("SLIMFIT_STEM")}
	flags := flag.NewFlagSet("slimfit-worker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.Threads, "threads", 1, "threads of each TensorFlow session")
	flags.BoolVar(&o.GPU, "gpu", false, "use the visible GPU")
	flags.Float64Var(&o.MemoryFraction, "memory-fraction", 0, "share of the GPU's memory; 0 grows as needed")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if o.Threads < 1 {
		fmt.Fprintf(stderr, "slimfit-worker: --threads %d: need at least 1\n", o.Threads)
		return 2
	}
	// Go's monitor thread looks after an idle P some fifty times a training step,
	// each time in the way of the core that trains: 2 to 3 % of all time.
	runtime.GOMAXPROCS(o.Threads)
	if err := worker.Serve(ctx, stdin, stdout, o); err != nil {
		fmt.Fprintf(stderr, "slimfit-worker: %v\n", err)
		return 1
	}
	return 0
}
