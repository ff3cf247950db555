// Package doctor looks at what slimfit needs on this machine: the worker and
// its TensorFlow, processor, memory, disk, data sets and GPUs. It finds faults
// and says what to do about each. It needs no TensorFlow itself, so that it
// can explain why the worker does not start.
package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/machine"
	"slimfit/pkg/sweep"
)

// Options say what to look at.
type Options struct {
	Version string        // of slimfit
	Worker  string        // the worker's file
	Cache   string        // folder of fetched data sets
	Out     string        // folder above the run folders; need not exist yet
	Timeout time.Duration // for the worker to answer

	Trials []experiment.Trial // of an experiment that is to run; nil: of none in particular
}

// Report is what was found.
type Report struct {
	Slimfit  string          `json:"slimfit"` // version
	OS       string          `json:"os"`      // linux/amd64
	Worker   Worker          `json:"worker"`
	Machine  machine.Machine `json:"machine"`
	MPS      bool            `json:"mps"`     // NVIDIA's Multi-Process Service runs
	Workers  []sweep.Slot    `json:"workers"` // that a run starts here unless told otherwise
	Datasets []Dataset       `json:"datasets"`
	Disks    []Disk          `json:"disks"`
	Faults   []Fault         `json:"faults"`
	Advice   []Fault         `json:"advice"` // nothing is broken, but more would work
}

// Dataset is a known data set and its files in the cache.
type Dataset struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	Error string `json:"error,omitempty"` // why it is broken
}

// State is that of a data set's files.
type State string

const (
	Cached  State = "cached" // all there, checksums right
	Missing State = "missing"
	Broken  State = "broken"
)

// Disk is a folder that slimfit writes to.
type Disk struct {
	Use      string `json:"use"`    // results or data sets
	Folder   string `json:"folder"` // as given
	Free     int64  `json:"free"`   // bytes that this user can still write
	Writable bool   `json:"writable"`
	Error    string `json:"error,omitempty"`
}

// Fault is something wrong and the way out.
type Fault struct {
	Subject string `json:"subject"` // worker, cpu, memory, disk, data or gpu
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

// Examine looks at everything and judges it.
func Examine(ctx context.Context, o Options) Report {
	m := machine.Read()
	devices, note, err := machine.Devices(ctx, "")
	slots := sweep.Placement{Machine: m, Devices: devices}.Slots(o.Trials)
	r := Report{
		Slimfit: o.Version,
		OS:      runtime.GOOS + "/" + runtime.GOARCH,
		Worker:  Ask(ctx, o.Worker, slots[0].Settings(), o.Timeout),
		Machine: m,
		MPS:     machine.MPS(),
		Workers: slots,
		Disks:   []Disk{look("results", o.Out), look("data sets", o.Cache)},
	}
	for _, info := range dataset.Registry() {
		r.Datasets = append(r.Datasets, verify(info.Name, o.Cache))
	}
	r.Faults, r.Advice = judge(r, o.Cache)
	switch {
	case err != nil:
		r.Faults = append(r.Faults, Fault{"gpu", err.Error(), "set CUDA_VISIBLE_DEVICES to what there is, or unset it"})
	case note != "":
		r.Advice = append(r.Advice, Fault{"gpu", "training goes to the CPU: " + note,
			"reload the driver, or ask the machine's administrator; --gpus none says that the CPU is meant"})
	}
	return r
}

func verify(name, cache string) Dataset {
	switch err := dataset.Verify(name, cache); {
	case err == nil:
		return Dataset{Name: name, State: Cached}
	case errors.Is(err, fs.ErrNotExist):
		return Dataset{Name: name, State: Missing}
	default:
		return Dataset{Name: name, State: Broken, Error: err.Error()}
	}
}

// look measures the file system that the folder is on, or will be on.
func look(use, folder string) Disk {
	d := Disk{Use: use, Folder: folder}
	there, err := filepath.Abs(folder)
	for err == nil {
		if _, err = os.Stat(there); err == nil {
			break
		}
		if parent := filepath.Dir(there); errors.Is(err, fs.ErrNotExist) && parent != there {
			there, err = parent, nil
		}
	}
	if err == nil {
		d.Free, err = machine.FreeSpace(there)
	}
	if err == nil {
		err = machine.Writable(there)
	}
	d.Writable = err == nil
	if err != nil {
		d.Error = err.Error()
	}
	return d
}
