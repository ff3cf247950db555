package lab

import (
	"errors"
	"fmt"
	"io/fs"

	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/store"
)

// GoldenCheck is how a network did on golden vectors.
type GoldenCheck struct {
	Model      string             `json:"model"`
	Runtime    string             `json:"runtime"`
	Golden     string             `json:"golden"` // the file
	Form       export.Format      `json:"form"`   // whose outputs it has to give
	Images     int                `json:"images"`
	Difference *export.Difference `json:"difference"` // the first; null: none
}

// CheckGolden runs a model on the images of golden vectors and compares what it
// says with them: int8 bit for bit, float32 to 1e-5.
func (l *Lab) CheckGolden(m *Model, file string) (*GoldenCheck, error) {
	b, err := store.ReadFile(file, maxModel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Usagef("there is no %s; `slimfit export` writes %s beside the model's files", file, export.GoldenName)
	} else if err != nil {
		return nil, exit.Failed(err)
	}
	g, err := export.ReadGolden(b)
	if err != nil {
		return nil, exit.Usagef("%s has no golden vectors: %w", file, err)
	}
	if g.Input != m.input || g.Classes != m.classes {
		return nil, exit.Usagef("%s has images of %s in %d classes, but %s takes %s in %d: they are of another network", file, g.Input, g.Classes,
			m.name, m.input, m.classes)
	}
	c := &GoldenCheck{Model: m.name, Golden: file, Form: g.Like(m.format), Images: g.Images()}
	if c.Form == "" {
		return nil, exit.Usagef("%s has no outputs of %s, only of %v: export that format too", file, m.format, g.Forms())
	}
	var got []float32
	if m.lite != nil {
		got, err = export.Answers(m.lite, g.Pixels)
	} else {
		got, _, _, err = m.run(m.data.Scaling.Values(g.Pixels))
	}
	if err == nil && len(got) != len(g.Outputs[c.Form]) {
		err = fmt.Errorf("it gave %d logits for %d images", len(got), c.Images)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	c.Runtime, c.Difference = m.runtime, g.Check(c.Form, got)
	return c, nil
}

// Err is nil where the network says what the golden vectors do.
func (c *GoldenCheck) Err() error {
	d := c.Difference
	if d == nil {
		return nil
	}
	return exit.With(exit.Trials, fmt.Errorf("%s differs from %s of %s: image %d, class %d is %v, not %v (%s); it is another network, or was "+
		"changed", c.Model, c.Form, c.Golden, d.Image, d.Class, d.Got, d.Want, c.Runtime))
}
