package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// What serve must stay below: the first page is a look and a report.
const (
	mostFirst  = 2 * mostSeconds // CPU seconds to the first page
	mostIdle   = 0.05            // of one processor, with 100 pages open and nothing new
	mostAdding = 0.25            // with a result a second
	openPages  = 100
)

// measureServe prints what serve takes of the same folder: the first page, 100 pages
// with their event streams, a while with nothing new, and one with a result a second
// beside a heartbeat that tells of each.
func measureServe(b *testing.B, dir string, e *experiment.Experiment) {
	cmd := exec.Command(*scaleSlimfit, "serve", filepath.Join(dir, e.Name))
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(os.Interrupt)
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatalf("serve: %v", err)
	}
	address = strings.TrimSpace(address)
	var w strings.Builder
	fmt.Fprintf(&w, "| serve DIR | seconds | CPU seconds | memory, MB |\n|---|---:|---:|---:|\n")
	begin, before := time.Now(), 0.0
	line := func(name string, most float64) {
		cpu, memory := processUse(b, cmd.Process.Pid)
		seconds := time.Since(begin).Seconds()
		fmt.Fprintf(&w, "| %s | %.1f | %.2f | %d |\n", name, seconds, cpu-before, memory>>20)
		if cpu-before > most || memory > mostBytes {
			b.Errorf("serve, %s, took %.2f CPU s and %d MB", name, cpu-before, memory>>20)
		}
		begin, before = time.Now(), cpu
	}
	get := func(path string) io.ReadCloser {
		answer, err := http.Get(address + path)
		if err != nil || answer.StatusCode != http.StatusOK {
			b.Fatalf("GET %s: %v, %v", path, answer, err)
		}
		return answer.Body
	}
	page := func() {
		body := get("")
		if _, err := io.Copy(io.Discard, body); err != nil {
			b.Fatal(err)
		}
		body.Close()
	}
	page()
	line("first page", mostFirst)
	for range openPages {
		page()
		events := get("events")
		defer events.Close()
		go io.Copy(io.Discard, events)
	}
	line(fmt.Sprintf("%d more pages and their event streams", openPages), mostSeconds)
	minutes := time.Duration(*scaleMinutes * float64(time.Minute))
	time.Sleep(minutes)
	line("nothing new", mostIdle*minutes.Seconds())
	addResults(b, dir, e, minutes)
	line("a result a second", mostAdding*minutes.Seconds()+mostSeconds) // a report may just begin
	b.Logf("\n%s", w.String())
}

// addResults writes one of the missing results each second, as a run does, and takes
// them away again.
func addResults(b *testing.B, dir string, e *experiment.Experiment, while time.Duration) {
	folder, err := store.Create(dir, e.Name, e.Source)
	if err != nil {
		b.Fatal(err)
	}
	var done atomic.Int64
	process, err := folder.Join(time.Second, func() any { return sweep.State{Total: len(e.Trials()), Done: int(done.Load())} })
	if err != nil {
		b.Fatal(err)
	}
	defer process.Close()
	trials, end := e.Trials(), time.Now().Add(while)
	for i := 9; i < len(trials) && time.Now().Before(end); i += 10 {
		if err := writeMade(folder, e.Name, trials[i], i); err != nil {
			b.Fatal(err)
		}
		defer os.Remove(folder.ResultPath(trials[i].Key()))
		done.Add(1)
		time.Sleep(time.Second)
	}
}

// processUse is the CPU seconds and the most memory of a process in bytes, so far.
func processUse(b *testing.B, pid int) (cpu float64, memory int64) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])) // from the third field on
	for _, ticks := range fields[11:13] {
		n, err := strconv.ParseFloat(ticks, 64)
		if err != nil {
			b.Fatal(err)
		}
		cpu += n / 100 // USER_HZ of Linux
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, most, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, _, _ := strings.Cut(strings.TrimSpace(most), " ")
	memory, err = strconv.ParseInt(kilobytes, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return cpu, memory << 10
}
