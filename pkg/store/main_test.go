package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain lets tests start this binary again as another process that shares a
// run folder.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "process-") {
		if err := process(os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process is the other process. args: the run folder, the term, trial folders.
func process(mode string, args []string) error {
	f, err := Open(args[0])
	if err != nil {
		return err
	}
	term, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	s, err := f.Join(term, nil)
	if err != nil {
		return err
	}
	fmt.Println("joined")
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	switch mode {
	case "process-hold": // leases one trial and writes its checkpoints until it is fenced
		token, err := s.Acquire(args[2])
		if err != nil {
			return err
		}
		fmt.Println("token", token)
		for step := 1; ; step++ {
			err := SaveCheckpoint(args[2], token, step, []byte("of the first owner"))
			if errors.Is(err, ErrFenced) {
				fmt.Println("fenced")
				_, err := in.ReadString('\n') // stay alive
				return err
			}
			if err != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "process-grab": // leases every trial that it can get
		for _, dir := range args[2:] {
			token, err := s.Acquire(dir)
			var held *HeldError
			switch {
			case err == nil:
				fmt.Println("got", dir, token)
			case !errors.As(err, &held):
				return err
			}
		}
		fmt.Println("end")
		_, err := in.ReadString('\n') // its leases stay those of a living process
		return err
	}
	return fmt.Errorf("unknown mode %s", mode)
}

// child is a started process.
type child struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// start starts another process of this binary, behind the words of prefix, and
// waits until it has joined the folder.
func start(t *testing.T, prefix []string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := append(append(append([]string{}, prefix...), self), args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{t, cmd, in, bufio.NewScanner(out)}
	t.Cleanup(c.kill)
	c.expect("joined")
	return c
}

// line is the child's next line.
func (c *child) line() string {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("%s ended early: %v", c.cmd.Args[:3], c.out.Err())
	}
	return c.out.Text()
}

func (c *child) expect(want string) {
	c.t.Helper()
	if got := c.line(); got != want {
		c.t.Fatalf("child says %q, want %q", got, want)
	}
}

// say sends the child a line end.
func (c *child) say() {
	c.t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		c.t.Fatal(err)
	}
}

// kill kills the child and waits for its end; twice does no harm.
func (c *child) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait()
}
