package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/doctor"
	"slimfit/pkg/exit"
)

// runDoctor runs `slimfit doctor` with a shell script as the worker.
func runDoctor(t *testing.T, worker string, args ...string) (code int, stdout string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "worker")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+worker+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"slimfit", "doctor", "--worker", file, "--cache", dir, "--out", dir}, args...), &out,
		&errs)
	if errs.Len() > 0 {
		t.Errorf("stderr: %s", &errs)
	}
	return code, out.String()
}

const healthyWorker = `for i in 1 2; do echo '{"type":"ready","environment":{"tensorflow":"2.18.1","device":"CPU"}}'; done; cat >/dev/null`

func TestDoctorHealthy(t *testing.T) {
	code, out := runDoctor(t, healthyWorker)
	if code != exit.Done || !strings.Contains(out, "2.18.1 on CPU") || !strings.HasSuffix(out, "\nNo fault found.\n") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestDoctorFault(t *testing.T) {
	const library = "echo 'w: error while loading shared libraries: libtensorflow_cc.so.2: cannot open shared object file' >&2; exit 127"
	code, out := runDoctor(t, library)
	if code != exit.Trials || !strings.Contains(out, "FAULT (worker)") || !strings.Contains(out, "-> run `make setup`") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	code, out = runDoctor(t, library, "--format", "json")
	var r doctor.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if code != exit.Trials || len(r.Faults) != 1 || r.Worker.Environment != nil {
		t.Errorf("exit %d: %+v", code, r)
	}
}

func TestDoctorUsage(t *testing.T) {
	for _, args := range [][]string{{"doctor", "x"}, {"doctor", "--format", "csv"}, {"doctor", "--timeout", "soon"}} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), append([]string{"slimfit"}, args...), &out, &errs); code != exit.Usage {
			t.Errorf("%v: exit %d, want %d: %s", args, code, exit.Usage, &errs)
		}
	}
}
