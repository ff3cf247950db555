package sweep

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/protocol"
	"slimfit/pkg/sweep/sweeptest"
)

func TestClientAsks(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := StartClient(t.Context(), exec.Command(self, "fake-worker"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Environment().Host != "fake" {
		t.Errorf("environment %+v", c.Environment())
	}
	e, err := c.Ask(t.Context(), protocol.Command{Latency: &protocol.Latency{Images: 7}}, protocol.Timed)
	if err != nil || e.Times == nil || *e.Times != (protocol.Times{Median: sweeptest.Median, P95: sweeptest.P95, Images: 7}) {
		t.Errorf("times %+v, %v", e.Times, err)
	}
	// What goes wrong with a file is told apart; the worker goes on.
	export := protocol.Export{Format: protocol.Frozen, File: filepath.Join(t.TempDir(), "gone", "x.pb")}
	var storage *StorageError
	if _, err := c.Ask(t.Context(), protocol.Command{Export: &export}, protocol.Exported); !errors.As(err, &storage) || !strings.Contains(err.Error(), "gone") {
		t.Errorf("export into no folder: %v", err)
	}
	export.File = filepath.Join(t.TempDir(), "x.pb")
	if _, err := c.Ask(t.Context(), protocol.Command{Export: &export}, protocol.Exported); err != nil {
		t.Error(err)
	}
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := c.Ask(stopped, protocol.Command{Info: true}, protocol.Exported); err == nil || err.Error() != "enough" {
		t.Errorf("asked after the end: %v", err)
	}
}

func TestClientWithoutWorker(t *testing.T) {
	if _, err := StartClient(t.Context(), exec.Command("/bin/false")); err == nil || !strings.Contains(err.Error(), "did not start") {
		t.Errorf("started /bin/false: %v", err)
	}
}

// A pack says where its recipe's teacher lies.
func TestPackHasItsTeacher(t *testing.T) {
	recipe := models.DefaultRecipe()
	recipe.Teacher = &models.Teacher{Run: "c5x2-00000000/seed-1", Digest: "d", Temperature: 4, Weight: 0.9}
	teacher := &experiment.Teacher{Dir: "/runs/x/c5x2-00000000/seed-1", Layers: []models.Layer{models.NewConv(5, 2)}}
	p := newPack(3, protocol.Source{}, experiment.Trial{Configuration: &experiment.Configuration{Config: models.Config{Recipe: recipe}, Teacher: teacher}})
	if p.ID != 3 || p.Teacher == nil || p.Teacher.Dir != teacher.Dir || len(p.Teacher.Layers) != 1 || p.Recipe.Teacher != recipe.Teacher {
		t.Errorf("pack %+v", p)
	}
	if p := newPack(3, protocol.Source{}, experiment.Trial{Configuration: &experiment.Configuration{}}); p.Teacher != nil {
		t.Errorf("teacher %+v", p.Teacher)
	}
}
