package search

import (
	"reflect"
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
	strided.Stride = models.Square(2)
	valid3, valid5 := models.NewConv(3, 8), models.NewConv(5, 8)
	valid3.Padding, valid5.Padding = models.Valid, models.Valid
	tall := models.NewConv(3, 8)
	tall.Kernel = models.Edges{5, 1}
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

// Every field of a layer counts: a network that differs in one is not contained
// both ways, and equal ones are.
func TestContainsReadsEveryField(t *testing.T) {
	whole := models.Layer{Kind: models.Conv, Kernel: models.Square(3), Filters: 3, Multiplier: 3, Stride: models.Square(2),
		Dilation: models.Square(2),
		Padding:  models.Same, Activation: models.Relu, Norm: models.OneNorm, Unbiased: true, Size: models.Square(2), Units: 3, Rate: 0.5,
		Shortcut: models.AutoShortcut, Layers: []models.Layer{models.NewConv(3, 3)}}
	if !layerContains(&whole, &whole) {
		t.Fatal("a layer does not contain itself")
	}
	for i := range reflect.TypeFor[models.Layer]().NumField() {
		other := whole
		field := reflect.ValueOf(&other).Elem().Field(i)
		if field.IsZero() {
			t.Fatalf("%s is not set", reflect.TypeFor[models.Layer]().Field(i).Name)
		}
		field.SetZero()
		if layerContains(&whole, &other) && layerContains(&other, &whole) {
			t.Errorf("%s is not read", reflect.TypeFor[models.Layer]().Field(i).Name)
		}
	}
}
