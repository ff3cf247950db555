package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	sum := sha256.Sum256(file)
	q.Bytes, q.SHA256 = len(file), hex.EncodeToString(sum[:])
	if v, err := judge(ctx, m, set.Validation, set.Data.Classes, workers); err != nil {
		return q, fmt.Errorf("judge the int8 network of %s on the validation images: %w", r.Key(), err)
	} else if v != nil {
		q.Accuracy.Validation, q.Correct.Validation, q.Wrong.Validation, q.Confusion.Validation = &v.accuracy, &v.correct, v.wrong, v.confusion
	}
	if !test {
		return q, nil
	}
	if v, err := judge(ctx, m, set.Test, set.Data.Classes, workers); err != nil {
		return q, fmt.Errorf("judge the int8 network of %s on the test images: %w", r.Key(), err)
	} else if v != nil {
		q.Accuracy.Test, q.Correct.Test, q.Wrong.Test, q.Confusion.Test = &v.accuracy, &v.correct, v.wrong, v.confusion
	}
	return q, nil
}

// verdict is how a network did on a set of images.
type verdict struct {
	accuracy  float64
	correct   int
	wrong     [][2]int // [index, predicted class], by rising index; never nil
	confusion [][]int  // [true class][predicted class]
}

// judge compares the model's classes with the labels; nil without images.
func judge(ctx context.Context, m *tflite.Model, images dataset.Images, classes, workers int) (*verdict, error) {
	if images.N() == 0 {
		return nil, nil
	}
	v := &verdict{wrong: [][2]int{}, confusion: make([][]int, classes)}
	for i := range v.confusion {
		v.confusion[i] = make([]int, classes)
	}
	err := classify(ctx, m, images, workers, func(i, class int) {
		label := int(images.Labels[i])
		v.confusion[label][class]++
		if class == label {
			v.correct++
		} else {
			v.wrong = append(v.wrong, [2]int{i, class})
		}
	})
	v.accuracy = float64(v.correct) / float64(images.N())
	return v, err
}
