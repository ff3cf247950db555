package workerproc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/protocol"
	"slimfit/pkg/workerproc"
)

func TestAsk(t *testing.T) {
	fake := filepath.Join(t.TempDir(), "fake-worker")
	if b, err := exec.Command("go", "test", "-c", "-o", fake, "slimfit/pkg/sweep").CombinedOutput(); err != nil {
		t.Fatalf("build the worker of pkg/sweep's tests: %v\n%s", err, b)
	}
	c, err := workerproc.Start(t.Context(), exec.Command(fake))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(0)
	if c.Environment.Host != "fake" {
		t.Errorf("environment %+v", c.Environment)
	}
	e, err := c.Ask(t.Context(), protocol.Command{Latency: &protocol.Latency{Images: 7}}, protocol.Timed, nil)
	if err != nil || e.Times == nil || *e.Times != (protocol.Times{Median: 0.25e-3, P95: 0.5e-3, Images: 7}) {
		t.Errorf("times %+v, %v", e.Times, err)
	}
	// What goes wrong with a file is told apart; the worker goes on.
	export := protocol.Export{Format: protocol.Frozen, File: filepath.Join(t.TempDir(), "gone", "x.pb")}
	var storage *workerproc.StorageError
	if _, err := c.Ask(t.Context(), protocol.Command{Export: &export}, protocol.Exported, nil); !errors.As(err, &storage) ||
		!strings.Contains(err.Error(), "gone") {
		t.Errorf("export into no folder: %v", err)
	}
	export.File = filepath.Join(t.TempDir(), "x.pb")
	if _, err := c.Ask(t.Context(), protocol.Command{Export: &export}, protocol.Exported, nil); err != nil {
		t.Error(err)
	}
	// JSON would change this path on its way.
	d, err := workerproc.Start(t.Context(), exec.Command(fake))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(0)
	export.File = "a\xff/x.pb"
	if _, err := d.Ask(t.Context(), protocol.Command{Export: &export}, protocol.Exported, nil); err == nil ||
		err.Error() != `tell the worker: a\ufffd/x.pb is not UTF-8: rename it, or choose another folder` {
		t.Errorf("a path that is not UTF-8: %v", err)
	}
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := c.Ask(stopped, protocol.Command{Info: true}, protocol.Exported, nil); err == nil || err.Error() != "enough" {
		t.Errorf("asked after the end: %v", err)
	}
}

func TestStartWithoutWorker(t *testing.T) {
	if _, err := workerproc.Start(t.Context(), exec.Command("/bin/false")); err == nil || !strings.Contains(err.Error(), "did not start") {
		t.Errorf("started /bin/false: %v", err)
	}
}

// What a worker is started with.
func TestCommand(t *testing.T) {
	t.Setenv("CUDA_DEVICE_ORDER", "")
	t.Setenv("CUDA_VISIBLE_DEVICES", "0,1")
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("NVIDIA_TF32_OVERRIDE", "0")
	t.Setenv("CUDA_CACHE_PATH", "")
	os.Unsetenv("CUDA_CACHE_PATH")
	cache := filepath.Join(os.TempDir(), fmt.Sprintf("slimfit-cuda-%d", os.Getuid()))
	for _, c := range []struct {
		name      string
		s         workerproc.Settings
		args, env string
	}{
		{"CPU", workerproc.Settings{}, "--threads 1", "CUDA_VISIBLE_DEVICES="},
		{"threads", workerproc.Settings{Threads: 3}, "--threads 3", "CUDA_VISIBLE_DEVICES="},
		{"GPU", workerproc.Settings{Visible: "1"}, "--threads 1 --gpu",
			"CUDA_VISIBLE_DEVICES=1 CUDA_DEVICE_ORDER=PCI_BUS_ID NVIDIA_TF32_OVERRIDE=0 CUDA_CACHE_PATH=" + cache},
		{"GPU with tf32", workerproc.Settings{Visible: "1", TF32: true}, "--threads 1 --gpu", "CUDA_VISIBLE_DEVICES=1 -NVIDIA_TF32_OVERRIDE -TF_CUDNN_USE_AUTOTUNE"},
		{"deterministic GPU", workerproc.Settings{Visible: "1", Deterministic: true}, "--threads 1 --gpu", "TF_DETERMINISTIC_OPS=1 TF_CUDNN_USE_AUTOTUNE=0"},
		{"part of a GPU", workerproc.Settings{Visible: "0", MemoryFraction: 0.25}, "--threads 1 --gpu --memory-fraction 0.25", "CUDA_VISIBLE_DEVICES=0"},
		{"deterministic", workerproc.Settings{Deterministic: true}, "--threads 1", "TF_DETERMINISTIC_OPS=1 -CUDA_CACHE_PATH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := workerproc.Command("w", c.s)
			if got := strings.Join(cmd.Args[1:], " "); got != c.args {
				t.Errorf("arguments %q, want %q", got, c.args)
			}
			env := cmd.Environ() // of doubled variables the last
			for want := range strings.SplitSeq(c.env, " ") {
				if name, ok := strings.CutPrefix(want, "-"); ok {
					if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
						t.Errorf("%s is set", name)
					}
				} else if !slices.Contains(env, want) {
					t.Errorf("no %s", want)
				}
			}
		})
	}
}

// A folder of compiled kernels that is not this user's own is not used.
func TestCommandWithForeignCache(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("CUDA_CACHE_PATH", "")
	os.Unsetenv("CUDA_CACHE_PATH")
	if err := os.Symlink(t.TempDir(), filepath.Join(os.TempDir(), fmt.Sprintf("slimfit-cuda-%d", os.Getuid()))); err != nil {
		t.Fatal(err)
	}
	for _, v := range workerproc.Command("w", workerproc.Settings{Visible: "0"}).Environ() {
		if strings.HasPrefix(v, "CUDA_CACHE_PATH=") {
			t.Errorf("%s leads elsewhere", v)
		}
	}
}
