package result

import "fmt"

// Int8 is the content of int8.json: what a trial's network gets as a
// full-integer TensorFlow Lite file, quantized after training as `slimfit
// export` does it. It speaks of the weights that it names; where the trial was
// trained again it is stale.
type Int8 struct {
	ConfigID    string        `json:"config_id"`
	Seed        int64         `json:"seed"`
	Slimfit     string        `json:"slimfit"`            // version that made it
	OS          string        `json:"os"`                 // that it was made on: linux/amd64
	WeightsSHA  string        `json:"weights_sha256"`     // of the float weights, as result.json has it
	Calibration int           `json:"calibration_images"` // training images, the first ones, that ranges were learnt from
	Bytes       int           `json:"bytes"`              // of the file
	SHA256      string        `json:"sha256"`             // of the file, hex
	Reason      string        `json:"reason,omitempty"`   // why the network has no int8 form; then there are no figures
	Accuracy    Pair[float64] `json:"accuracy"`
	Correct     Pair[int]     `json:"correct"`
	Wrong       Wrong         `json:"wrong"`
	Confusion   Confusion     `json:"confusion"`
	Distinct    *Distinct     `json:"distinct,omitempty"` // as in Result
}

// Key names the trial.
func (q Int8) Key() Key { return Key{ConfigID: q.ConfigID, Seed: q.Seed} }

// Of says whether q was made from the result's weights, as far as the result
// names them.
func (q Int8) Of(r Result) bool {
	return q.Key() == r.Key() && (r.WeightsSHA == "" || q.WeightsSHA == r.WeightsSHA)
}

// Sealed is q as it is without its test figures.
func (q Int8) Sealed() Int8 {
	q.SetOn(Test, Figures{})
	return q
}

// Judge is the result r with the figures of its int8 network for those of the
// float32 one. A network that has no int8 form failed.
func (q Int8) Judge(r Result) Result {
	for _, s := range Splits() {
		r.SetOn(s, q.On(s))
	}
	if r.int8Bytes = q.Bytes; q.Reason != "" {
		r.Status, r.Reason = Failed, "it has no int8 form: "+q.Reason
	}
	return r
}

// Int8Bytes is the size of the int8 file that the result is judged by; 0 where it is
// judged by its float32 network.
func (r *Result) Int8Bytes() int { return r.int8Bytes }

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
		f.Confusion = AddConfusion(f.Confusion, part.Confusion)
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
