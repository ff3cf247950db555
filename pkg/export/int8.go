package export

import (
	"context"
	"fmt"
	"runtime"

	"slimfit/pkg/dataset"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/tflite"
)

// OpenTrial reads one trial's result, with its lists, and its weights; see Open.
func OpenTrial(f *store.Folder, k result.Key) (*Trial, error) {
	r, err := f.ReadResult(k)
	if err != nil {
		return nil, err
	}
	t := &Trial{Dir: f.TrialDir(k), Result: r, Chosen: "the trial was named"}
	if r.Status != result.Done {
		return nil, unfit(t.Dir, "it %s: %s; there is no trained network to take", r.Status, r.Reason)
	}
	if t.Spec, err = specOf(r); err != nil {
		return nil, unfit(t.Dir, "%v", err)
	}
	return t, t.load(trainAgain)
}

// HasWeights says whether the trial's trained weights were kept.
func HasWeights(f *store.Folder, k result.Key) bool { return isFile(store.WeightsPath(f.TrialDir(k))) }

// Int8 makes the network's int8 file, the one that export writes, and judges it
// on the validation images and, if test is set, on the test images. A network
// that has no int8 form has a Reason and no figures. version is this program's;
// the end of ctx ends the judging.
func Int8(ctx context.Context, t *Trial, set *dataset.Set, test bool, version string, workers int) (result.Int8, error) {
	r := t.Result
	q := result.Int8{ConfigID: r.ConfigID, Seed: r.Seed, Slimfit: version, OS: runtime.GOOS + "/" + runtime.GOARCH,
		WeightsSHA: t.Weights.SHA256(), Calibration: min(CalibrationImages, set.Train.N())}
	file, m, err := quantize(t, set.Train.Pixels, tflite.Options{Workers: workers})
	if err != nil {
		q.Reason = err.Error()
		return q, nil
	}
	q.Bytes, q.SHA256 = len(file), result.SHA256(file)
	for _, s := range result.Splits() {
		images := set.Validation
		if s == result.Test {
			images = set.Test
		}
		if s == result.Test && !test {
			continue
		}
		f, err := judge(ctx, m, images, set.Data.Classes, workers)
		if err != nil {
			return q, fmt.Errorf("judge the int8 network of %s on the %s images: %w", r.Key(), s, err)
		}
		if repeats := set.Repeats(); repeats != nil && s == result.Test {
			f.LeaveOut(repeats, images.Labels)
		}
		q.SetOn(s, f)
	}
	return q, nil
}

// judge compares the model's classes with the labels; there are no figures
// without images.
func judge(ctx context.Context, m *tflite.Model, images dataset.Images, classes, workers int) (result.Figures, error) {
	if images.N() == 0 {
		return result.Figures{}, nil
	}
	predicted := make([]int, images.N())
	err := classify(ctx, m, images, workers, func(i, class int) { predicted[i] = class })
	return result.Score(predicted, images.Labels, classes), err
}
