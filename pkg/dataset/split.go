package dataset

import (
	"fmt"
	"strings"

	"slimfit/models"
)

// MaxClasses is the largest number of classes; labels are bytes.
const MaxClasses = 256

const (
	defaultValidation = 5000  // at most, as in the paper
	defaultTest       = 10000 // at most, where the data has no test images
)

// counts are the sizes of the three parts, in images.
type counts struct{ train, validation, test int }

// split applies the reference's sizes to data with files of its own for
// training and testing.
func (r Ref) split(inTrain, inTest int) (counts, error) {
	n := counts{test: inTest}
	if r.Test < 0 {
		return n, fmt.Errorf("test is %d, want at least 1, or 0 for all", r.Test)
	}
	if r.Test > inTest {
		return n, fmt.Errorf("test is %d, but there are %d test images", r.Test, inTest)
	}
	if r.Test > 0 {
		n.test = r.Test
	}
	return n, r.splitTraining(&n, inTrain)
}

// splitTraining sets the sizes of validation and training.
func (r Ref) splitTraining(n *counts, images int) error {
	switch {
	case r.Validation < -1:
		return fmt.Errorf("validation is %d, want at least 0", r.Validation)
	case r.Validation == -1:
	case r.Validation == 0:
		n.validation = min(defaultValidation, images/10)
	default:
		n.validation = r.Validation
	}
	if n.validation >= images {
		return fmt.Errorf("validation is %d of %d images, which leaves none to train on", n.validation, images)
	}
	left := images - n.validation
	switch {
	case r.Train < 0:
		return fmt.Errorf("train is %d, want at least 1, or 0 for all", r.Train)
	case r.Train > left:
		return fmt.Errorf("train is %d, but %d images are left after %d for validation", r.Train, left, n.validation)
	case r.Train == 0:
		n.train = left
	default:
		n.train = r.Train
	}
	return nil
}

// noResize refuses a resize of data that has one size anyway.
func (r Ref) noResize(what string) error {
	if r.Resize != nil {
		return fmt.Errorf("data set %s: resize is for image folders only; remove it", what)
	}
	return nil
}

// content is what a reader found: all training images, validation first, and
// all test images.
type content struct {
	input       models.Shape
	classes     int
	classNames  []string
	train, test Images
	digest      string
	notes       []string
}

// part cuts the content into the three parts.
func (c content) part(ref Ref, n counts) *Set {
	size := c.input.Elements()
	cut := func(m Images, from, count int) Images {
		to := from + count
		return Images{Pixels: m.Pixels[from*size : to*size : to*size], Labels: m.Labels[from:to:to]}
	}
	return &Set{
		Data: models.Data{Name: ref.Name, Digest: c.digest, Input: c.input, Classes: c.classes,
			Train: n.train, Validation: n.validation, Test: n.test, Resize: ref.Resize},
		ClassNames: c.classNames,
		Validation: cut(c.train, 0, n.validation),
		Train:      cut(c.train, n.validation, n.train),
		Test:       cut(c.test, 0, n.test),
		Notes:      c.notes,
	}
}

// missingClasses lists, for each part that has images, the classes that none
// of them shows.
func missingClasses(s *Set) []string {
	var faults []string
	for _, p := range []struct {
		name   string
		images Images
	}{{"training", s.Train}, {"validation", s.Validation}, {"test", s.Test}} {
		if p.images.N() == 0 {
			continue
		}
		var missing []string
		for class, n := range p.images.Histogram(s.Data.Classes) {
			if n == 0 {
				missing = append(missing, s.ClassNames[class])
			}
		}
		if len(missing) > 0 {
			faults = append(faults, fmt.Sprintf("no %s image (of %d) shows class %s", p.name, p.images.N(), shorten(missing)))
		}
	}
	return faults
}

// shorten joins names, the first few only.
func shorten(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
