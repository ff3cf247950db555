package footprint

import (
	"testing"

	"slimfit/models"
)

// The networks of MLPerf Tiny (github.com/mlcommons/tiny), as its Keras sources
// build them: every convolution has a bias and batch normalisation. Parameters
// trained are what Keras counts of them.
func TestMLPerfTiny(t *testing.T) {
	conv := func(h, w, filters, stride int) models.Layer {
		l := models.NewConv(1, filters)
		l.Kernel, l.Stride, l.Norm = models.Edges{h, w}, models.Square(stride), models.OneNorm
		return l
	}
	depthwise := func(stride int) models.Layer {
		l := models.DefaultLayer(models.Depthwise)
		l.Kernel, l.Stride, l.Norm = models.Square(3), models.Square(stride), models.OneNorm
		return l
	}
	pool := models.DefaultLayer(models.GlobalAvgPool)
	keywords := []models.Layer{conv(10, 4, 64, 2), models.NewDropout(0.2)}
	for range 4 {
		keywords = append(keywords, depthwise(1), conv(1, 1, 64, 1))
	}
	keywords = append(keywords, models.NewDropout(0.4), pool)

	cifar := []models.Layer{conv(3, 3, 16, 1)}
	for i, filters := range []int{16, 32, 64} {
		stack := models.DefaultLayer(models.Residual)
		second := conv(3, 3, filters, 1)
		second.Activation = models.None
		stack.Layers = []models.Layer{conv(3, 3, filters, min(i, 1)+1), second}
		cifar = append(cifar, stack)
	}
	cifar = append(cifar, pool)

	wake := []models.Layer{conv(3, 3, 8, 2)}
	for _, b := range []struct{ filters, stride int }{{16, 1}, {32, 2}, {32, 1}, {64, 2}, {64, 1}, {128, 2}, {128, 1}, {128, 1}, {128, 1},
		{128, 1}, {128, 1}, {256, 2}, {256, 1}} {
		wake = append(wake, depthwise(b.stride), conv(1, 1, b.filters, 1))
	}
	wake = append(wake, pool)

	for _, c := range []struct {
		name              string
		spec              models.Spec
		trained, deployed int
	}{
		{"DS-CNN", models.Spec{Input: models.Shape{H: 49, W: 10, C: 1}, Classes: 12, Layers: keywords}, 24908, 22604},
		{"ResNet-8", models.Spec{Input: models.Shape{H: 32, W: 32, C: 3}, Classes: 10, Layers: cifar}, 78666, 77706},
		{"MobileNetV1 0.25", models.Spec{Input: models.Shape{H: 96, W: 96, C: 3}, Classes: 2, Layers: wake}, 221794, 210850},
	} {
		f, err := Of(c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if f.Trained() != c.trained || f.Parameters != c.deployed {
			t.Errorf("%s: %d parameters trained, %d deployed; want %d and %d", c.name, f.Trained(), f.Parameters, c.trained, c.deployed)
		}
	}
}

// Two maps of 8x8x2 are alive beside a third while the second convolution of a
// residual runs: its input, its output, and what its sum waits for.
func TestPeakOfResidual(t *testing.T) {
	l := models.DefaultLayer(models.Residual)
	l.Layers = []models.Layer{models.NewConv(3, 2), models.NewConv(3, 2)}
	f, err := Of(models.Spec{Input: models.Shape{H: 8, W: 8, C: 2}, Classes: 2, Layers: []models.Layer{l}})
	if err != nil || f.Peak != 3*128 {
		t.Errorf("peak %d, %v; want %d", f.Peak, err, 3*128)
	}
}
