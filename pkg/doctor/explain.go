package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
)

// Explain says in plain words why a worker did not start, or died: err is what
// starting it or waiting for it returned, stderr its last words.
func Explain(file string, err error, stderr string) Fault {
	fault := func(remedy, format string, args ...any) Fault {
		return Fault{Subject: "worker", Problem: fmt.Sprintf(format, args...), Remedy: remedy}
	}
	const build = "run `make build` in slimfit's repository, or name the worker by --worker"
	switch {
	case errors.Is(err, errSilent):
		return fault("try again when the machine is less busy; on a network folder the first start is slow: copy bin/ and .tensorflow/ to a "+
			"local disk",
			"%s started, but did not say that it is ready in time%s", file, quote(stderr))
	case errors.Is(err, fs.ErrNotExist):
		if _, gone := os.Stat(file); gone == nil { // the file is there: it is its loader that is not
			return fault("use a system with glibc (Debian, Ubuntu, Fedora, ...): TensorFlow has no build for others",
				"%s cannot start: this system has no glibc loader", file)
		}
		return fault(build, "%s: no such file", file)
	case errors.Is(err, fs.ErrPermission):
		return fault("chmod +x it; if its file system is mounted noexec, copy bin/ and .tensorflow/ elsewhere", "%s may not be executed", file)
	case errors.Is(err, syscall.ENOEXEC):
		return fault(build+"; a build runs only on the kind of machine that it was made on", "%s is no program for this machine (%s)", file,
			runtime.GOARCH)
	}
	if fault, ok := explainLoader(file, stderr); ok {
		return fault
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return explainExit(file, exit, stderr)
	}
	return fault("run "+file+" by hand with --help and read what it prints; "+build, "%s is no slimfit-worker: %v%s", file, err, quote(stderr))
}

var (
	noLibrary = regexp.MustCompile(`error while loading shared libraries: ([^:\s]+): (.*)`)
	oldSystem = regexp.MustCompile("version `((?:GLIBC|GLIBCXX|CXXABI)_[0-9.]+)' not found")
	noSymbol  = regexp.MustCompile(`symbol lookup error: .*undefined symbol: (\S+)`)
)

// explainLoader reads the messages of the dynamic loader.
func explainLoader(file, stderr string) (Fault, bool) {
	f := Fault{Subject: "worker"}
	if m := oldSystem.FindStringSubmatch(stderr); m != nil {
		f.Problem = fmt.Sprintf("%s needs %s, which this system's C or C++ library does not have", file, m[1])
		f.Remedy = "build on this machine (`make build`), or on the oldest system of the cluster; TensorFlow 2.18 needs glibc 2.17 or newer"
	} else if m := noLibrary.FindStringSubmatch(stderr); m != nil {
		f.Problem = fmt.Sprintf("%s cannot load %s: %s", file, m[1], m[2])
		f.Remedy = "run `make setup` in slimfit's repository; if bin/ was copied elsewhere, copy .tensorflow/ beside it, or set " +
			"LD_LIBRARY_PATH to the folder of libtensorflow"
	} else if m := noSymbol.FindStringSubmatch(stderr); m != nil {
		f.Problem = fmt.Sprintf("%s finds no %s in its libraries: they are of another version", file, m[1])
		f.Remedy = "unset LD_LIBRARY_PATH and LD_BIND_NOW, then run `make setup build`; slimfit needs libtensorflow 2.18"
	} else {
		return f, false
	}
	return f, true
}

// explainExit tells what a worker's end means.
func explainExit(file string, exit *exec.ExitError, stderr string) Fault {
	f := Fault{Subject: "worker", Remedy: "run " + file + " --help by hand; if it fails too, run `make setup build` again"}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		f.Problem = fmt.Sprintf("%s ended with exit code %d%s", file, exit.ExitCode(), quote(stderr))
		return f
	}
	f.Problem = fmt.Sprintf("%s was killed by signal %d (%s)%s", file, status.Signal(), status.Signal(), quote(stderr))
	switch {
	case status.Signal() == syscall.SIGILL, strings.Contains(stderr, "compiled to use") && strings.Contains(stderr, "instructions"):
		f.Subject = "cpu"
		f.Problem = fmt.Sprintf("%s uses instructions that this CPU does not have%s", file, quote(stderr))
		f.Remedy = "TensorFlow's own builds need AVX on x86_64: use another machine (a virtual one may hide AVX: choose the host's CPU model)," +
			" or build libtensorflow 2.18 for this CPU and run `make setup build LIBTENSORFLOW=/its/prefix`; plan, report and footprint work " +
			"without it"
	case status.Signal() == syscall.SIGKILL:
		f.Subject = "memory"
		f.Remedy = "most likely there was not enough memory (see `dmesg` or the cgroup's memory.events): close programs, or raise the limit"
	}
	return f
}

// quote adds the last line of the worker's words, in brackets.
func quote(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return fmt.Sprintf(" (it said: %.200s)", last)
	}
	return ""
}
