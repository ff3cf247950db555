package tensorboard

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func events(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	at := time.Unix(1700000000, 250000000)
	w, err := NewWriter(&b, at)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []float64{2.5, 0.125} {
		if err := w.Write(Scalar{Tag: "loss", Step: int64(100 * (i + 1)), Value: v, Time: at.Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// The first record, byte for byte as TensorFlow 2.18's own writer makes it.
func TestFirstRecord(t *testing.T) {
	want := "\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7fK\"\t\x00\x00\x10@\xfcT\xd9A\x1a\rbrain.Event:23\x8d/\xe9"
	if got := string(events(t)); !strings.HasPrefix(got, want) {
		t.Errorf("got  %q\nwant %q", got[:len(want)], want)
	}
}

// The real tensorboard package reads the file, where it is installed: the
// Python of the environment's SLIMFIT_PYTHON, or the one of the Keras check.
func TestTensorBoardReadsIt(t *testing.T) {
	python := os.Getenv("SLIMFIT_PYTHON")
	if python == "" {
		python = "../../.venv/bin/python"
	}
	if _, err := os.Stat(python); err != nil {
		t.Skipf("no Python with tensorboard: make venv makes %s", python)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "events.out.tfevents.1"), events(t), 0o666); err != nil {
		t.Fatal(err)
	}
	const script = `
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]).Reload()
print([(e.step, e.value, e.wall_time) for e in a.Scalars("loss")])`
	var stderr bytes.Buffer
	c := exec.Command(python, "-c", script, dir)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if got, want := strings.TrimSpace(string(out)), "[(100, 2.5, 1700000001.25), (200, 0.125, 1700000001.25)]"; got != want {
		t.Errorf("tensorboard read %s, want %s", got, want)
	}
}
