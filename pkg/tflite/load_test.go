package tflite

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// FuzzLoad: whatever the bytes, Load returns a model that runs or an error.
func FuzzLoad(f *testing.F) {
	for i, b := range randomFiles(f, 24) {
		if i < modelstest.Modern || len(b) <= smallFile {
			f.Add(b)
		}
	}
	f.Add([]byte("\x08\x00\x00\x00TFL3"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tryFile(t, b)
	})
}

// tryFile loads a possibly damaged file and, if that works and it is small,
// does everything with the model that a command would.
func tryFile(t *testing.T, b []byte) {
	t.Helper()
	m, err := Load(b)
	if err != nil {
		return
	}
	work := m.InputShape().Elements()
	for _, op := range m.Ops {
		n := m.Tensors[op.Outputs[0]].Elements()
		switch op.Code {
		case Conv2D, DepthwiseConv2D, FullyConnected, MaxPool2D, AveragePool2D:
			g := m.geometry(op)
			n *= min(g.WindowH, g.InH) * min(g.WindowW, g.InW) * g.InC
		}
		work += n
	}
	if work > 1<<16 {
		return
	}
	o, err := m.Run(make([]uint8, 2*m.InputShape().Elements()), 1)
	if err != nil {
		t.Fatalf("a loaded model does not run: %v", err)
	}
	if o.Images() != 2 {
		t.Fatalf("%d images", o.Images())
	}
	o.Class(1)
	ArenaBytes(m)
	cComment(m)
}

// smallFile is how many bytes a test can damage one by one.
const smallFile = 3000

// smallFiles are those of n random files that a test can damage everywhere.
func smallFiles(t testing.TB, n int) [][]byte {
	t.Helper()
	return slices.DeleteFunc(randomFiles(t, n), func(b []byte) bool { return len(b) > smallFile })
}

// TestDamagedFiles changes every byte of small files and cuts them everywhere.
func TestDamagedFiles(t *testing.T) {
	files := smallFiles(t, 24)
	if len(files) < 4 {
		t.Fatalf("%d small files", len(files))
	}
	for _, b := range files[:4] {
		for i := range b {
			for _, x := range []byte{0x01, 0x80, 0xff} {
				c := bytes.Clone(b)
				c[i] ^= x
				tryFile(t, c)
			}
		}
		for n := range b {
			if _, err := Load(b[:n]); err == nil && n < len(b)-16 {
				t.Errorf("the first %d of %d bytes were read", n, len(b))
			}
		}
	}
}

