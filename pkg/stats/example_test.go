package stats_test

import (
	"fmt"

	"slimfit/pkg/stats"
)

// What one trained network that reads 9,581 of 10,000 test images is worth.
func ExampleLowerBound() {
	bound, err := stats.LowerBound(9581, 10000, 0.95)
	fmt.Printf("at least %.2f %% of all such images, %v\n", 100*bound, err)
	// Output: at least 95.47 % of all such images, <nil>
}

// What five seeds say of the mean over all seeds, and of the next one.
func ExampleTInterval() {
	accuracies := []float64{0.9581, 0.9534, 0.9502, 0.9567, 0.9549}
	mean, err := stats.TInterval(accuracies, 0.95)
	if err != nil {
		fmt.Println(err)
	}
	next, err := stats.PredictionInterval(accuracies, 0.95)
	fmt.Printf("mean %.2f to %.2f %%, one more training %.2f to %.2f %%, %v\n", 100*mean.Low, 100*mean.High, 100*next.Low, 100*next.High, err)
	// Output: mean 95.09 to 95.85 %, one more training 94.53 to 96.40 %, <nil>
}

// Two networks on the same images: only those that one of them alone reads
// tell them apart.
func ExampleMcNemar() {
	onlyA, onlyB := stats.Discordant([]int{3, 8, 15}, []int{3, 4, 5, 9, 16, 21, 22, 30, 41}) // the images that each gets wrong
	p, err := stats.McNemar(onlyA, onlyB)
	fmt.Printf("%d and %d images, p %.3f, %v\n", onlyA, onlyB, p, err)
	// Output: 2 and 8 images, p 0.109, <nil>
}
