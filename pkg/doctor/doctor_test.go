package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/machine"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/workerproc"
)

// script writes a shell program that stands for a worker.
func script(t *testing.T, body string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	first  = `echo '{"type":"ready","environment":{"tensorflow":"2.18.1","device":"CPU"}}'`
	answer = `echo '{"type":"ready","environment":{"tensorflow":"2.18.1","device":"GPU:0"},"gpus":[{"index":0,"name":"A100","memory":1024}]}'`
)

func TestAskHealthyWorker(t *testing.T) {
	w := Ask(context.Background(), script(t, first+`; read line; echo "$line" | grep -q '"info":true' && `+answer+`; cat >/dev/null`),
		workerproc.Settings{}, time.Minute)
	if w.Fault != nil {
		t.Fatalf("fault: %+v", w.Fault)
	}
	if w.Environment.Device != "GPU:0" || len(w.GPUs) != 1 || w.GPUs[0].Name != "A100" {
		t.Errorf("got %+v, want the second answer's", w)
	}
}

func TestAskExplains(t *testing.T) {
	noExec := script(t, "true")
	if err := os.Chmod(noExec, 0o644); err != nil {
		t.Fatal(err)
	}
	notProgram := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(notProgram, []byte("\x7fELF\x02\x01\x01 of another machine"), 0o755); err != nil {
		t.Fatal(err)
	}
	noLoader := filepath.Join(t.TempDir(), "worker")
	if err := os.WriteFile(noLoader, []byte("#!/no/such/loader\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, file       string
		subject, problem string
		remedy           string
	}{
		{"missing", "/no/such/worker", "worker", "no such file", "make build"},
		{"not executable", noExec, "worker", "may not be executed", "chmod +x"},
		{"other machine", notProgram, "worker", "no program for this machine", "make build"},
		{"no glibc", noLoader, "worker", "no glibc loader", "glibc"},
		{"library missing", script(t, "echo 'w: error while loading shared libraries: libtensorflow_cc.so.2: cannot open shared object file: No such file or directory' >&2; exit 127"),
			"worker", "cannot load libtensorflow_cc.so.2: cannot open shared object file", "make setup"},
		{"old system", script(t, "echo \"w: /lib/libc.so.6: version \\`GLIBC_2.34' not found (required by w)\" >&2; exit 1"),
			"worker", "needs GLIBC_2.34", "on this machine"},
		{"other version", script(t, "echo 'w: symbol lookup error: w: undefined symbol: TF_NewGraph' >&2; exit 127"),
			"worker", "finds no TF_NewGraph", "2.18"},
		{"SIGILL", script(t, "kill -ILL $$"), "cpu", "instructions that this CPU does not have", "AVX"},
		{"TensorFlow refuses the CPU", script(t, "echo 'The TensorFlow library was compiled to use AVX instructions, but these are not available.' >&2; kill -ABRT $$"),
			"cpu", "instructions that this CPU does not have", "LIBTENSORFLOW"},
		{"killed", script(t, "kill -KILL $$"), "memory", "signal 9", "memory"},
		{"dies", script(t, "echo one >&2; echo two >&2; exit 3"), "worker", "exit code 3 (it said: two)", "make setup"},
		{"other program", script(t, "echo hello"), "worker", "it said: hello", "--help"},
		{"ends at once", script(t, first), "worker", "is no slimfit-worker", "--help"},
		{"silent", script(t, first+"; exec sleep 60"), "worker", "did not say that it is ready", "local disk"},
	} {
		t.Run(c.name, func(t *testing.T) {
			timeout := time.Minute
			if c.name == "silent" {
				timeout = 200 * time.Millisecond
			}
			w := Ask(context.Background(), c.file, workerproc.Settings{}, timeout)
			if w.Fault == nil {
				t.Fatalf("no fault: %+v", w)
			}
			f := *w.Fault
			if f.Subject != c.subject || !strings.Contains(f.Problem, c.problem) || !strings.Contains(f.Remedy, c.remedy) {
				t.Errorf("got %+v\nwant %s, %q, %q", f, c.subject, c.problem, c.remedy)
			}
			if w.Environment != nil {
				t.Error("a worker that does not start has no environment")
			}
		})
	}
}

// The workers that are reported are those of the trials that are to run, by the
// rules of a run.
func TestExamineCountsWorkers(t *testing.T) {
	t.Setenv("CUDA_VISIBLE_DEVICES", "")
	huge := experiment.Trial{Configuration: &experiment.Configuration{Footprint: footprint.Footprint{Parameters: 1 << 40}}}
	r := Examine(context.Background(), Options{Worker: "/no/such/worker", Out: t.TempDir(), Cache: t.TempDir(), Timeout: time.Minute,
		Trials: []experiment.Trial{huge, huge}})
	if len(r.Workers) != 1 {
		t.Errorf("%d workers for networks larger than any memory", len(r.Workers))
	}
	r = Examine(context.Background(), Options{Worker: "/no/such/worker", Out: t.TempDir(), Cache: t.TempDir(), Timeout: time.Minute})
	if n := len(r.Workers); n < 1 || n > r.Machine.CPUs() {
		t.Errorf("%d workers on %d CPUs", n, r.Machine.CPUs())
	}
}

// healthy is a report without a fault.
func healthy() Report {
	return Report{
		OS:       "linux/amd64",
		Worker:   Worker{File: "w", Library: workerproc.Library{File: "/lib/tf", Build: workerproc.CPU}, Environment: &result.Environment{TensorFlow: "2.18.1", Device: "CPU"}},
		Machine:  machine.Machine{Cores: 4, Features: []string{"avx", "avx2"}, MemoryTotal: 8 << 30, MemoryAvailable: 4 << 30},
		Datasets: []Dataset{{Name: "mnist", State: Cached}, {Name: "cifar10", State: Missing}},
		Disks:    []Disk{{Use: "results", Folder: "runs", Free: 10 << 30, Writable: true}},
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name           string
		change         func(*Report)
		faults, advice []string // subjects
	}{
		{"healthy", func(*Report) {}, nil, nil},
		{"other TensorFlow", func(r *Report) { r.Worker.Environment.TensorFlow = "2.15.0" }, []string{"worker"}, nil},
		{"worker's own fault", func(r *Report) { r.Worker.Environment, r.Worker.Fault = nil, &Fault{Subject: "cpu"} }, []string{"cpu"}, nil},
		{"worker's warning", func(r *Report) { r.Worker.Warnings = []string{"hm"} }, nil, []string{"worker"}},
		{"GPU, CPU build", func(r *Report) { r.Worker.GPUs = make([]protocol.GPU, 2) }, nil, []string{"gpu"}},
		{"GPU, CUDA build, not seen", func(r *Report) {
			r.Worker.GPUs, r.Worker.Library.Build = make([]protocol.GPU, 2), workerproc.CUDA
		}, []string{"gpu"}, []string{"gpu"}},
		{"GPU, CUDA build, no MPS", func(r *Report) {
			r.Worker.GPUs, r.Worker.Library.Build, r.Worker.Environment.Device = make([]protocol.GPU, 1), workerproc.CUDA, "A100"
		}, nil, []string{"gpu"}},
		{"GPU, CUDA build", func(r *Report) {
			r.MPS = true
			r.Worker.GPUs, r.Worker.Library.Build, r.Worker.Environment.Device = make([]protocol.GPU, 2), workerproc.CUDA, "A100"
		}, nil, nil},
		{"no memory", func(r *Report) { r.Machine.MemoryAvailable = 100 << 20 }, []string{"memory"}, nil},
		{"memory unknown", func(r *Report) { r.Machine.MemoryAvailable, r.Machine.MemoryTotal = 0, 0 }, nil, nil},
		{"old CPU", func(r *Report) { r.Machine.Features = []string{"avx"} }, nil, []string{"cpu"}},
		{"half the cores", func(r *Report) { r.Machine.Quota = 2 }, nil, []string{"cpu"}},
		{"broken data", func(r *Report) { r.Datasets[1].State = Broken }, []string{"data"}, nil},
		{"no MNIST", func(r *Report) { r.Datasets[0].State = Missing }, nil, []string{"data"}},
		{"disk full", func(r *Report) { r.Disks[0].Free = 5 }, []string{"disk"}, nil},
		{"read-only", func(r *Report) { r.Disks[0].Writable = false }, []string{"disk"}, nil},
		{"two at once", func(r *Report) { r.Disks[0].Writable, r.Datasets[0].State = false, Broken }, []string{"data", "disk"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := healthy()
			c.change(&r)
			faults, advice := judge(r, dataset.DefaultCache())
			if got, want := subjects(faults), strings.Join(c.faults, " "); got != want {
				t.Errorf("faults %q, want %q", got, want)
			}
			if got, want := subjects(advice), strings.Join(c.advice, " "); got != want {
				t.Errorf("advice %q, want %q", got, want)
			}
		})
	}
}

func subjects(faults []Fault) string {
	var s []string
	for _, f := range faults {
		s = append(s, f.Subject)
	}
	return strings.Join(s, " ")
}

func TestLook(t *testing.T) {
	dir := t.TempDir()
	d := look("results", filepath.Join(dir, "not", "yet"))
	if !d.Writable || d.Free == 0 || d.Error != "" {
		t.Errorf("a folder to be made: %+v", d)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if d := look("results", filepath.Join(file, "runs")); d.Writable || d.Error == "" {
		t.Errorf("below a file: %+v", d)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 3 << 30: "3.0 GiB", 5 << 50: "5120.0 TiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %s, want %s", n, got, want)
		}
	}
}
