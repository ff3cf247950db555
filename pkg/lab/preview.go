package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/workerproc"
)

// Sheet is a picture of training images as networks see them.
type Sheet struct {
	File    string
	Augment *models.Augment // nil: as they are
}

// Rows and steps of a sheet.
const (
	sheetRows  = 8
	sheetSteps = 9
)

// Preview writes a sheet into dir for each way in which the experiment augments
// its images, seen by its first seed.
func (l *Lab) Preview(ctx context.Context, e *experiment.Experiment, dir string) (sheets []Sheet, err error) {
	if dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(dir, 0o777)
	}
	if err != nil {
		return nil, exit.Failed(err)
	}
	var w *workerproc.Process
	var drawn []models.Recipe
next:
	for _, cfg := range e.Configs {
		r := models.DefaultRecipe() // the network and how it is trained do not matter
		r.Batch, r.Order, r.Augment = cfg.Recipe.Batch, cfg.Recipe.Order, cfg.Recipe.Augment
		for _, d := range drawn {
			if d.Equal(r) {
				continue next
			}
		}
		drawn = append(drawn, r)
		if w == nil {
			if w, err = l.startWorker(ctx); err != nil {
				return nil, err
			}
			defer w.Close(0)
		}
		s := Sheet{File: filepath.Join(dir, cfg.ID+".png"), Augment: r.Augment}
		p := protocol.Pack{Source: l.sourceOf(e), Data: cfg.Data, Recipe: r,
			Members: []protocol.Member{{Key: result.Key{ConfigID: cfg.ID, Seed: e.Seeds[0]}}}}
		if _, err := ask(ctx, w, protocol.Command{Preview: &protocol.Preview{Pack: p, Rows: sheetRows, Steps: sheetSteps, File: s.File}},
			protocol.Previewed); err != nil {
			return nil, fmt.Errorf("draw %s: %w", s.File, err)
		}
		sheets = append(sheets, s)
	}
	return sheets, nil
}
