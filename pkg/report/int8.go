package report

import (
	"slices"

	"slimfit/pkg/result"
)

// Int8 is what one trial's network gets in int8.
type Int8 struct {
	result.By[*Measured]
	Bytes     int    `json:"bytes"` // of its TensorFlow Lite file
	SHA256    string `json:"sha256"`
	confusion map[Split][][]int
}

// Int8Score is what the networks of one configuration get in int8.
type Int8Score struct {
	result.By[*Score]                  // over the seeds that are quantized
	Bytes             [2]int           `json:"bytes"` // of the files, least and most
	Confusion         result.Confusion `json:"-"`
}

// judgedConfusion is the confusion matrix that the trial is judged by; nil where
// it is not known.
func (r *filled) judgedConfusion(t *Trial, s Split) [][]int {
	switch {
	case !r.JudgesInt8():
		return t.confusion[s]
	case t.Int8 != nil:
		return t.Int8.confusion[s]
	}
	return nil
}

// takeInt8 gives the trials that are done what their networks get in int8.
// Figures of other weights than the result's are left out.
func (r *planned) takeInt8(row *Row, t *Trial, res *result.Result, all []result.Int8) {
	if len(all) == 0 || t.Status != result.Done {
		return
	}
	i := slices.IndexFunc(all, func(q result.Int8) bool { return q.Of(*res) })
	switch {
	case i < 0:
		r.warn("int8.json is of other weights than result.json is of now: left out; `slimfit quantize` makes it anew.", res.Key())
		return
	case all[i].Reason != "":
		r.warn("It has no int8 form: "+all[i].Reason, res.Key())
		return
	}
	q := all[i]
	t.Int8 = &Int8{Bytes: q.Bytes, SHA256: q.SHA256, By: r.measuredOn(q.On, res.Dataset), confusion: countedConfusion(q.On, res.Dataset)}
	if row.Int8 == nil {
		row.Int8 = &Int8Score{Bytes: [2]int{q.Bytes, q.Bytes}}
	}
	s := row.Int8
	s.Bytes = [2]int{min(s.Bytes[0], q.Bytes), max(s.Bytes[1], q.Bytes)}
	s.Confusion.Validation = result.AddConfusion(s.Confusion.Validation, q.Confusion.Validation)
	s.Confusion.Test = result.AddConfusion(s.Confusion.Test, q.Confusion.Test)
}

// sumInt8 summarizes the seeds that are quantized.
func (r *planned) sumInt8(row *Row) {
	if row.Int8 == nil {
		return
	}
	for _, s := range result.Splits() {
		*row.Int8.At(s) = r.score(row.Trials, func(t *Trial) *Measured { return t.Int8.On(s) })
	}
}

func int8sByKey(all []result.Int8) map[result.Key][]result.Int8 {
	m := map[result.Key][]result.Int8{}
	for _, q := range all {
		m[q.Key()] = append(m[q.Key()], q)
	}
	return m
}

// int8Note defines the term; nil where nothing was quantized.
func (r *decided) int8Note() []Note {
	if len(r.Int8Splits()) == 0 {
		return nil
	}
	text := "Accuracy of the full-integer TensorFlow Lite file that `slimfit export --format tflite-int8` writes of each network, " +
		"quantized after training, " +
		"over the seeds whose int8.json is there (`slimfit quantize` makes it from kept weights). Less float32: in points, against the same " +
		"seeds' float32 networks."
	if r.JudgesInt8() {
		text += " The target judges these networks: verdicts, the answer and the figures are theirs, not the float32 networks'."
	}
	return []Note{{"int8", text}}
}
