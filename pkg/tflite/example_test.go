package tflite_test

import (
	"fmt"

	"slimfit/models"
	"slimfit/pkg/tflite"
)

// A network as an int8 file: written, read back and run. One dense layer of two
// pixels; class 0 is the brighter left one, class 1 the brighter right one.
func Example() {
	spec := models.Spec{Input: models.Shape{H: 1, W: 2, C: 1}, Classes: 2}
	var w models.Weights // those of train.Fit, or of ReadNPZ
	w.Set("fc1", models.Kernel, []float32{1, -1, -1, 1})
	w.Set("fc1", models.Bias, []float32{0, 0})

	images := []uint8{200, 10, 30, 90, 255, 0} // three of them
	file, err := tflite.Quantize(spec, w, images, tflite.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	net, err := tflite.Load(file) // or any other file of the operators in doc.go
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := net.Run(images, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range out.Images() {
		fmt.Printf("class %d, %.2f\n", out.Class(i), out.Probabilities[2*i+out.Class(i)])
	}
	// Output:
	// class 0, 0.82
	// class 1, 0.62
	// class 0, 0.88
}
