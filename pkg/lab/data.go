package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/dataset/fetch"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/workerproc"
)

// DataRow is one known data set in the output of list.
type DataRow struct {
	Name       string       `json:"name"`
	About      string       `json:"about"`
	Input      models.Shape `json:"input"`
	Classes    int          `json:"classes"`
	Train      int          `json:"train"`
	Validation int          `json:"validation"`
	Test       int          `json:"test"`
	Bytes      int64        `json:"bytes"` // on disk
	Digest     string       `json:"digest"`
	State      string       `json:"state"` // cached, missing or broken
	Sources    []string     `json:"sources"`
}

// DescribeKnown says what is in the cache of a known data set.
func DescribeKnown(info dataset.Info, cache string) (DataRow, error) {
	d, err := dataset.Describe(dataset.Ref{Name: info.Name}, cache)
	if err != nil {
		return DataRow{}, err
	}
	r := DataRow{Name: info.Name, About: info.About, Input: d.Input, Classes: d.Classes, Train: d.Train, Validation: d.Validation,
		Test: d.Test, Digest: d.Digest, State: "cached", Sources: fetch.Sources(info, cache)}
	for _, f := range info.Files {
		r.Bytes += f.Size
	}
	switch err := dataset.Cached(info.Name, cache); {
	case errors.Is(err, fs.ErrNotExist):
		r.State = "missing"
	case err != nil:
		r.State = "broken"
	}
	return r, nil
}

// DataReport is what verify found in one data set or folder.
type DataReport struct {
	models.Data
	Path       string   `json:"path"`
	ClassNames []string `json:"class_names"`
	Images     struct {
		Train      []int `json:"train"`
		Validation []int `json:"validation"`
		Test       []int `json:"test"`
	} `json:"images"` // of each class
	Guess struct {
		Class  int `json:"class"`  // that most test images show
		Images int `json:"images"` // test images that always answering it gets right
	} `json:"guess"`
	Found  dataset.Survey `json:"found"`            // of data of one's own
	Target *Ahead         `json:"target,omitempty"` // of an experiment's target
	Notes  []string       `json:"notes"`
}

// LoadVerified loads a data set; for a known one every broken file is named.
func (l *Lab) LoadVerified(ref dataset.Ref) (*dataset.Set, error) {
	if ref.Path == "" {
		if err := dataset.Verify(ref.Name, l.Cache); err != nil {
			return nil, err
		}
	}
	set, err := dataset.Load(ref, l.Cache)
	if err == nil {
		l.speaks(set.Data, set.ClassNames)
	}
	return set, err
}

// ReportData says what is in a data set.
func ReportData(ref dataset.Ref, cache string, set *dataset.Set) DataReport {
	r := DataReport{Data: set.Data, Path: ref.Path, ClassNames: set.ClassNames, Notes: set.Notes}
	if r.Path == "" {
		r.Path = filepath.Join(cache, ref.Name)
	}
	r.Images.Train = set.Train.Histogram(set.Data.Classes)
	r.Images.Validation = set.Validation.Histogram(set.Data.Classes)
	r.Images.Test = set.Test.Histogram(set.Data.Classes)
	for class, n := range r.Images.Test {
		if n > r.Guess.Images {
			r.Guess.Class, r.Guess.Images = class, n
		}
	}
	r.Found = set.Found
	return r
}

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
