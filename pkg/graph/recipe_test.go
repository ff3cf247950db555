package graph

import (
	"math"
	"testing"

	"slimfit/models"
)

func moments(v []float32) (mean, sd, largest float64) {
	for _, x := range v {
		mean += float64(x)
		largest = max(largest, math.Abs(float64(x)))
	}
	mean /= float64(len(v))
	for _, x := range v {
		sd += (float64(x) - mean) * (float64(x) - mean)
	}
	return mean, math.Sqrt(sd / float64(len(v))), largest
}

// The paper's initial weights: a normal of sd 0.1 cut at 0.2, whose own sd is
// then 0.088; biases of 0.1.
func TestInitialWeights(t *testing.T) {
	kernel := param{part: models.Kernel, shape: []int64{1000, 100}}
	o := owner{node: "fc1", count: 100, fanIn: 1000, fanOut: 100}
	for _, c := range []struct {
		rule        string
		sd, largest float64
	}{
		{models.InitPaper, 0.1 * truncatedSD, 0.2},
		{models.InitHe, math.Sqrt(2.0 / 1000), 2 * math.Sqrt(2.0/1000) / truncatedSD},
		{models.InitGlorot, math.Sqrt(6.0/1100) / math.Sqrt(3), math.Sqrt(6.0 / 1100)},
	} {
		mean, sd, largest := moments(initial(kernel, o, 100000, 7, c.rule))
		if math.Abs(mean) > 4*sd/math.Sqrt(100000) || math.Abs(sd/c.sd-1) > 0.01 {
			t.Errorf("%s: mean %g, sd %g, want 0 and %g", c.rule, mean, sd, c.sd)
		}
		if largest > c.largest*(1+1e-6) || largest < 0.98*c.largest {
			t.Errorf("%s: largest %g, want just below %g", c.rule, largest, c.largest)
		}
	}
	if b := initial(param{part: models.Bias, shape: []int64{3}}, owner{}, 3, 1, models.InitPaper); b[0] != 0.1 || b[2] != 0.1 {
		t.Errorf("biases %v, want 0.1", b)
	}
}

func TestFusedSharesRoundTrip(t *testing.T) {
	p := param{name: "k", shape: []int64{2, 3}}
	values := []float32{1, 2, 3, 4, 5, 6}
	o := owner{first: 1, count: 2}
	if got := p.take(values, o); len(got) != 4 || got[0] != 2 || got[2] != 5 {
		t.Errorf("take: %v", got)
	}
	if err := p.put(values, o, []float32{20, 30, 50, 60}); err != nil || values[1] != 20 || values[5] != 60 || values[3] != 4 {
		t.Errorf("put: %v, %v", values, err)
	}
	if err := p.put(values, o, []float32{1}); err == nil {
		t.Error("a share of the wrong size was taken")
	}
}

// Dropout with rate r keeps about 1-r of the values and scales them by
// 1/(1-r), each step and seed with a mask of its own: seen through a network
// whose hidden units are all 1.
func TestDropout(t *testing.T) {
	const units, rate = 4000, 0.25
	spec := models.Spec{Input: models.Shape{H: 1, W: 1, C: 1}, Classes: 2,
		Layers: []models.Layer{models.NewDense(units), models.NewDropout(rate)}}
	r := testRecipe()
	r.Optimizer, r.LearningRate, r.Batch = models.SGD, 1, 1
	// With zero weights the gradient of fc2's kernel is the dropped hidden
	// vector times p-y: half of it, negative, for the true class.
	masks := map[string][]float32{}
	for _, seed := range []int64{1, 2} {
		p, err := NewPack([]Net{{Spec: spec, Seed: seed}}, r, Images{Pixels: []uint8{255}, Labels: []uint8{0}}, Device{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		var w models.Weights
		ones := make([]float32, units)
		for i := range ones {
			ones[i] = 1
		}
		w.Set("fc1", models.Kernel, make([]float32, units))
		w.Set("fc1", models.Bias, ones)
		w.Set("fc2", models.Kernel, make([]float32, 2*units))
		w.Set("fc2", models.Bias, make([]float32, 2))
		for step := range 2 {
			if err := p.SetWeights(0, w); err != nil {
				t.Fatal(err)
			}
			if err := p.Step(step, []int32{0}, make([]float64, 1)); err != nil {
				t.Fatal(err)
			}
			st, err := p.State(0)
			if err != nil {
				t.Fatal(err)
			}
			kernel, _ := st.Weights.Get("fc2", models.Kernel)
			mask := make([]float32, units)
			kept := 0
			for i := range mask {
				mask[i] = 2 * kernel[2*i]
				switch {
				case mask[i] == 0:
				case math.Abs(float64(mask[i])-1/(1-rate)) < 1e-6:
					kept++
				default:
					t.Fatalf("unit %d is scaled by %g", i, mask[i])
				}
			}
			if share := float64(kept) / units; math.Abs(share-(1-rate)) > 4*math.Sqrt(rate*(1-rate)/units) {
				t.Errorf("seed %d, step %d: %g of the units are kept", seed, step, share)
			}
			for name, other := range masks {
				same := 0
				for i := range mask {
					if (mask[i] == 0) == (other[i] == 0) {
						same++
					}
				}
				if share := float64(same) / units; math.Abs(share-(rate*rate+(1-rate)*(1-rate))) > 0.04 {
					t.Errorf("seed %d, step %d: the mask agrees with %s's in %g of the units", seed, step, name, share)
				}
			}
			masks[string(rune('a'+seed))+string(rune('0'+step))] = mask
		}
	}
}

func TestStemGroups(t *testing.T) {
	var nets []Net
	for _, f := range []int{8, 16, 16, 8, 2} {
		nets = append(nets, cellNet(5, f, 2, 10, 1))
	}
	nets = append(nets, cellNet(5, 2, 4, 10, 1), cellNet(3, 2, 2, 10, 1))
	ns, err := plan(nets)
	if err != nil {
		t.Fatal(err)
	}
	var widths []int
	for _, s := range ns.stems {
		widths = append(widths, s.wide)
	}
	// 8+16+8 fill a stem, 16+2 share one, the other pool and the other kernel have their own.
	if len(widths) != 4 || widths[0] != 32 || widths[1] != 18 || widths[2] != 2 || widths[3] != 2 {
		t.Errorf("stems of %v channels", widths)
	}
}

func TestCosineRate(t *testing.T) {
	r := models.DefaultRecipe()
	r.Schedule, r.Steps, r.LearningRate = models.Cosine, 100, 2
	for step, want := range map[int]float64{0: 2, 50: 1, 100: 0} {
		if got := Rate(r, step); math.Abs(got-want) > 1e-12 {
			t.Errorf("rate at step %d: %g, want %g", step, got, want)
		}
	}
}
