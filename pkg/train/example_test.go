package train_test

import (
	"context"
	"fmt"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/train"
)

// A network from its layers to its accuracy: three classes of images, told
// apart by where the bright row is.
func Example() {
	images := func(n int) dataset.Images {
		im := dataset.Images{Pixels: make([]uint8, n*12*12), Labels: make([]uint8, n)}
		for i := range n {
			row := 5 * i % 12
			im.Labels[i] = uint8(row / 4)
			for column := range 12 {
				im.Pixels[i*12*12+row*12+column] = uint8(200 + i%50)
			}
		}
		return im
	}
	set := &dataset.Set{Train: images(600), Validation: images(60), Test: images(120), Data: models.Data{
		Name: "rows", Input: models.Shape{H: 12, W: 12, C: 1}, Classes: 3, Train: 600, Validation: 60, Test: 120}}
	// Or: set, err := dataset.Load(dataset.Ref{Name: "mnist"}, dataset.DefaultCache())

	spec := models.Spec{Input: set.Data.Input, Classes: set.Data.Classes, Layers: []models.Layer{
		models.NewConv(3, 4), models.NewMaxPool(2), models.NewDense(16)}}
	recipe := models.DefaultRecipe()
	recipe.LearningRate, recipe.Steps = 3e-3, 200

	nets, err := train.Fit(context.Background(), set, []graph.Net{{Spec: spec, Seed: 0}}, recipe, train.Options{Test: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d of %d test images right\n", *nets[0].Result.Correct.Test, set.Test.N())
	// Output: 120 of 120 test images right
}
