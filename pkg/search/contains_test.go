package search

import (
	"testing"

	"slimfit/models"
)

func TestContains(t *testing.T) {
	recipe := models.DefaultRecipe()
	data := models.Data{Digest: "d", Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10}
	config := func(layers ...models.Layer) models.Config {
		return models.Config{Layers: layers, Data: data, Recipe: recipe}
	}
	strided := models.NewConv(3, 8)
	strided.Stride = 2
	valid3, valid5 := models.NewConv(3, 8), models.NewConv(5, 8)
	valid3.Padding, valid5.Padding = models.Valid, models.Valid
	tall := models.NewConv(3, 8)
	tall.Kernel = [2]int{5, 1}
	tanh := models.NewDense(128)
	tanh.Activation = models.Tanh
	longer := config(models.NewConv(3, 8))
	longer.Recipe.Steps *= 2
	other := config(models.NewConv(3, 8))
	other.Data.Digest = "e"
	renamed := config(models.NewConv(3, 8))
	renamed.Data.Name = "mine"
	base := config(models.NewConv(3, 8))
	for _, c := range []struct {
		name       string
		big, small models.Config
		want, back bool
	}{
		{"itself", base, base, true, true},
		{"larger kernel", config(models.NewConv(5, 8)), base, true, false},
		{"more filters", config(models.NewConv(3, 9)), base, true, false},
		{"larger kernel, fewer filters", config(models.NewConv(5, 4)), base, false, false},
		{"another shape of kernel", config(tall), base, false, false},
		{"finer pool", config(models.NewConv(3, 8), models.NewMaxPool(2)), config(models.NewConv(3, 8), models.NewMaxPool(4)), true, false},
		{"smaller stride", base, config(strided), true, false},
		{"valid padding, larger kernel", config(valid5), config(valid3), false, false},
		{"wider", config(models.NewDense(128)), config(models.NewDense(64)), true, false},
		{"another activation", config(tanh), config(models.NewDense(64)), false, false},
		{"another rate", config(models.NewDropout(0.5)), config(models.NewDropout(0.4)), false, false},
		{"one layer more", config(models.NewConv(3, 8), models.NewDense(8)), base, false, false},
		{"another recipe", longer, base, false, false},
		{"another data set", other, base, false, false},
		{"another name of the data set", renamed, base, true, true},
	} {
		if got, back := Contains(&c.big, &c.small), Contains(&c.small, &c.big); got != c.want || back != c.back {
			t.Errorf("%s: %v and back %v, want %v and %v", c.name, got, back, c.want, c.back)
		}
	}
}
