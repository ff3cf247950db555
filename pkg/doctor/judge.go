package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"slimfit/pkg/dataset"
	"slimfit/pkg/machine"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/workerproc"
)

// What a run needs at least, in bytes.
const (
	minMemory = 1 << 30 // a worker that trains the paper's base network
	minDisk   = 1 << 30 // results with weights and checkpoints, or all known data sets
)

// tensorflowVersion is the release whose C API the worker is built against.
const tensorflowVersion = "2.18."

// judge finds what is wrong in a report, and what could be better; cache is the
// folder of fetched data sets.
func judge(r Report, cache string) (faults, advice []Fault) {
	faults, advice = []Fault{}, []Fault{}
	fault := func(subject, remedy, format string, args ...any) {
		faults = append(faults, Fault{subject, fmt.Sprintf(format, args...), remedy})
	}
	advise := func(subject, remedy, format string, args ...any) {
		advice = append(advice, Fault{subject, fmt.Sprintf(format, args...), remedy})
	}
	w := r.Worker
	if w.Fault != nil {
		faults = append(faults, *w.Fault)
	} else if v := w.Environment.TensorFlow; !strings.HasPrefix(v, tensorflowVersion) {
		fault("worker", "run `make setup build`; unset LD_LIBRARY_PATH if it leads to another TensorFlow",
			"the worker loads TensorFlow %s and is built for %sx", v, tensorflowVersion)
	}
	for _, text := range w.Warnings {
		advise("worker", "see the README's section on troubleshooting", "%s", text)
	}
	judgeGPUs(r, fault, advise)
	judgeMachine(r, fault, advise)
	for _, d := range r.Datasets {
		switch {
		case d.State == Broken:
			fault("data", "run `"+dataset.FetchCommand(d.Name, cache)+"`, which replaces broken files", "data set %s: %s", d.Name, d.Error)
		case d.State == Missing && d.Name == "mnist":
			advise("data", "run `"+dataset.FetchCommand(d.Name, cache)+"`", "MNIST, the data set of most experiments here, is not in the cache")
		}
	}
	for _, d := range r.Disks {
		switch {
		case !d.Writable:
			fault("disk", "choose another folder (--out, --cache), or make this one writable", "cannot write %s to %s: %s", d.Use, d.Folder, d.Error)
		case d.Free < minDisk:
			fault("disk", "free some space, or choose another folder (--out, --cache)", "only %s left for %s in %s", Bytes(d.Free), d.Use, d.Folder)
		}
	}
	return faults, advice
}

type report func(subject, remedy, format string, args ...any)

func judgeGPUs(r Report, fault, advise report) {
	w := r.Worker
	if len(w.GPUs) == 0 || w.Environment == nil {
		return
	}
	if w.Library.Build == workerproc.CUDA && !r.MPS {
		advise("gpu", "start it by `"+machine.StartMPS+"`: a run then measures how many workers a GPU are best; one needs none",
			"NVIDIA's MPS does not run: several workers on one GPU would take turns and gain nothing")
	}
	switch {
	case w.Library.Build == workerproc.CPU:
		advise("gpu", "run `make setup build TF=gpu`", "NVML sees %d GPUs, but this libtensorflow is built for CPUs", len(w.GPUs))
	case w.Library.Build == workerproc.CUDA && w.Environment.Device == "CPU":
		fault("gpu", "check CUDA_VISIBLE_DEVICES, and that the driver is new enough for CUDA 12.5 (555, or 525 and newer by minor-version "+
			"compatibility)",
			"NVML sees %d GPUs, but TensorFlow sees none (driver %s)", len(w.GPUs), w.Environment.Driver)
	}
}

func judgeMachine(r Report, fault, advise report) {
	m := r.Machine
	if m.MemoryAvailable < minMemory && m.MemoryTotal > 0 {
		fault("memory", "close programs, or raise the cgroup's memory.max (in Slurm: --mem)", "only %s of memory are available",
			Bytes(m.MemoryAvailable))
	}
	if strings.HasSuffix(r.OS, "/amd64") && len(m.Features) > 0 && !slices.Contains(m.Features, "avx2") {
		advise("cpu", "use a newer machine for long sweeps", "this CPU has no AVX2: training is several times slower than it could be")
	}
	if m.Quota > 0 && m.Quota < float64(m.Cores) {
		advise("cpu", "raise the cgroup's cpu.max (in Slurm: --cpus-per-task) to use more", "of %d cores, the cgroup allows %.3g", m.Cores,
			m.Quota)
	}
}

// Bytes writes a size in units of 1024, as 1.5 GiB.
func Bytes(n int64) string {
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for len(units) > 1 && v >= 1024 {
		v, units = v/1024, units[1:]
	}
	if units[0] == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[0])
}

// Worker is the worker's file and what it says of itself.
type Worker struct {
	File        string              `json:"file"`
	Library     workerproc.Library  `json:"library"`
	Environment *result.Environment `json:"environment"` // nil if it did not start
	GPUs        []protocol.GPU      `json:"gpus"`        // as NVML sees them
	Warnings    []string            `json:"warnings"`
	Fault       *Fault              `json:"-"` // why it did not start
}

// Ask starts the worker as `run` does, lets it say what it is, and ends it. On
// which device it is asked is told by the settings.
func Ask(ctx context.Context, file string, s workerproc.Settings, timeout time.Duration) Worker {
	w := Worker{File: file, Library: workerproc.FindLibrary(file, os.Getenv("LD_LIBRARY_PATH")), GPUs: []protocol.GPU{}, Warnings: []string{}}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errSilent)
	defer cancel()
	said, err := "", error(nil)
	p, err := workerproc.Start(ctx, workerproc.Command(file, s))
	if err == nil {
		var answer protocol.Event
		answer, err = p.Ask(ctx, protocol.Command{Info: true}, protocol.Ready, func(text string) { w.Warnings = append(w.Warnings, text) })
		said = p.Log.Last()
		p.Close(workerproc.Grace)
		if err == nil && answer.Environment == nil {
			err = errors.New("its answer has no environment")
		}
		if err == nil {
			w.Environment, w.GPUs = answer.Environment, append(w.GPUs, answer.GPUs...)
			return w
		}
	}
	if death, ok := errors.AsType[*workerproc.DeathError](err); ok {
		said = death.Said
	}
	fault := Explain(file, err, said)
	w.Fault = &fault
	return w
}

var errSilent = errors.New("no answer")
