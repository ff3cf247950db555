package slurm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// gpuWorker is a worker that pretends to train on the GPU that it was given.
func (c *cluster) gpuWorker(t *testing.T) string {
	t.Helper()
	file := c.program("gpu-worker")
	text := fmt.Sprintf("#!/bin/sh\n%s --threads 1 | sed -u \"s/\\\"device\\\":\\\"CPU\\\"/\\\"device\\\":\\\"fake GPU "+
		"$CUDA_VISIBLE_DEVICES\\\"/\"\n", c.program("slimfit-worker"))
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// kill ends a process of the cluster's jobs at once.
func (c *cluster) kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

// killNode ends a node's slurmd and all its jobs at once, as a power cut does.
func (c *cluster) killNode(t *testing.T, node string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, "slurmd-"+node+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	slurmd, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	victims := []int{slurmd}
	for job := range strings.FieldsSeq(c.must(t, "squeue", "--noheader", "--array", "--format=%A", "--nodelist="+node)) {
		for pid, command := range processes(t) {
			if strings.HasPrefix(command, "slurmstepd: ["+job+".") {
				victims = append(victims, pid)
			}
		}
	}
	if len(victims) < 2 {
		t.Fatalf("no job on %s", node)
	}
	for _, pid := range append(victims, descendants(t, victims[1:])...) {
		c.kill(t, pid)
	}
}

func (c *cluster) startNode(t *testing.T, node string) {
	t.Helper()
	c.must(t, "slurmd", "-N", node)
}

// processes lists command lines by process number.
func processes(t *testing.T) map[int]string {
	t.Helper()
	all := map[int]string{}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		pid, err1 := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		b, err2 := os.ReadFile(f)
		if errors.Join(err1, err2) == nil {
			all[pid] = strings.ReplaceAll(strings.TrimRight(string(b), "\x00"), "\x00", " ")
		}
	}
	return all
}

// descendants lists the processes that those started, and so on.
func descendants(t *testing.T, of []int) []int {
	t.Helper()
	parents := map[int]int{}
	for pid := range processes(t) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	var found []int
	for pid := range parents {
		for p := parents[pid]; p > 1; p = parents[p] {
			if slices.Contains(of, p) {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}
