package tflite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
)

// TestAffine: the range is covered, 0 is exact, and a dead activation gets a
// harmless scale.
func TestAffine(t *testing.T) {
	for _, tt := range []struct {
		lo, hi float32
		scale  float32
		zero   int
	}{
		{0, 255, 1, -128}, {-255, 0, 1, 127}, {-0.5, 1, 1.5 / 255, -43}, {0, 0, 1.0 / 255, -128}, {-10, 245, 1, -118},
	} {
		q := affine(activity{lo: tt.lo, hi: tt.hi}, 0)
		if q.Scale[0] != tt.scale || q.ZeroPoint != tt.zero {
			t.Errorf("[%v, %v]: scale %v and zero point %d, want %v and %d", tt.lo, tt.hi, q.Scale[0], q.ZeroPoint, tt.scale, tt.zero)
		}
	}
	if q := affine(activity{hi: 1}, 0.5); q.Scale[0] != 0.5 {
		t.Errorf("scale %v is below the least one", q.Scale[0])
	}
}

// TestQuantizedByHand follows one dense layer through every integer.
func TestQuantizedByHand(t *testing.T) {
	spec := models.Spec{Input: models.Shape{H: 1, W: 1, C: 2}, Classes: 2}
	// The logits of the two images are (1, 0.5) and (-0.5, 0): 255 steps of 1.5/255
	// from -0.5, so the zero point is -128 + 85.
	w := models.Weights{{Node: "fc1", Kernel: []float32{1, 0.5, -0.5, 0}, Bias: []float32{0, 0}}}
	images := []uint8{255, 0, 0, 255}
	b, err := Quantize(spec, w, images, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, b)
	if q := m.Tensors[m.Outputs[1]].Quant; q.Scale[0] != 1.5/255 || q.ZeroPoint != -43 {
		t.Errorf("logits have scale %v and zero point %d", q.Scale[0], q.ZeroPoint)
	}
	weights, bias := m.tensor(m.Ops[0], 1), m.tensor(m.Ops[0], 2)
	// In steps of 1/127: 1 is 127, 0.5 is 63.5 and becomes 64.
	if got := []int8{int8(weights.Data[0]), int8(weights.Data[1]), int8(weights.Data[2]), int8(weights.Data[3])}; !slices.Equal(got,
		[]int8{127, -64, 64, 0}) {
		t.Errorf("weights %v", got)
	}
	// Half a step of 1/127 too much, times the mean input of 0.5, is 63.75 steps of
	// 1/255/127: the biases take it back.
	if got := fromBytes[int32](bias.Data); !slices.Equal(got, []int32{64, -64}) {
		t.Errorf("biases %v", got)
	}
	o, err := m.Run(images, 1)
	if err != nil {
		t.Fatal(err)
	}
	// 190.5 steps of a sum are one of the output: (127*255+64)/190.5 = 170.3,
	// (64*255-64)/190.5 = 85.3, (-64*255+64)/190.5 = -85.3, -64/190.5 = -0.3.
	for i, want := range []float32{170, 85, -85, 0} {
		if got := o.Logits[i] / (1.5 / 255); math.Abs(float64(got-want)) > 1e-3 {
			t.Errorf("logit %d is %v steps, want %v", i, got, want)
		}
	}
}

func TestPerChannelOnRequest(t *testing.T) {
	for perChannel, want := range map[bool]int{false: 1, true: 10} {
		m := int8Model(t, mnist(models.NewConv(3, 4)), Options{DensePerChannel: perChannel})
		if got := len(m.tensor(m.Ops[0], 1).Quant.Scale); got != 4 {
			t.Errorf("convolution has %d scales, want 4", got)
		}
		if got := len(m.tensor(m.Ops[1], 1).Quant.Scale); got != want {
			t.Errorf("dense layer has %d scales, want %d", got, want)
		}
	}
}

