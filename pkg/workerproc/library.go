package workerproc

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
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
