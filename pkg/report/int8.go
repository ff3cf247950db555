package report

import (
	"fmt"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// Int8 is what one trial's network gets in int8.
type Int8 struct {
	Validation *Measured `json:"validation"`
	Test       *Measured `json:"test"`
	Bytes      int       `json:"bytes"` // of its TensorFlow Lite file
	SHA256     string    `json:"sha256"`
	confusion  map[Split][][]int
}

// Int8Score is what the networks of one configuration get in int8.
type Int8Score struct {
	Validation *Score           `json:"validation"` // over the seeds that are quantized
	Test       *Score           `json:"test"`
	Bytes      [2]int           `json:"bytes"` // of the files, least and most
	Confusion  result.Confusion `json:"-"`
}

// On returns the accuracy on the split; nil where there is none.
func (q *Int8) On(s Split) *Measured {
	switch {
	case q == nil:
		return nil
	case s == Test:
		return q.Test
	}
	return q.Validation
}

// Score returns the score on the split; nil where there is none.
func (q *Int8Score) Score(s Split) *Score {
	switch {
	case q == nil:
		return nil
	case s == Test:
		return q.Test
	}
	return q.Validation
}

// judgesInt8 says whether the target judges int8 networks: then verdicts, the
// answer, the front and the figures are theirs.
func (r *Report) judgesInt8() bool {
	return r.Target != nil && r.Target.Precision == experiment.Int8
}

// judgedOn is the accuracy that the trial is judged by.
func (r *Report) judgedOn(t *Trial, s Split) *Measured {
	if r.judgesInt8() {
		return t.Int8.On(s)
	}
	return t.On(s)
}

// judgedConfusion is the confusion matrix that the trial is judged by; nil where
// it is not known.
func (r *Report) judgedConfusion(t *Trial, s Split) [][]int {
	switch {
	case !r.judgesInt8():
		return t.confusion[s]
	case t.Int8 != nil:
		return t.Int8.confusion[s]
	}
	return nil
}

// judgedScore is the score that the row is judged by.
func (r *Report) judgedScore(row *Row, s Split) *Score {
	if r.judgesInt8() {
		return row.Int8.Score(s)
	}
	return row.Score(s)
}

// inPrecision follows the word accuracy where it is not float32's.
func (r *Report) inPrecision() string {
	if r.judgesInt8() {
		return " in int8"
	}
	return ""
}

// takeInt8 gives the trials that are done what their networks get in int8.
// Figures of other weights than the result's are left out.
func (r *Report) takeInt8(row *Row, t *Trial, res *result.Result, all []result.Int8) {
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
	t.Int8 = &Int8{Bytes: q.Bytes, SHA256: q.SHA256,
		Validation: r.measured(q.Accuracy.Validation, q.Correct.Validation, res.Dataset.Validation),
		Test:       r.measured(q.Accuracy.Test, q.Correct.Test, res.Dataset.Test),
		confusion:  map[Split][][]int{Validation: q.Confusion.Validation, Test: q.Confusion.Test}}
	if row.Int8 == nil {
		row.Int8 = &Int8Score{Bytes: [2]int{q.Bytes, q.Bytes}}
	}
	s := row.Int8
	s.Bytes = [2]int{min(s.Bytes[0], q.Bytes), max(s.Bytes[1], q.Bytes)}
	s.Confusion.Validation = addMatrix(s.Confusion.Validation, q.Confusion.Validation)
	s.Confusion.Test = addMatrix(s.Confusion.Test, q.Confusion.Test)
}

// sumInt8 summarizes the seeds that are quantized.
func (r *Report) sumInt8(row *Row) {
	if row.Int8 == nil {
		return
	}
	for _, s := range result.Splits() {
		score := r.score(row.Trials, func(t *Trial) *Measured { return t.Int8.On(s) })
		if s == Test {
			row.Int8.Test = score
		} else {
			row.Int8.Validation = score
		}
	}
}

func int8sByKey(all []result.Int8) map[result.Key][]result.Int8 {
	m := map[result.Key][]result.Int8{}
	for _, q := range all {
		m[q.Key()] = append(m[q.Key()], q)
	}
	return m
}

// int8Splits lists the splits that some network was judged on in int8.
func (r *Report) int8Splits() []Split {
	var out []Split
	for _, s := range result.Splits() {
		if slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Int8.Score(s) != nil }) {
			out = append(out, s)
		}
	}
	return out
}

// int8Columns and int8Cells are the int8 part of the table of results.
func (r *Report) int8Columns() []Column {
	splits := r.int8Splits()
	if len(splits) == 0 {
		return nil
	}
	columns := []Column{{"int8 seeds", true}}
	for _, s := range splits {
		columns = append(columns, Column{"int8 " + string(s) + " mean", true}, Column{"less float32", true})
	}
	return columns
}

func (r *Report) int8Cells(row *Row) []string {
	splits := r.int8Splits()
	if len(splits) == 0 {
		return nil
	}
	n := 0
	for i := range row.Trials {
		if row.Trials[i].Int8 != nil {
			n++
		}
	}
	cells := []string{fmt.Sprintf("%d/%d", n, row.Counts.Planned)}
	for _, s := range splits {
		cells = append(cells, scoreCells(row.Int8.Score(s))[0], row.int8Less(s))
	}
	return cells
}

// int8Less is what quantizing changed, in points, over the seeds that are
// quantized: their mean beside that of all seeds would compare other networks.
func (r *Row) int8Less(s Split) string {
	sum, n := 0.0, 0
	for i := range r.Trials {
		t := &r.Trials[i]
		if q, f := t.Int8.On(s), t.On(s); q != nil && f != nil {
			sum += q.Accuracy - f.Accuracy
			n++
		}
	}
	if n == 0 {
		return none
	}
	return text.Points(sum / float64(n))
}

// hasInt8 says whether a report has int8 figures: then CSV files have fields for
// them.
func hasInt8(reports []*Report) bool {
	return slices.ContainsFunc(reports, func(r *Report) bool { return len(r.int8Splits()) > 0 })
}

func int8Fields(q *Int8) []string {
	var fields []string
	for _, s := range result.Splits() {
		fields = append(fields, measuredCells(q.On(s))...)
	}
	if q == nil {
		return append(fields, "")
	}
	return append(fields, fmt.Sprint(q.Bytes))
}

func int8ScoreFields(q *Int8Score) []string {
	fields := append(scoreFields(q.Score(Validation)), scoreFields(q.Score(Test))...)
	if q == nil {
		return append(fields, "")
	}
	return append(fields, fmt.Sprint(q.Bytes[1]))
}

// int8Note defines the term; nil where nothing was quantized.
func (r *Report) int8Note() []Note {
	if len(r.int8Splits()) == 0 {
		return nil
	}
	text := "Accuracy of the full-integer TensorFlow Lite file that `slimfit export --format tflite-int8` writes of each network, quantized after training, " +
		"over the seeds whose int8.json is there (`slimfit quantize` makes it from kept weights). Less float32: in points, against the same seeds' float32 networks."
	if r.judgesInt8() {
		text += " The target judges these networks: verdicts, the answer and the figures are theirs, not the float32 networks'."
	}
	return []Note{{"int8", text}}
}
