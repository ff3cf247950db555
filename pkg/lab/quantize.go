package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/parallel"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
)

// Quantized is what became of the finished trials of run folders.
type Quantized struct {
	All    []QuantizedTrial
	failed int // have no int8 form, or cannot be read
	lost   int // their weights were not kept
}

// Err is what the command ends with: trials without weights are no fault as
// long as there is something to show.
func (o *Quantized) Err() error {
	words := ""
	switch {
	case o.failed > 0:
		words = fmt.Sprintf("%s quantized, %s could not be", text.Count(len(o.All), "network"), text.Thousands(o.failed))
	case len(o.All) > 0:
		return nil
	case o.lost > 0:
		words = fmt.Sprintf("no network quantized, as %v", errNoWeights)
	default:
		words = "no network quantized, as no trial is finished; `slimfit run` takes them up"
	}
	return exit.With(exit.Trials, errors.New("quantize: "+words))
}

// QuantizedTrial is one trial with what its network gets in int8.
type QuantizedTrial struct {
	Run    string
	Result result.Result // without its lists
	Int8   result.Int8
}

// Quantize quantizes the finished trials of run folders. data is the folder of
// the user's own data set, where it is not the experiments' any more.
func (l *Lab) Quantize(ctx context.Context, dirs []string, data string) (*Quantized, error) {
	var folders []*store.Folder
	for _, dir := range dirs {
		f, err := l.RunFolder(dir)
		if err != nil {
			return nil, err
		}
		folders = append(folders, f)
	}
	o := &Quantized{}
	for _, f := range folders {
		if err := o.quantizeFolder(ctx, l, f, data); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// quantizeFolder quantizes the finished trials of a run folder, and names those
// that could not be.
func (o *Quantized) quantizeFolder(ctx context.Context, l *Lab, folder *store.Folder, data string) error {
	results, damaged, err := folder.Results(store.Brief)
	if err != nil {
		return exit.Failed(err)
	}
	for _, d := range damaged {
		l.Note("%v; `slimfit run` trains it again", d)
		o.failed++
	}
	if len(results) > 0 {
		l.speaks(results[0].Dataset, namesIn(results))
	}
	done := results[:0:0]
	for _, r := range results {
		if r.Status == result.Done {
			done = append(done, r)
		}
	}
	if len(done) == 0 {
		l.Note("%s: no trial of it is finished", folder.Dir)
		return nil
	}
	path := data
	if path == "" {
		path = ownDataPath(folder.Dir, done[0].Dataset)
	}
	q := newQuantizer(folder, models.Source{Cache: l.Cache, Path: path}, l.Note)
	if e := l.readExperiment(folder, &report.Input{}); e != nil {
		q.shifts = e.Evaluate.Shifts
	}
	shown := 0 // networks whose int8 test figures are new
	for _, r := range done {
		old, err := folder.ReadInt8(r.Key())
		known := err == nil && old.Of(r) && (old.Reason != "" || old.Correct.Test != nil)
		if r.Correct.Test != nil && !known && export.HasWeights(folder, r.Key()) {
			shown++
		}
	}
	if set, err := q.images(done[0].Dataset); err == nil && shown > 0 {
		l.noteLook(folder, set.TestKey, shown)
	}
	int8s, errs := make([]result.Int8, len(done)), make([]error, len(done))
	err = parallel.Each(ctx, len(done), l.Work.Jobs, func(i int) error {
		int8s[i], errs[i] = q.make(ctx, done[i], done[i].Correct.Test != nil, 1)
		var unfit *export.UnfitError
		if errors.Is(errs[i], errNoWeights) || errors.As(errs[i], &unfit) {
			return nil // the others may be well
		}
		l.Detail("%s: int8 done", done[i].Key())
		return errs[i]
	})
	if err != nil {
		return err
	}
	var lost []string
	for i, r := range done {
		switch {
		case errors.Is(errs[i], errNoWeights):
			lost = append(lost, r.Key().String())
		case errs[i] != nil:
			o.failed++
			l.Note("%v", errs[i])
		case int8s[i].Reason != "":
			o.failed++
			l.Note("%s has no int8 form: %s", r.Key(), int8s[i].Reason)
		default:
			o.All = append(o.All, QuantizedTrial{filepath.Base(folder.Dir), r, int8s[i]})
		}
	}
	o.lost += len(lost)
	if len(lost) > 0 {
		l.Note("%s not quantized, as %v: %s", text.Count(len(lost), "trial"), errNoWeights, strings.Join(lost, ", "))
	}
	return nil
}
