package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"slimfit/pkg/store"
)

// serve shows a folder in which nothing trained yet, says what is wrong with
// ports and folders, and ends with 0 when it is stopped.
func TestServe(t *testing.T) {
	out := t.TempDir()
	folder, err := store.Create(out, "fresh", []byte("name: fresh\ndataset: mnist\nmodel: final\nseeds: 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder.Dir, 0o555); err != nil { // it writes nothing
		t.Fatal(err)
	}
	address, stop := serving(t, folder.Dir, "--cache", out)
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || !bytes.Contains(page, []byte("connect-src &#39;self&#39;")) || !bytes.Contains(page, []byte(`data-page="1"`)) ||
		!bytes.Contains(page, []byte("none of 2 trials has finished")) {
		t.Errorf("%s: %v, %d bytes: %.400s", address, err, len(page), page)
	}

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{folder.Dir, "--port", port}, 2, "port " + port + " of 127.0.0.1 is in use: name another by --port"},
		{[]string{folder.Dir, "--port", "70000"}, 2, "--port 70000: want 1 to 65535"},
		{[]string{folder.Dir, "--host", "nowhere.invalid"}, 2, "nowhere.invalid"},
		{[]string{out}, 2, "is no run folder"},
		{nil, 2, "want one run folder, got 0"},
	} {
		var stderr bytes.Buffer
		if got := run(context.Background(), append([]string{"slimfit", "serve"}, c.args...), io.Discard, &stderr); got != c.code ||
			!strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: exit code %d, %s", c.args, got, stderr.String())
		}
	}

	stop()
}

// serving starts `serve`; stop ends it, which it must within seconds, with 0.
func serving(t *testing.T, args ...string) (address string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	stdout, w := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(ctx, append([]string{"slimfit", "serve"}, args...), w, io.Discard); w.Close() }()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, stdout)
	return strings.TrimSpace(line), func() {
		cancel(&signalError{os.Interrupt})
		select {
		case got := <-code:
			if got != 0 {
				t.Errorf("stopped, it ends with %d", got)
			}
		case <-time.After(10 * time.Second):
			t.Error("it goes on serving")
		}
	}
}
