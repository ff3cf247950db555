package target

import (
	"fmt"
	"math/big"

	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// What is asked of a network's answers.
const (
	Accuracy         = "accuracy"          // the share of right ones
	BalancedAccuracy = "balanced_accuracy" // the mean over classes of recalls: always answering one class gets 1 / classes
)

// Balanced says whether the metric is the balanced accuracy.
func (t *Target) Balanced() bool { return t.Metric == BalancedAccuracy }

// MetricName is the metric in words.
func (t *Target) MetricName() string {
	if t.Balanced() {
		return "balanced accuracy"
	}
	return Accuracy
}

// Asked is the share that is asked for, in words.
func (t *Target) Asked() string {
	if t.Balanced() {
		return text.Threshold(t.Accuracy) + " balanced accuracy"
	}
	return text.Threshold(t.Accuracy)
}

// NeedsConfusion says whether right answers alone do not tell what is asked for.
func (t *Target) NeedsConfusion() bool { return t.HasFloors() || t.Balanced() }

// Share is the metric of a network's answers, rounded once, so that it compares
// with a target as Reaches does; false where a class has no image, or the
// confusion matrix is not known.
func (t *Target) Share(n Network) (float64, bool) {
	if !t.Balanced() {
		return float64(n.Correct) / float64(n.Images), n.Images > 0
	}
	sum := new(big.Rat)
	for class, row := range n.Confusion {
		right, all := ClassImages(row, class)
		if all == 0 {
			return 0, false
		}
		sum.Add(sum, big.NewRat(int64(right), int64(all)*int64(len(n.Confusion))))
	}
	v, _ := sum.Float64()
	return v, len(n.Confusion) > 0
}

// Lower is the one-sided lower bound of the metric: of an accuracy Clopper and
// Pearson's; of a balanced accuracy the mean over classes of theirs, each at its
// part of the chance of error, so that all hold together (Bonferroni).
func (t *Target) Lower(n Network, confidence float64) (float64, error) {
	return t.bound(n, confidence, stats.LowerBound)
}

// Upper is the bound from above.
func (t *Target) Upper(n Network, confidence float64) (float64, error) {
	return t.bound(n, confidence, stats.UpperBound)
}

// Interval is the two-sided one.
func (t *Target) Interval(n Network, confidence float64) (i stats.Interval, err error) {
	if !t.Balanced() {
		return stats.ClopperPearson(n.Correct, n.Images, confidence)
	}
	side := 1 - (1-confidence)/2
	if i.Low, err = t.Lower(n, side); err == nil {
		i.High, err = t.Upper(n, side)
	}
	return i, err
}

func (t *Target) bound(n Network, confidence float64, of func(correct, n int, confidence float64) (float64, error)) (float64, error) {
	if !t.Balanced() {
		return of(n.Correct, n.Images, confidence)
	}
	classes := float64(len(n.Confusion))
	if classes == 0 {
		return 0, fmt.Errorf("no confusion matrix, which a balanced accuracy is of")
	}
	sum := 0.0
	for class, row := range n.Confusion {
		right, all := ClassImages(row, class)
		v, err := of(right, all, 1-(1-confidence)/classes)
		if err != nil {
			return 0, fmt.Errorf("recall of class %s: %w", text.Class(t.Classes, class), err)
		}
		sum += v
	}
	return sum / classes, nil
}
