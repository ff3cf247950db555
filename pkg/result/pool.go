package result

import "fmt"

// Pool makes one result of those of a trial's folds, in their order, whose
// validation images together are all images: figures are of all of them, one fold's
// after the other's. It has no weights: no network was trained on all images. A
// fold that gave no network decides its status.
func Pool(folds []Result) Result {
	out := folds[0]
	out.Checksum, out.HistorySHA, out.WeightsSHA, out.Selected, out.Seconds, out.Warnings = "", "", "", 0, 0, []string{}
	f := Figures{Correct: new(int), Accuracy: new(float64), Wrong: [][2]int{}}
	images, seen := 0, map[string]bool{}
	for i, r := range folds {
		out.Seconds += r.Seconds
		if r.Finished.After(out.Finished) {
			out.Finished = r.Finished
		}
		for _, w := range r.Warnings {
			if !seen[w] {
				out.Warnings, seen[w] = append(out.Warnings, w), true
			}
		}
		part := r.On(Validation)
		if r.Status != Done || part.Correct == nil {
			if out.Status == Done || i == 0 {
				out.Status, out.Reason = r.Status, fmt.Sprintf("fold %d of %d: %s", i+1, len(folds), r.Reason)
			}
			continue
		}
		*f.Correct += *part.Correct
		for _, w := range part.Wrong {
			f.Wrong = append(f.Wrong, [2]int{images + w[0], w[1]})
		}
		for class, row := range part.Confusion {
			if f.Confusion == nil {
				f.Confusion = make([][]int, len(part.Confusion))
			}
			if f.Confusion[class] == nil {
				f.Confusion[class] = make([]int, len(row))
			}
			for guess, n := range row {
				f.Confusion[class][guess] += n
			}
		}
		images += r.Dataset.Validation
	}
	out.SetOn(Test, Figures{})
	if out.Status != Done {
		out.SetOn(Validation, Figures{})
		return out
	}
	*f.Accuracy = float64(*f.Correct) / float64(max(1, images))
	out.SetOn(Validation, f)
	return out
}
