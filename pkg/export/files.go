package export

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/ccode"
	"slimfit/pkg/tflite"
)

// Format is a form of model files.
type Format string

const (
	SavedModel Format = "savedmodel"
	Frozen     Format = "frozen"
	TFLite     Format = "tflite"
	TFLiteInt8 Format = "tflite-int8"
	CArray     Format = "c"
	CCode      Format = "c-code"
	CCodeFloat Format = "c-code-float"
	NPZ        Format = "npz"
)

// Formats lists every format in the order the documentation uses.
func Formats() []Format {
	return []Format{SavedModel, Frozen, TFLite, TFLiteInt8, CArray, CCode, CCodeFloat, NPZ}
}

// ParseFormats reads names separated by commas; all stands for every format.
func ParseFormats(names string) ([]Format, error) {
	var known []string
	for _, f := range Formats() {
		known = append(known, string(f))
	}
	want := map[Format]bool{}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		if name != "all" && !slices.Contains(known, name) {
			return nil, fmt.Errorf("no format %q: want %s or all, several with commas", name, strings.Join(known, ", "))
		}
		for _, f := range Formats() {
			want[f] = want[f] || name == "all" || name == string(f)
		}
	}
	return slices.DeleteFunc(Formats(), func(f Format) bool { return !want[f] }), nil
}

// Path is the format's file below the export's folder.
func (f Format) Path() string {
	path := map[Format]string{SavedModel: "savedmodel/saved_model.pb", Frozen: "frozen.pb", TFLite: "model.tflite",
		TFLiteInt8: "model-int8.tflite", CArray: "model.c", CCode: "c-code/" + CName + ".c",
		CCodeFloat: "c-code-float/" + CName + ".c"}[f]
	return cmp.Or(path, "weights.npz")
}

// TensorFlow says whether only TensorFlow writes the format.
func (f Format) TensorFlow() bool { return f == SavedModel || f == Frozen }

// Quantized says whether the format computes in int8, which takes training
// images to make.
func (f Format) Quantized() bool { return f == TFLiteInt8 || f == CArray || f == CCode }

// CName is the array's name in the C source, and what the names of the C code
// begin with.
const CName = "slimfit_model"

// CalibrationImages is how many training images, the first ones, int8 learns
// the ranges of activations from.
const CalibrationImages = 500

// Files holds the pure formats of a network.
type Files struct {
	Float *tflite.Model // of TFLite and CCodeFloat; nil where it was not asked for
	Int8  *tflite.Model // of TFLiteInt8, CArray and CCode
	Data  map[Format][]byte
}

// Build makes the files of the formats that need no TensorFlow. pixels holds
// training images, n*h*w*c; only quantized formats read them.
func Build(t *Trial, formats []Format, pixels []uint8, opts tflite.Options) (*Files, error) {
	f := &Files{Data: map[Format][]byte{}}
	var int8File []byte
	for _, format := range formats {
		var b []byte
		var err error
		switch {
		case format.TensorFlow():
			continue
		case format == TFLite || format == CCodeFloat:
			if b, err = tflite.WriteFloat(t.Spec, t.Weights); err == nil {
				f.Float, err = t.model(b)
			}
			if err == nil && format == CCodeFloat { // see Files.Code
				continue
			}
		case format == NPZ:
			var out bytes.Buffer
			err = tflite.WriteNPZ(&out, t.Spec, t.Weights)
			b = out.Bytes()
		default:
			if int8File == nil {
				if int8File, f.Int8, err = quantize(t, pixels, opts); err != nil {
					break
				}
			}
			b = int8File
			if format == CCode { // see Files.Code
				continue
			}
			if format == CArray {
				var out bytes.Buffer
				err = tflite.WriteC(&out, CName, int8File)
				b = out.Bytes()
			}
		}
		if err != nil {
			return nil, fmt.Errorf("make %s: %w", format.Path(), err)
		}
		f.Data[format] = b
	}
	return f, nil
}

// Code is the network as C code, in the form of CCode or CCodeFloat: the source,
// and the header that goes beside it. names are the classes'; the golden pixels
// become its self-test. about is a sentence for its head.
func (f *Files) Code(form Format, about string, names []string, golden []uint8) (ccode.Source, error) {
	s, err := ccode.Generate(f.Model(form), ccode.Options{Name: CName, About: about, Classes: names, Golden: golden})
	if err != nil {
		return s, fmt.Errorf("make %s: %w", form.Path(), err)
	}
	return s, nil
}

// Model is the network as the format's file holds it; nil for a format that is
// not there, or that pkg/tflite does not run.
func (f *Files) Model(format Format) *tflite.Model {
	switch {
	case format == TFLite || format == CCodeFloat:
		return f.Float
	case format.Quantized():
		return f.Int8
	}
	return nil
}

func quantize(t *Trial, pixels []uint8, opts tflite.Options) ([]byte, *tflite.Model, error) {
	n := min(CalibrationImages*t.Spec.Input.Elements(), len(pixels))
	b, err := tflite.Quantize(t.Spec, t.Weights, pixels[:n], opts)
	if err != nil {
		return nil, nil, err
	}
	m, err := t.model(b)
	return b, m, err
}

// model loads a file of the network.
func (t *Trial) model(file []byte) (*tflite.Model, error) {
	m, err := tflite.Load(file)
	if err == nil {
		m.Scaling = t.Spec.Scaling
	}
	return m, err
}

// Interpreter is the network as pkg/tflite runs it in float32.
func Interpreter(t *Trial) (*tflite.Model, error) {
	f, err := Build(t, []Format{TFLite}, nil, tflite.Options{})
	if err != nil {
		return nil, err
	}
	return f.Float, nil
}
