package reporttest

import (
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
)

// quantizedInput is the small experiment with int8 figures of the networks of
// kernel 5: each tells some images more wrong than its float32 network, the
// test images only those with 8 filters.
func Quantized(t testing.TB) report.Input {
	t.Helper()
	p := SmallPlan()
	e := p.Experiment(t)
	results, histories := p.Run(e)
	in := report.Input{Experiment: e, Results: results, Histories: histories}
	for i, r := range results {
		if r.Assignment["kernel"] == 5.0 {
			in.Int8 = append(in.Int8, Worse(r, 2+i%3, r.Assignment["filters"] == 8.0))
		}
	}
	return in
}

// worse are int8 figures with n more wrong images of class 0.
func Worse(r result.Result, n int, test bool) result.Int8 {
	q := result.Int8{ConfigID: r.ConfigID, Seed: r.Seed, WeightsSHA: r.WeightsSHA, Bytes: 16_000 + 16*n, SHA256: strings.Repeat("ab", 32)}
	split := func(correct *int, confusion [][]int, images int) (*float64, *int, [][]int) {
		right := *correct - n
		accuracy := float64(right) / float64(images)
		m := slices.Clone(confusion)
		m[0] = slices.Clone(m[0])
		m[0][0], m[0][1] = m[0][0]-n, m[0][1]+n
		return &accuracy, &right, m
	}
	q.Accuracy.Validation, q.Correct.Validation, q.Confusion.Validation = split(r.Correct.Validation, r.Confusion.Validation,
		r.Dataset.Validation)
	if test {
		q.Accuracy.Test, q.Correct.Test, q.Confusion.Test = split(r.Correct.Test, r.Confusion.Test, r.Dataset.Test)
	}
	return q
}
