package main

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"slimfit/pkg/text"
)

// The width is the terminal's, behind what makes its output harmless too.
func TestColumns(t *testing.T) {
	t.Setenv("TERM", "xterm")
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("NOT RUN: no terminals here: ", err)
	}
	defer control.Close()
	fd := int(control.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	if got := (console{out: &text.Neutral{To: terminal}}).columns(); got != 79 {
		t.Errorf("a terminal of 80 columns gives lines of %d, want 79", got)
	}
}
