package main

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// traceback is the variable by which people ask Go for stacks.
const traceback = "GOTRACEBACK"

// monitor reads what Go says as it ends a program for good, such as one that
// gets no memory, and shows the sentence without the stacks of all goroutines.
const monitor = `LC_ALL=C
while IFS= read -r line; do
	case $said$line in
	"fatal error: "*[![:print:]]* | "panic: "*[![:print:]]*) said="a fault" ;;
	"fatal error: "* | "panic: "*) said=$line ;;
	*) continue ;;
	esac
	printf 'slimfit: a fault of this program: %s (GOTRACEBACK=single shows where)\n' "$said"
	said="said: "
done`

// withoutDumps leads what Go itself writes to standard error through a monitor:
// no setting of Go leaves the stacks out of all fatal faults, and when they come
// no code of this program runs any more. Where there is no shell they stay, and
// for who sets GOTRACEBACK.
func withoutDumps() {
	if os.Getenv(traceback) != "" {
		return
	}
	fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return
	}
	own := os.NewFile(uintptr(fd), os.Stderr.Name())
	r, w, err := os.Pipe()
	if err != nil {
		return
	}
	defer r.Close()
	defer w.Close()
	cmd := exec.Command("/bin/sh", "-c", monitor)
	cmd.Stdin, cmd.Stdout, cmd.Dir = r, own, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it: it ends with this process
	if cmd.Start() == nil && unix.Dup3(int(w.Fd()), 2, 0) == nil {
		os.Stderr = own
	}
}
