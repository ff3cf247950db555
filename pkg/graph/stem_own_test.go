package graph

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"slimfit/models"
)

// The kernels alone, in C: random shapes against float64, every instruction
// set's bits against the others', with the sanitizers watching.
func TestStemKernels(t *testing.T) {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	program := filepath.Join(t.TempDir(), "stem_check")
	for _, c := range []struct {
		flags  []string
		shapes string
	}{
		{[]string{"-O2"}, "150"},
		{[]string{"-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"}, "60"},
	} {
		args := append(c.flags, "-Wall", "-Wextra", "-Werror", "-o", program, "stem.c", "testdata/stem_check.c", "-lm")
		if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", cc, args, err, out)
		}
		for _, seed := range []string{"1", "2"} {
			out, err := exec.Command(program, seed, c.shapes).CombinedOutput()
			if err != nil {
				t.Errorf("%v, seed %s: %v\n%s", c.flags, seed, err, out)
			}
			t.Logf("%v: %s", c.flags, out)
		}
	}
}

// stemNets start with what the kernels know: every pool, padding and activation,
// odd sizes, kernels that are no squares, several input channels.
func stemNets(in models.Shape) []Net {
	var nets []Net
	add := func(h, w, filters int, p models.Padding, a models.Activation, pool int, poolPadding models.Padding) {
		conv := models.NewConv(1, filters)
		conv.Kernel, conv.Padding, conv.Activation = [2]int{h, w}, p, a
		layers := []models.Layer{conv}
		if pool > 0 {
			layer := models.NewMaxPool(pool)
			layer.Padding = poolPadding
			layers = append(layers, layer)
		}
		nets = append(nets, Net{Seed: int64(len(nets)), Spec: models.Spec{Input: in, Classes: 10, Layers: append(layers, models.NewDense(12))}})
	}
	add(5, 5, 32, models.Same, models.Relu, 2, models.Same)
	add(5, 5, 2, models.Same, models.Relu, 4, models.Same)
	add(3, 3, 19, models.Valid, models.Relu6, 3, models.Valid)
	add(1, 1, 16, models.Same, models.LeakyRelu, 2, models.Valid)
	add(2, 7, 5, models.Valid, models.None, 3, models.Same)
	add(4, 3, 9, models.Same, models.Relu, 0, models.Same)
	return nets
}

// A network whose stem is ours trains as with TensorFlow's operations, but for
// rounding: plain descent, so that small gradients make small steps.
func TestStemLikeStock(t *testing.T) {
	r := testRecipe()
	r.Optimizer, r.LearningRate = models.SGD, 0.1
	for _, in := range []models.Shape{mnist, {H: 17, W: 15, C: 3}} {
		nets := stemNets(in)
		stock, err := DeviceFor(r, 1, false).WithStem(StockStem)
		if err != nil {
			t.Fatal(err)
		}
		wantLoss, wantState, wantLogits := trainedOn(t, stock, nets, r, nil, 0, 6)
		own, err := stock.WithStem("own-avx512")
		if err != nil {
			t.Fatal(err)
		}
		losses, states, logits := trainedOn(t, own, nets, r, nil, 0, 6)
		for i := range nets {
			where := fmt.Sprintf("%v, network %d", in, i)
			for s := range losses[i] {
				if math.Abs(losses[i][s]-wantLoss[i][s]) > 2e-6*wantLoss[i][s] {
					t.Errorf("%s, step %d: loss %.9g, stock %.9g", where, s, losses[i][s], wantLoss[i][s])
				}
			}
			for k, w := range states[i].Weights {
				if d := furthest(w.Kernel, wantState[i].Weights[k].Kernel); d > 2e-6 {
					t.Errorf("%s: kernel of %s is %g from stock's", where, w.Node, d)
				}
				if d := furthest(w.Bias, wantState[i].Weights[k].Bias); d > 2e-6 {
					t.Errorf("%s: bias of %s is %g from stock's", where, w.Node, d)
				}
			}
			if d := furthest(logits[i], wantLogits[i]); d > 2e-5 {
				t.Errorf("%s: logits are %g from stock's", where, d)
			}
		}
	}
}

func furthest(a, b []float32) (d float64) {
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// Every instruction set trains to the same bits, and results name the kernels.
func TestStemNames(t *testing.T) {
	r := testRecipe()
	nets := append(stemNets(mnist), Net{Seed: 3, Spec: models.Spec{Input: mnist, Classes: 10, Layers: []models.Layer{models.NewDense(9)}}})
	var first []State
	for _, name := range ownStems {
		d, err := DeviceFor(r, 1, false).WithStem(name)
		if err != nil {
			t.Fatal(err)
		}
		_, states, _ := trainedOn(t, d, nets, r, nil, 0, 3)
		if first == nil {
			first = states
		}
		for i := range states {
			if !sameState(states[i], first[i]) {
				t.Errorf("%s: network %d has other bits than with %s", name, i, ownStems[0])
			}
		}
		p, err := unopened(nets, r, testImages, d.form())
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Stem(0); got != d.Stem || p.Stem(len(nets)-1) != StockStem {
			t.Errorf("%s: the stems are called %s and %s", name, got, p.Stem(len(nets)-1))
		}
	}
	for _, d := range []Device{{Threads: 1, GPU: true}, {Threads: 1, BFloat16: true}, {Threads: 16}} {
		if got, err := d.WithStem(""); err != nil || got.Stem != StockStem {
			t.Errorf("%+v: stem %s, %v", d, got.Stem, err)
		}
	}
	if _, err := (Device{}).WithStem("fast"); err == nil {
		t.Error("a stem called fast")
	}
}

// What the kernels do not know runs in TensorFlow's operations.
func TestStemsThatStayStock(t *testing.T) {
	conv := func(change func(*models.Layer)) models.Layer {
		l := models.NewConv(3, 4)
		change(&l)
		return l
	}
	overlapping := models.NewMaxPool(3)
	overlapping.Stride = models.Square(2)
	for name, layers := range map[string][]models.Layer{
		"tanh":             {conv(func(l *models.Layer) { l.Activation = models.Tanh })},
		"stride":           {conv(func(l *models.Layer) { l.Stride = models.Square(2) })},
		"dilation":         {conv(func(l *models.Layer) { l.Dilation = models.Square(2) })},
		"normalised":       {conv(func(l *models.Layer) { l.Norm = models.OneNorm })},
		"kernel of 9":      {conv(func(l *models.Layer) { l.Kernel = models.Square(9) })},
		"overlapping pool": {models.NewConv(3, 4), overlapping},
		"pool of 5":        {models.NewConv(3, 4), models.NewMaxPool(5)},
	} {
		r := testRecipe()
		p, err := unopened([]Net{{Spec: models.Spec{Input: mnist, Classes: 10, Layers: layers}}}, r, testImages, DeviceFor(r, 1, false).form())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := p.Stem(0); got != StockStem {
			t.Errorf("%s: %s", name, got)
		}
	}
}
