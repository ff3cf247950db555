package footprint_test

import (
	"fmt"

	"slimfit/models"
	"slimfit/pkg/footprint"
)

// What a network costs, before any training.
func Example() {
	layers, _ := models.Named("final")
	f, err := footprint.Of(models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Parameters, "parameters,", f.MACs, "multiply-accumulates")
	for _, l := range f.Layers {
		fmt.Println(l.Name, l.Output, l.Parameters)
	}
	// Output:
	// 14014 parameters, 53024 multiply-accumulates
	// conv1 28x28x2 52
	// pool1 7x7x2 0
	// fc1 1x1x128 12672
	// fc2 1x1x10 1290
}
