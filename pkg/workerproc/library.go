package workerproc

import (
	"bufio"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Library is the libtensorflow that the worker loads.
type Library struct {
	File  string `json:"file"`  // "" where none is found
	Build Build  `json:"build"` // "" where it cannot be told
}

// Build is the kind of a libtensorflow.
type Build string

const (
	CPU  Build = "cpu"
	CUDA Build = "cuda"
)

// FindLibrary resolves the worker's libtensorflow as the dynamic loader does,
// without starting it. The system's own folders are left out.
func FindLibrary(worker, libraryPath string) Library {
	f, err := elf.Open(worker)
	if err != nil {
		return Library{}
	}
	defer f.Close()
	needed, err := f.ImportedLibraries()
	if err != nil {
		return Library{}
	}
	folders := filepath.SplitList(libraryPath)
	for _, path := range runPath(f) {
		origin, err := filepath.EvalSymlinks(worker)
		if err != nil {
			origin = worker
		}
		folders = append(folders, strings.ReplaceAll(path, "$ORIGIN", filepath.Dir(origin)))
	}
	for _, name := range needed {
		if !strings.HasPrefix(name, "libtensorflow") {
			continue
		}
		for _, folder := range folders {
			file := filepath.Join(folder, name)
			if _, err := os.Stat(file); err == nil {
				return Library{File: file, Build: buildOf(file)}
			}
		}
	}
	return Library{}
}

// buildOf tells a CUDA build by its run path, which leads to CUDA's wheels.
func buildOf(library string) Build {
	f, err := elf.Open(library)
	if err != nil {
		return ""
	}
	defer f.Close()
	for _, path := range runPath(f) {
		if strings.Contains(path, "nvidia/") {
			return CUDA
		}
	}
	return CPU
}

// runPath returns the folders where the loader looks for what f needs.
func runPath(f *elf.File) []string {
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		if paths, err := f.DynString(tag); err == nil && len(paths) > 0 {
			return filepath.SplitList(strings.Join(paths, string(filepath.ListSeparator)))
		}
	}
	return nil
}

// cudaFolder is where the library's own CUDA tools are: ptxas and libdevice, in
// the layout of NVIDIA's wheels beside TensorFlow's. "" where there are none.
func (l Library) cudaFolder() string {
	file, err := filepath.EvalSymlinks(l.File)
	if err != nil {
		return ""
	}
	for _, up := range []string{"..", "../.."} { // .tensorflow/gpu-*/tensorflow, and site-packages/tensorflow
		dir := filepath.Join(filepath.Dir(file), up, "nvidia", "cuda_nvcc")
		if _, err := os.Stat(filepath.Join(dir, "nvvm", "libdevice")); err == nil {
			return dir
		}
	}
	return ""
}

const (
	shownLines  = 12  // of the worker's log, shown with a failure
	packLines   = 200 // of the worker's log, kept for the logs of the trials in training
	longestLine = 400 // bytes kept of a line
)

// Tail keeps the end of a worker's log.
type Tail struct {
	mu    sync.Mutex
	lines []string // the last packLines
	taken int      // how many of lines were taken already
}

// Add adds a line.
func (t *Tail) Add(line string) {
	if len(line) > longestLine {
		line = strings.ToValidUTF8(line[:longestLine], "") + " ..."
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	if n := len(t.lines) - packLines; n > 0 {
		t.lines = append(t.lines[:0], t.lines[n:]...)
		t.taken = max(0, t.taken-n)
	}
}

// read adds every line of r.
func (t *Tail) read(r io.Reader) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		line, long, err := b.ReadLine()
		if err != nil {
			return
		}
		t.Add(string(line))
		for long && err == nil { // the rest of an endless line
			_, long, err = b.ReadLine()
		}
	}
}

// Take returns the lines since the last Take.
func (t *Tail) Take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string(nil), t.lines[t.taken:]...)
	t.taken = len(t.lines)
	return lines
}

// Last is the end of the log, "" if there is none.
func (t *Tail) Last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines[max(0, len(t.lines)-shownLines):], "\n  ")
}

// Ending is Last as the end of a message.
func (t *Tail) Ending() string { return lastLines(t.Last()) }

// lastLines is a log's end as the end of a message.
func lastLines(said string) string {
	if said == "" {
		return ""
	}
	return "; its last lines:\n  " + said
}
