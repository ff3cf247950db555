package train

import (
	"fmt"

	"slimfit/pkg/dataset"
	"slimfit/pkg/result"
)

// Verdict is how one network did on a set of images.
type Verdict struct {
	Accuracy  float64 // in [0, 1]
	Correct   int
	Wrong     [][2]int // [index, predicted class], by rising index
	Confusion [][]int  // [true class][predicted class]
}

// Judge compares predicted classes with labels of the same images.
func Judge(predicted []int32, labels []uint8, classes int) Verdict {
	v := Verdict{Wrong: [][2]int{}, Confusion: make([][]int, classes)}
	for i := range v.Confusion {
		v.Confusion[i] = make([]int, classes)
	}
	for i, label := range labels {
		p := int(predicted[i])
		if int(label) < classes && p >= 0 && p < classes {
			v.Confusion[label][p]++
		}
		if p == int(label) {
			v.Correct++
		} else {
			v.Wrong = append(v.Wrong, [2]int{i, p})
		}
	}
	if len(labels) > 0 {
		v.Accuracy = float64(v.Correct) / float64(len(labels))
	}
	return v
}

// Results judges every network on the validation images and, if test is set,
// on the test images. The caller adds what it knows of the trial; accuracies
// of a diverged network stay nil.
func (t *Training) Results(test bool) ([]result.Result, error) {
	results := make([]result.Result, len(t.members))
	for i := range t.members {
		m := &t.members[i]
		results[i] = result.Result{Status: result.Done, Train: t.recipe, Dataset: t.set.Data, Steps: t.step, Seconds: m.seconds, Warnings: []string{}}
		if m.diverged != "" {
			results[i].Status, results[i].Reason = result.Diverged, m.diverged
		}
	}
	var known [][]int32 // the last step measured them already
	if t.judged != nil && t.judged.step == t.step {
		known = t.judged.classes
	}
	err := t.judge(t.set.Validation, known, results, func(r *result.Result, v Verdict) {
		r.Accuracy.Validation, r.Correct.Validation = &v.Accuracy, &v.Correct
		r.Wrong.Validation, r.Confusion.Validation = v.Wrong, v.Confusion
	})
	if err != nil {
		return nil, fmt.Errorf("judge on the validation images: %w", err)
	}
	if !test {
		return results, nil
	}
	err = t.judge(t.set.Test, nil, results, func(r *result.Result, v Verdict) {
		r.Accuracy.Test, r.Correct.Test = &v.Accuracy, &v.Correct
		r.Wrong.Test, r.Confusion.Test = v.Wrong, v.Confusion
	})
	if err != nil {
		return nil, fmt.Errorf("judge on the test images: %w", err)
	}
	return results, nil
}

// judge hands each network that has not diverged its verdict on the images;
// classes are the networks', nil where they are yet to be computed.
func (t *Training) judge(images dataset.Images, classes [][]int32, results []result.Result, set func(*result.Result, Verdict)) error {
	if images.N() == 0 {
		return nil
	}
	if classes == nil {
		var err error
		if classes, err = t.pack.Classify(images.Pixels); err != nil {
			return err
		}
	}
	for i := range results {
		if results[i].Status == result.Done {
			set(&results[i], Judge(classes[i], images.Labels, t.set.Data.Classes))
		}
	}
	return nil
}

// History is the network's history so far.
func (t *Training) History(net int) []result.Point { return t.members[net].history }
