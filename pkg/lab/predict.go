package lab

import (
	"errors"
	"fmt"
	"slices"

	"slimfit/pkg/dataset"
	"slimfit/pkg/text"
)

// Predict classifies every image of the files; resize fits pictures to what
// the network takes.
func (l *Lab) Predict(m *Model, files []string, resize bool) (*Predictions, error) {
	in, err := l.readAllImages(m, files, resize)
	if err != nil {
		return nil, err
	}
	p := &Predictions{Model: m.name, names: m.classNames}
	if err := p.add(m, *in); err != nil {
		return nil, err
	}
	p.finish(m)
	l.noteFar(p)
	return p, nil
}

// inputs are images for a network, with the names and sizes of their files.
type inputs struct {
	names  []string
	sizes  []dataset.PictureFact // may be nil
	values []float32
}

// readAllImages reads all files and reports what is wrong with any of them. An
// image is named by its file, or as file[3].
func (l *Lab) readAllImages(m *Model, files []string, resize bool) (*inputs, error) {
	var faults []error
	var in inputs
	for _, file := range files {
		if m.Series() {
			s, err := dataset.ReadSeries(file, m.input, m.data.Window)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			for _, n := range s.Names {
				in.names = append(in.names, file+": "+n)
			}
			in.values, in.sizes = append(in.values, s.Values...), make([]dataset.PictureFact, len(in.names))
			continue
		}
		images, err := dataset.ReadImages(file, m.input, resize, m.data.Fit)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for _, n := range images.Notes {
			l.Note("%s", n)
		}
		for i := range images.N {
			name := file
			if images.N > 1 {
				name = fmt.Sprintf("%s[%d]", file, i)
			}
			in.names, in.sizes = append(in.names, name), append(in.sizes, images.Size)
		}
		in.values = append(in.values, images.Pixels...)
	}
	return &in, errors.Join(faults...)
}

// Predictions are what predict prints.
type Predictions struct {
	Model           string       `json:"model"`
	Runtime         string       `json:"runtime"`
	Images          []Prediction `json:"images"`
	Seconds         float64      `json:"seconds"` // of all images, reading and loading not counted
	SecondsPerImage float64      `json:"seconds_per_image"`

	names []string // of classes
}

// Prediction is what a model says of one image.
type Prediction struct {
	Image         string    `json:"image"`
	Class         int       `json:"class"`
	Name          string    `json:"name,omitempty"`
	Probability   float32   `json:"probability"` // of Class
	Probabilities []float32 `json:"probabilities"`
	Logits        []float32 `json:"logits,omitempty"` // where the model has them
	Far           string    `json:"far,omitempty"`    // in what the image lies far from the training images
}

// add runs the model on more images.
func (p *Predictions) add(m *Model, in inputs) error {
	logits, probabilities, seconds, err := m.run(in.values)
	if err != nil {
		return err
	}
	p.Seconds += seconds
	for i, name := range in.names {
		of := probabilities[i*m.classes : (i+1)*m.classes]
		by, raw := of, []float32(nil)
		if logits != nil { // int8 probabilities may tie
			raw = logits[i*m.classes : (i+1)*m.classes]
			by = raw
		}
		class := 0
		for k, v := range by {
			if v > by[class] {
				class = k
			}
		}
		one := Prediction{Image: name, Class: class, Probability: of[class], Probabilities: of, Logits: raw}
		if class < len(p.names) {
			one.Name = p.names[class]
		}
		size := dataset.PictureFact{}
		if in.sizes != nil {
			size = in.sizes[i]
		}
		each := m.input.Elements()
		one.Far = m.ranges.Far(m.data.Scaling.Standard(in.values[i*each:(i+1)*each]), size)
		p.Images = append(p.Images, one)
	}
	return nil
}

func (p *Predictions) finish(m *Model) {
	p.Runtime, p.SecondsPerImage = m.runtime, p.Seconds/float64(max(1, len(p.Images)))
}

// shownFar is how many images are named that lie far from the training images.
const shownFar = 5

// noteFar names the images that the network was not trained for.
func (l *Lab) noteFar(p *Predictions) {
	far := slices.DeleteFunc(slices.Clone(p.Images), func(i Prediction) bool { return i.Far == "" })
	for _, i := range far[:min(len(far), shownFar)] {
		l.Note("%s is unlike the training images: %s", i.Image, i.Far)
	}
	if len(far) > shownFar {
		l.Note("%d of %d images are unlike the training images", len(far), len(p.Images))
	}
}

// Class is the class's word among others, see text.Class.
func (p *Predictions) Class(class int) string { return text.Class(p.names, class) }
