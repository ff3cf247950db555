package workerproc

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestFindLibrary(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	dir := t.TempDir()
	compile := func(args ...string) {
		t.Helper()
		cmd := exec.Command(cc, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"bin", "lib", "cuda"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("lib.c", "int f(void) { return 1; }\n")
	write("main.c", "int f(void); int main(void) { return f(); }\n")
	compile("-shared", "-fPIC", "-o", "lib/libtensorflow_cc.so.2", "lib.c")
	compile("-shared", "-fPIC", "-Wl,-rpath,$ORIGIN/../nvidia/cudnn/lib", "-o", "cuda/libtensorflow_cc.so.2", "lib.c")
	compile("-o", "bin/worker", "main.c", "-Llib", "-l:libtensorflow_cc.so.2", "-Wl,-rpath,$ORIGIN/../nowhere:$ORIGIN/../lib")
	worker := filepath.Join(dir, "bin/worker")
	if got, want := FindLibrary(worker, ""), (Library{filepath.Join(dir, "lib/libtensorflow_cc.so.2"), CPU}); got != want {
		t.Errorf("by the run path: %+v, want %+v", got, want)
	}
	if got, want := FindLibrary(worker, filepath.Join(dir, "cuda")), (Library{filepath.Join(dir, "cuda/libtensorflow_cc.so.2"),
		CUDA}); got != want {
		t.Errorf("LD_LIBRARY_PATH goes first: %+v, want %+v", got, want)
	}
	// The CUDA tools beside a library, in the layout of the wheels, are named to XLA.
	nvcc := filepath.Join(dir, "nvidia/cuda_nvcc")
	if err := os.MkdirAll(filepath.Join(nvcc, "nvvm/libdevice"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LD_LIBRARY_PATH", filepath.Join(dir, "cuda"))
	t.Setenv("XLA_FLAGS", "--xla_dump_to=x")
	env := Command(worker, Settings{Visible: "0"}).Environ()
	if !slices.Contains(env, "XLA_FLAGS=--xla_dump_to=x --xla_gpu_cuda_data_dir="+nvcc) ||
		!slices.Contains(env, "PATH="+nvcc+"/bin:"+os.Getenv("PATH")) {
		t.Errorf("CUDA's tools are not named: %q", env)
	}
	if env := Command(worker, Settings{}).Environ(); !slices.Contains(env, "XLA_FLAGS=--xla_dump_to=x") {
		t.Error("a worker on the CPU is told of CUDA's tools")
	}
	t.Setenv("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/mine")
	if env := Command(worker, Settings{Visible: "0"}).Environ(); !slices.Contains(env, "XLA_FLAGS=--xla_gpu_cuda_data_dir=/mine") {
		t.Error("the user's folder of CUDA's tools is overridden")
	}
	if err := os.RemoveAll(filepath.Join(dir, "lib")); err != nil {
		t.Fatal(err)
	}
	if got := FindLibrary(worker, ""); got != (Library{}) {
		t.Errorf("no library: %+v", got)
	}
}
