package lab

import (
	"errors"
	"fmt"

	"slimfit/pkg/dataset"
	"slimfit/pkg/text"
)

// Predict classifies every image of the files; resize fits pictures to what
// the network takes.
func (l *Lab) Predict(m *Model, files []string, resize bool) (*Predictions, error) {
	names, pixels, err := l.readAllImages(m, files, resize)
	if err != nil {
		return nil, err
	}
	logits, probabilities, seconds, err := m.run(pixels)
	if err != nil {
		return nil, err
	}
	return newPredictions(m, names, logits, probabilities, seconds), nil
}

// readAllImages reads all files and reports what is wrong with any of them. An
// image is named by its file, or as file[3].
func (l *Lab) readAllImages(m *Model, files []string, resize bool) (names []string, pixels []float32, err error) {
	var faults []error
	for _, file := range files {
		images, err := dataset.ReadImages(file, m.input, resize, m.fit)
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
			names = append(names, name)
		}
		pixels = append(pixels, images.Pixels...)
	}
	return names, pixels, errors.Join(faults...)
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
}

func newPredictions(m *Model, names []string, logits, probabilities []float32, seconds float64) *Predictions {
	p := &Predictions{Model: m.name, Runtime: m.runtime, Seconds: seconds, SecondsPerImage: seconds / float64(len(names)), names: m.classNames}
	for i, name := range names {
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
		p.Images = append(p.Images, one)
	}
	return p
}

// Class is the class's word among others, see text.Class.
func (p *Predictions) Class(class int) string { return text.Class(p.names, class) }