// TestAwkwardWeights: channels without weights, huge biases and dead layers
// still give files that load and follow the float32 network.
func TestAwkwardWeights(t *testing.T) {
	spec := mnist(models.NewConv(3, 4), models.NewDense(5))
	r := rand.New(rand.NewPCG(1, 1))
	pixels := randomPixels(r, 32*784)
	for name, change := range map[string]func(w models.Weights){
		"zero channel":      func(w models.Weights) { scaleChannel(of(w, "conv1").Kernel, 4, 1, 0) },
		"tiny channel":      func(w models.Weights) { scaleChannel(of(w, "conv1").Kernel, 4, 1, 1e-12) },
		"zero weights":      func(w models.Weights) { clear(of(w, "fc1").Kernel) },
		"dead layer":        func(w models.Weights) { clear(of(w, "fc1").Kernel); clear(of(w, "fc1").Bias) },
		"large bias":        func(w models.Weights) { of(w, "fc1").Bias[0] = 1e4 },
		"huge bias":         func(w models.Weights) { of(w, "fc2").Bias[0] = 1e9 },
		"negative dead end": func(w models.Weights) { of(w, "fc1").Bias[0] = -1e6 },
	} {
		t.Run(name, func(t *testing.T) {
			w := randomWeights(t, r, spec)
			change(w)
			exact, err := WriteFloat(spec, w)
			if err != nil {
				t.Fatal(err)
			}
			b, err := Quantize(spec, w, pixels, Options{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := load(t, exact).Run(pixels, 2)
			if err != nil {
				t.Fatal(err)
			}
			got, err := load(t, b).Run(pixels, 2)
			if err != nil {
				t.Fatal(err)
			}
			lo, hi := slices.Min(want.Logits), slices.Max(want.Logits)
			for i := range want.Logits {
				if d := math.Abs(float64(got.Logits[i] - want.Logits[i])); d > 0.06*float64(hi-lo)+1e-6 {
					t.Fatalf("logit %d is %v, the float32 network has %v (logits from %v to %v)", i, got.Logits[i], want.Logits[i], lo, hi)
				}
			}
		})
	}
}

func scaleChannel(kernel []float32, channels, c int, by float32) {
	for i := c; i < len(kernel); i += channels {
		kernel[i] *= by
	}
}

func TestQuantizeErrors(t *testing.T) {
	spec := mnist()
	w := randomWeights(t, rand.New(rand.NewPCG(1, 1)), spec)
	for _, tt := range []struct {
		calibration []uint8
		want        string
	}{
		{nil, "calibration: no images"},
		{make([]uint8, 785), "calibration: 785 values are no whole number of 28x28x1 images"},
	} {
		if _, err := Quantize(spec, w, tt.calibration, Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
	// 84,100 equal weights: the sum could reach 84100 x 127 x 255 > 2^31.
	wide := models.Spec{Input: models.Shape{H: 290, W: 290, C: 1}, Classes: 2}
	ones := models.Weights{{Node: "fc1", Kernel: make([]float32, 2*290*290), Bias: make([]float32, 2)}}
	for i := range ones[0].Kernel {
		ones[0].Kernel[i] = 1
	}
	_, err := Quantize(wide, ones, make([]uint8, 290*290), Options{})
	if err == nil || !strings.Contains(err.Error(), "logits: 84100 inputs of channel 0 can sum up to 2723578500, more than 32 bits hold") {
		t.Errorf("overflow: %v", err)
	}
	ones[0].Kernel[0] = math.MaxFloat32
	white := bytes.Repeat([]uint8{255}, 290*290)
	if _, err := Quantize(wide, ones, white, Options{}); err == nil || !strings.Contains(err.Error(),
		"the values of logits reach from 0 to 3.4028235e+38: no int8 form") {
		t.Errorf("huge logits: %v", err)
	}
}

// TestSameBytes: the file depends neither on the workers nor on the run.
func TestSameBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	spec := mnist(models.NewConv(3, 3), models.NewMaxPool(2))
	w, pixels := randomWeights(t, r, spec), randomPixels(r, 200*784)
	var first []byte
	for workers := range 5 {
		b, err := Quantize(spec, w, pixels, Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(b, first) {
			t.Errorf("%d workers: another file", workers)
		}
	}
	m := load(t, first)
	one, err := m.Run(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	three, err := m.Run(pixels, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(one.Logits, three.Logits) || !slices.Equal(one.Probabilities, three.Probabilities) {
		t.Error("three goroutines give other outputs than one")
	}
}

// TestRunFloatAgrees: real images give what their pixels give.
func TestRunFloatAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	pixels := randomPixels(r, 30*784)
	images := make([]float32, len(pixels))
	for i, p := range pixels {
		images[i] = float32(p) / 255
	}
	spec := mnist(models.NewConv(3, 3))
	b, err := WriteFloat(spec, randomWeights(t, r, spec))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Model{load(t, b), int8Model(t, spec, Options{})} {
		p, err := m.Run(pixels, 1)
		if err != nil {
			t.Fatal(err)
		}
		f, err := m.RunFloat(images, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.Logits, f.Logits) {
			t.Error("logits differ")
		}
		if _, err := m.RunFloat(images[1:], 1); err == nil {
			t.Error("a part of an image was run")
		}
	}
}

func TestClass(t *testing.T) {
	o := &Output{Classes: 3, Probabilities: []float32{0.4, 0.4, 0.2, 0, 0, 1}}
	if o.Class(0) != 0 || o.Class(1) != 2 {
		t.Errorf("classes %d and %d of probabilities", o.Class(0), o.Class(1))
	}
	o.Logits = []float32{1, 2, 0, 0, 0, 1} // finer than the probabilities
	if o.Class(0) != 1 {
		t.Errorf("class %d of logits", o.Class(0))
	}
}

// TestKnownBits guards the kernels where no interpreter is installed. The sums
// were taken when TestInt8MatchesReferenceKernels passed with ai-edge-litert
// 2.3.0 (LiteRT) and with tensorflow 2.18.1 (Micro).
func TestKnownBits(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the networks are made with math functions whose last bit depends on the processor")
	}
	for kernels, want := range map[Kernels]string{
		LiteRT: "80087c52803ccd539ff04f75558e254acf41a5b06c48be1faf291c5eba7963b1",
		Micro:  "b7dd0f138ad56aa352af5320c4e7743aea98b5738fae1ff1ba73797294819b24",
	} {
		sum := sha256.New()
		for seed := range uint64(60) {
			r := rand.New(rand.NewPCG(seed, 1))
			spec := knownSpec(r)
			w := randomWeights(t, r, spec)
			p := randomPixels(r, 40*spec.Input.Elements())
			b, err := Quantize(spec, w, p[:8*spec.Input.Elements()], Options{DensePerChannel: seed%2 == 1})
			if err != nil {
				t.Fatal(err)
			}
			m := load(t, b)
			m.Kernels = kernels
			activations := int8Activations(t, m, p)
			for _, op := range m.Ops {
				for _, x := range activations[op.Outputs[0]] {
					sum.Write([]byte{byte(x)})
				}
			}
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != want {
			t.Errorf("kernels %d: activations have SHA-256 %s, want %s", kernels, got, want)
		}
	}
}

// knownSpec is a small network of random layers, and stays as it is: the sums of
// TestKnownBits are of these networks.
func knownSpec(r *rand.Rand) models.Spec {
	s := models.Spec{Input: models.Shape{H: 5 + r.IntN(12), W: 5 + r.IntN(12), C: 1 + r.IntN(3)}, Classes: 2 + r.IntN(12)}
	pick := func(a ...models.Activation) models.Activation { return a[r.IntN(len(a))] }
	padding := func() models.Padding { return paddings()[r.IntN(2)] }
	for range r.IntN(5) {
		var l models.Layer
		switch r.IntN(6) {
		case 0, 1:
			l = models.NewConv(1, 1+r.IntN(20))
		case 2:
			l = models.DefaultLayer(models.Depthwise)
			l.Multiplier = 1 + r.IntN(3)
		case 3:
			l = models.DefaultLayer(models.Separable)
			l.Filters, l.Multiplier = 1+r.IntN(9), 1+r.IntN(2)
		case 4:
			l = models.NewMaxPool(1 + r.IntN(3))
		case 5:
			l = models.NewMaxPool(1 + r.IntN(3))
			l.Kind = models.AvgPool
		}
		l.Padding, l.Stride = padding(), models.Square(1+r.IntN(3))
		if l.Size == (models.Edges{}) {
			l.Kernel = models.Edges{1 + r.IntN(4), 1 + r.IntN(4)}
			l.Activation = pick(models.Relu, models.Relu6, models.LeakyRelu, models.Elu, models.Tanh, models.Sigmoid, models.None)
		}
		next := s
		next.Layers = append(append([]models.Layer{}, s.Layers...), l)
		if _, err := next.Nodes(); err == nil {
			s = next
		}
	}
	if r.IntN(2) == 0 {
		s.Layers = append(s.Layers, models.Layer{Kind: models.GlobalAvgPool})
		if r.IntN(3) == 0 {
			s.Layers = append(s.Layers, models.NewConv(1, 1+r.IntN(9)))
		}
	}
	if r.IntN(2) == 0 {
		l := models.NewDense(1 + r.IntN(30))
		l.Activation = pick(models.Relu, models.Relu6, models.LeakyRelu, models.Elu, models.Tanh, models.Sigmoid, models.None)
		s.Layers = append(s.Layers, l, models.NewDropout(0.5))
	}
	return s
}