func TestLoadErrors(t *testing.T) {
	if _, err := Load(nil); err == nil || !strings.Contains(err.Error(), "not a TensorFlow Lite file") {
		t.Errorf("nothing: %v", err)
	}
	for _, tt := range []struct {
		name   string
		damage func(m *Model)
		want   string
	}{
		{"order", func(m *Model) { m.Ops[0], m.Ops[1] = m.Ops[1], m.Ops[0] }, "operator 0, MAX_POOL_2D: input tensor 3 has no value yet"},
		{"cycle", func(m *Model) { m.Ops[1].Outputs[0] = m.Ops[1].Inputs[0] }, "has a value already"},
		{"index", func(m *Model) { m.Ops[0].Inputs[1] = 1000 }, "input tensor 1000 has no value yet"},
		{"negative index", func(m *Model) { m.Ops[0].Inputs[2] = -1 }, "input tensor -1 has no value yet"},
		{"stride", func(m *Model) { m.Ops[0].Stride[0] = 0 }, "stride [0 1]: want at least 1"},
		{"window", func(m *Model) { m.Ops[1].Window[1] = 0 }, "window [2 0]"},
		{"shape", func(m *Model) { m.Tensors[m.Ops[1].Outputs[0]].Shape[1] = 13 }, "want [1 14 14 2]"},
		{"input", func(m *Model) { m.Input = 1 }, "no tensor 1 to be filled"},
		{"input shape", func(m *Model) { m.Tensors[m.Input].Shape = []int{1, 784} }, "want float32 or int8 of [1, h, w, c]"},
		{"huge shape", func(m *Model) { m.Tensors[m.Input].Shape = []int{1, 1 << 15, 1 << 15, 1} }, "at most 67108864 elements"},
		{"output", func(m *Model) { m.Outputs[0] = 1 }, "output 0: no operator computes tensor 1"},
		{"output twice", func(m *Model) { m.Outputs[1] = m.Outputs[0] }, "an output twice"},
		{"data", func(m *Model) { m.Tensors[1].Data = m.Tensors[1].Data[1:] }, "bytes of data"},
		{"pool scale", func(m *Model) { m.Tensors[m.Ops[1].Outputs[0]].Quant = &Quant{Scale: []float32{1}} }, "the rule is"},
		{"softmax scale", func(m *Model) { m.Tensors[m.Outputs[0]].Quant = &Quant{Scale: []float32{1.0 / 255}, ZeroPoint: -128} }, "the rule is 0.00390625 and -128"},
		{"weight zero point", func(m *Model) { m.Tensors[m.Ops[2].Inputs[1]].Quant.ZeroPoint = 1 }, "want int8 with zero point 0"},
		{"bias scale", func(m *Model) { m.Tensors[m.Ops[0].Inputs[2]].Quant.Scale[1] *= 1.1 }, "want input x weight"},
		{"no scale", func(m *Model) { m.Tensors[m.Ops[0].Outputs[0]].Quant = nil }, "without one scale"},
		{"NaN scale", func(m *Model) { m.Tensors[m.Input].Quant = &Quant{Scale: []float32{float32(math.NaN())}} }, "scale NaN"},
		{"axis", func(m *Model) { m.Tensors[m.Ops[0].Inputs[1]].Quant.Axis = 1 }, "scales along dimension 1"},
		{"float weights", func(m *Model) { *m.tensor(m.Ops[2], 1) = Tensor{Shape: []int{10, 392}, Data: make([]byte, 4*3920)} }, "float32 weights"},
		{"unknown operator", func(m *Model) { m.Ops[1].Code = 99 }, "builtin operator 99 is not among those"},
		{"beta", func(m *Model) { m.Ops[3].Beta = 2 }, "with beta 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := int8Model(t, mnist(models.NewConv(3, 2), models.NewMaxPool(2)), Options{})
			tt.damage(m)
			_, err := Load(encode(m, false))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestSharedListIsNoBomb: thousands of tensors that name one long list of
// scales must not be unfolded.
func TestSharedListIsNoBomb(t *testing.T) {
	const long = 1 << 17
	quant := &Quant{Scale: make([]float32, long)}
	for i := range quant.Scale {
		quant.Scale[i] = 1
	}
	m := &Model{Outputs: []int{1}}
	data := make([]byte, long)
	for range 100 {
		m.Tensors = append(m.Tensors, Tensor{Type: Int8, Shape: []int{long}, Data: data, Quant: quant})
	}
	if _, err := Load(encode(m, false)); err == nil || !strings.Contains(err.Error(), "scales and zero points in the file") {
		t.Errorf("error %v", err)
	}
}

// TestVtableOutsideTheFile covers offsets that leave the file in every
// direction, in the root.
func TestVtableOutsideTheFile(t *testing.T) {
	b := smallFiles(t, 24)[0]
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		c := bytes.Clone(b)
		binary.LittleEndian.PutUint32(c[4*r.IntN(len(c)/4):], r.Uint32())
		tryFile(t, c)
	}
}

// TestReshape: other writers flatten with an op of its own; it is read and run.
func TestReshape(t *testing.T) {
	spec := mnist(models.NewConv(3, 2))
	m := int8Model(t, spec, Options{})
	pixels := randomPixels(rand.New(rand.NewPCG(1, 1)), 5*784)
	want, err := m.Run(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	flat := len(m.Tensors)
	conv := m.Ops[0].Outputs[0]
	m.Tensors = append(m.Tensors,
		Tensor{Type: Int8, Shape: []int{1, 1568}, Quant: m.Tensors[conv].Quant},
		Tensor{Type: Int32, Shape: []int{2}, Data: littleEndian([]int32{-1, 1568})})
	reshape := Op{Code: Reshape, Inputs: []int{conv, flat + 1}, Outputs: []int{flat}}
	m.Ops = slices.Insert(m.Ops, 1, reshape)
	m.Ops[2].Inputs[0] = flat
	got, err := load(t, encode(m, true)).Run(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Logits, want.Logits) {
		t.Error("logits differ")
	}
	m.Tensors[flat].Shape[1]--
	if _, err := Load(encode(m, true)); err == nil || !strings.Contains(err.Error(), "same number of elements") {
		t.Errorf("error %v", err)
	}
}
