package export

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/npy"
	"slimfit/pkg/result"
	"slimfit/pkg/shift"
	"slimfit/pkg/store"
	"slimfit/pkg/tflite"
)

// goldenImages is how many images there are golden vectors of.
const goldenImages = 10

// maxGolden bounds an array of golden vectors that is read, in bytes.
const maxGolden = 1 << 28

// Golden are images and what each form of a network must say of them, as an npz
// archive: images (uint8, [n, h, w, c]), labels (uint8, [n]; none where they are
// not known), FORMAT/scores of an int8 form (int8 logits, [n, classes]) and
// FORMAT/logits of another (float32, by pkg/tflite's interpreter, which
// TensorFlow and other runtimes follow to 1e-5).
type Golden struct {
	Input   models.Shape
	Classes int
	Pixels  []uint8
	Labels  []uint8
	Outputs map[Format][]float32 // [n, classes]; those of int8 forms are whole
}

// NewGolden takes ten training images, evenly spread over them, and runs the
// forms of files on them. Without images it takes noise, which has no labels.
func NewGolden(t *Trial, files *Files, formats []Format, images dataset.Images) (*Golden, error) {
	g := &Golden{Input: t.Spec.Input, Classes: t.Spec.Classes, Outputs: map[Format][]float32{}}
	size := g.Input.Elements()
	if images.N() == 0 {
		g.Pixels = noisePixels(goldenImages * size)
	}
	n := min(goldenImages, images.N())
	for i := range n {
		at := i * images.N() / n
		g.Pixels, g.Labels = append(g.Pixels, images.Pixels[at*size:(at+1)*size]...), append(g.Labels, images.Labels[at])
	}
	float := files.Float
	for _, f := range formats {
		m := files.Int8
		if !f.Quantized() {
			if float == nil {
				var err error
				if float, err = Interpreter(t); err != nil {
					return nil, fmt.Errorf("make %s: %w", GoldenName, err)
				}
			}
			m = float
		}
		var err error
		if g.Outputs[f], err = Answers(m, g.Pixels); err != nil {
			return nil, fmt.Errorf("make %s: %s: %w", GoldenName, f, err)
		}
	}
	return g, nil
}

// Answers are a network's logits of images, those of an int8 one as its integers.
func Answers(m *tflite.Model, pixels []uint8) ([]float32, error) {
	if !m.Quantized() {
		out, err := m.Run(pixels, 1)
		if err != nil {
			return nil, err
		}
		return out.Logits, nil
	}
	scores, err := m.Scores(pixels, 1)
	return convert[float32](scores), err
}

func convert[To, From int8 | float32](values []From) []To {
	out := make([]To, len(values))
	for i, v := range values {
		out[i] = To(v)
	}
	return out
}

// Join takes the outputs of forms that stay from an earlier export of the same
// images.
func (g *Golden) Join(old *Golden, stay []ModelFile) {
	for _, f := range stay {
		if v, ok := old.Outputs[f.Format]; ok && g.Outputs[f.Format] == nil && bytes.Equal(old.Pixels, g.Pixels) {
			g.Outputs[f.Format] = v
		}
	}
}

// Images is their number.
func (g *Golden) Images() int { return len(g.Pixels) / g.Input.Elements() }

// Forms lists the forms that there are outputs of.
func (g *Golden) Forms() []Format {
	return slices.DeleteFunc(Formats(), func(f Format) bool { return g.Outputs[f] == nil })
}

// Like is the form whose outputs a network in format f must give: f's own, else
// those of another form of the same arithmetic; "" where there are none.
func (g *Golden) Like(f Format) Format {
	forms := g.Forms()
	if slices.Contains(forms, f) {
		return f
	}
	for _, other := range forms {
		if other.Quantized() == f.Quantized() {
			return other
		}
	}
	return ""
}

func outputName(f Format) string {
	if f.Quantized() {
		return string(f) + "/scores"
	}
	return string(f) + "/logits"
}

// Marshal is the archive.
func (g *Golden) Marshal() ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	n := g.Images()
	err := npy.Add(z, "images", g.Pixels, n, g.Input.H, g.Input.W, g.Input.C)
	if g.Labels != nil {
		err = errors.Join(err, npy.Add(z, "labels", g.Labels, n))
	}
	for _, f := range g.Forms() {
		if f.Quantized() {
			err = errors.Join(err, npy.Add(z, outputName(f), convert[int8](g.Outputs[f]), n, g.Classes))
		} else {
			err = errors.Join(err, npy.Add(z, outputName(f), g.Outputs[f], n, g.Classes))
		}
	}
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

// ReadGolden reads what Marshal made, and checks that the shapes agree.
func ReadGolden(b []byte) (*Golden, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("no npz archive: %w", err)
	}
	g := &Golden{Outputs: map[Format][]float32{}}
	var shape []int
	if g.Pixels, shape, err = npy.Extract[uint8](z, "images", maxGolden); err != nil {
		return nil, err
	}
	if len(shape) != 4 || len(g.Pixels) == 0 {
		return nil, fmt.Errorf("images of shape %v, want [n, height, width, channels]", shape)
	}
	n := shape[0]
	g.Input = models.Shape{H: shape[1], W: shape[2], C: shape[3]}
	if g.Labels, shape, err = npy.Extract[uint8](z, "labels", maxGolden); err == nil && !slices.Equal(shape, []int{n}) {
		err = fmt.Errorf("labels of shape %v for %d images", shape, n)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range Formats() {
		var v []float32
		if f.Quantized() {
			var scores []int8
			scores, shape, err = npy.Extract[int8](z, outputName(f), maxGolden)
			v = convert[float32](scores)
		} else {
			v, shape, err = npy.Extract[float32](z, outputName(f), maxGolden)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case len(shape) != 2 || shape[0] != n || shape[1] == 0 || g.Classes != 0 && shape[1] != g.Classes:
			return nil, fmt.Errorf("%s of shape %v for %d images", outputName(f), shape, n)
		}
		g.Outputs[f], g.Classes = v, shape[1]
	}
	if g.Classes == 0 {
		return nil, errors.New("no outputs of any form in it")
	}
	return g, nil
}

// Difference is where a network does not say what its golden vectors do.
type Difference struct {
	Image int     `json:"image"`
	Class int     `json:"class"`
	Want  float32 `json:"want"`
	Got   float32 `json:"got"`
}

// Check compares what a form gives: integers bit for bit, real numbers to
// logitSlack, relative to the image's largest. It returns the first difference;
// nil is none.
func (g *Golden) Check(f Format, got []float32) *Difference {
	slack := float32(0)
	for i, want := range g.Outputs[f] {
		if i%g.Classes == 0 && !f.Quantized() {
			of := g.Outputs[f][i : i+g.Classes]
			slack = logitSlack * max(1, slices.Max(of), -slices.Min(of))
		}
		if gap := got[i] - want; !(max(gap, -gap) <= slack) { // NaN differs
			return &Difference{i / g.Classes, i % g.Classes, want, got[i]}
		}
	}
	return nil
}

// OpenTrial reads one trial's result, with its lists, and its weights; see Open.
func OpenTrial(f *store.Folder, k result.Key) (*Trial, error) {
	r, err := f.ReadResult(k)
	if err != nil {
		return nil, err
	}
	t := &Trial{Dir: f.TrialDir(k), Result: r, Chosen: "the trial was named"}
	if r.Status != result.Done {
		return nil, unfit(t.Dir, "it %s: %s; there is no trained network to take", r.Status, r.Reason)
	}
	return t, t.load(trainAgain)
}

// HasWeights says whether the trial's trained weights were kept.
func HasWeights(f *store.Folder, k result.Key) bool { return isFile(store.WeightsPath(f.TrialDir(k))) }

// Int8 makes the network's int8 file, the one that export writes, and judges it
// on the validation images and, if test is set, on the test images. A network
// that has no int8 form has a Reason and no figures. version is this program's;
// the end of ctx ends the judging.
func Int8(ctx context.Context, t *Trial, set *dataset.Set, test bool, version string, workers int) (result.Int8, error) {
	r := t.Result
	q := result.Int8{ConfigID: r.ConfigID, Seed: r.Seed, Slimfit: version, OS: runtime.GOOS + "/" + runtime.GOARCH,
		WeightsSHA: t.Weights.SHA256(), Calibration: min(CalibrationImages, set.Train.N())}
	file, m, err := quantize(t, set.Train.Pixels, tflite.Options{Workers: workers})
	if err != nil {
		q.Reason = err.Error()
		return q, nil
	}
	q.Bytes, q.SHA256 = len(file), result.SHA256(file)
	for _, s := range result.Splits() {
		images := set.Validation
		if s == result.Test {
			images = set.Test
		}
		if s == result.Test && !test {
			continue
		}
		f, err := judge(ctx, m, images, set.Data.Classes, workers)
		if err != nil {
			return q, fmt.Errorf("judge the int8 network of %s on the %s images: %w", r.Key(), s, err)
		}
		if repeats := set.Repeats(); repeats != nil && s == result.Test {
			f.LeaveOut(repeats, images.Labels)
		}
		q.SetOn(s, f)
	}
	return q, nil
}

// Int8Shifted is what the network's int8 file finds in the shifted validation images
// and, if test is set, test images: the same pixels that float32 networks are judged on.
func Int8Shifted(ctx context.Context, t *Trial, set *dataset.Set, test bool, shifts []string, workers int) (*result.Shifted, error) {
	_, m, err := quantize(t, set.Train.Pixels, tflite.Options{Workers: workers})
	if err != nil {
		return nil, err
	}
	out := &result.Shifted{}
	for _, name := range shifts {
		for split, images := range map[result.Split]dataset.Images{result.Validation: set.Validation, result.Test: set.Test} {
			if images.N() == 0 || split == result.Test && !test {
				continue
			}
			images, err := Shifted(images, name, set.Data.Input)
			if err != nil {
				return nil, err
			}
			f, err := judge(ctx, m, images, set.Data.Classes, workers)
			if err != nil {
				return nil, fmt.Errorf("judge the int8 network of %s on the %s images under %s: %w", t.Result.Key(), split, name, err)
			}
			out.SetFound(name, split, result.Found(f.Confusion))
			if repeats := set.Repeats(); split == result.Test && slices.Contains(repeats, true) {
				f.LeaveOut(repeats, images.Labels)
				out.SetDistinct(name, f.Distinct.Correct)
			}
		}
	}
	return out, nil
}

// Shifted are a split's images under the shift of this name.
func Shifted(images dataset.Images, name string, in models.Shape) (dataset.Images, error) {
	s, err := shift.Parse(name)
	if err != nil {
		return images, err
	}
	out := dataset.Images{Pixels: make([]uint8, len(images.Pixels)), Labels: images.Labels}
	return out, s.Apply(out.Pixels, images.Pixels, in, 0)
}

// judge compares the model's classes with the labels; there are no figures
// without images.
func judge(ctx context.Context, m *tflite.Model, images dataset.Images, classes, workers int) (result.Figures, error) {
	if images.N() == 0 {
		return result.Figures{}, nil
	}
	predicted := make([]int, images.N())
	err := classify(ctx, m, images, workers, func(i, class int) { predicted[i] = class })
	return result.Score(predicted, images.Labels, classes), err
}
