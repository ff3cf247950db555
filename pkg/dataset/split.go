package dataset

import (
	"fmt"
	"reflect"
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
	var n counts
	var err error
	if n.test, err = r.testOf(inTest); err != nil {
		return n, err
	}
	return n, r.splitTraining(&n, inTrain)
}

// testOf is how many of the test images are used.
func (r Ref) testOf(images int) (int, error) {
	switch {
	case r.Test < 0:
		return 0, fmt.Errorf("test is %d, want at least 1, or 0 for all", r.Test)
	case r.Test > images:
		return 0, fmt.Errorf("test is %d, but there are %d test images", r.Test, images)
	case r.Test > 0:
		return r.Test, nil
	}
	return images, nil
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

// noFolderKeys refuses keys that only folders of pictures have.
func (r Ref) noFolderKeys(what string) error {
	for _, k := range []struct {
		name string
		set  bool
	}{{"resize", r.Resize != nil}, {"fit", r.Fit != ""}, {"groups", r.Groups != ""}, {"skip_unreadable", r.SkipUnreadable},
		{"folds", r.Folds > 0}} {
		if k.set {
			return fmt.Errorf("data set %s: %s is for folders of pictures only; leave it out", what, k.name)
		}
	}
	return nil
}

// data is what the reference and its content say of the set.
func (r Ref) data(digest string, input models.Shape, classes int, n counts) models.Data {
	return models.Data{Name: r.Name, Digest: digest, Input: input, Classes: classes, Train: n.train, Validation: n.validation, Test: n.test,
		Resize: r.Resize, Channels: r.Channels, Fit: r.Fit, Groups: r.Groups, SkipUnreadable: r.SkipUnreadable,
		Normalize: r.Normalize, Kind: r.Kind, Window: r.Window, Folds: r.Folds, Fold: r.Fold}
}

// Fits says whether d may be what the reference stands for, as far as the
// reference itself says: for when the images are not here.
func (r Ref) Fits(d models.Data) bool {
	n := func(said, got int) bool { return said == 0 || said == got || said < 0 && got == 0 }
	resize := r.Resize == nil && d.Resize == nil || r.Resize != nil && d.Resize != nil && *r.Resize == *d.Resize
	return r.Name == d.Name && n(r.Train, d.Train) && n(r.Validation, d.Validation) && n(r.Test, d.Test) && resize && r.Fit == d.Fit &&
		r.Channels == d.Channels && r.Groups == d.Groups && r.SkipUnreadable == d.SkipUnreadable && r.Normalize == d.Normalize &&
		reflect.DeepEqual(r.Window, d.Window) && r.Folds == d.Folds && r.Fold == d.Fold
}

// content is what a reader found: all training images, validation first, and
// all test images.
type content struct {
	input       models.Shape
	classes     int
	classNames  []string
	train, test Images
	digest      string
	testKey     string // see TestKey
	notes       []string
	lost        []string // see collection
}

// recolour gives idx and CIFAR images the channels that were asked for.
func (c *content) recolour(channels string) error {
	input, err := channelsOf(c.input, channels)
	if err != nil || input == c.input {
		return err
	}
	for _, m := range []*Images{&c.train, &c.test} {
		if input.C == 3 {
			m.Pixels = tripled(m.Pixels)
			continue
		}
		for k := range len(m.Pixels) / 3 {
			rgb := m.Pixels[3*k : 3*k+3]
			m.Pixels[k] = luma(rgb[0], rgb[1], rgb[2])
		}
		m.Pixels = m.Pixels[:len(m.Pixels)/3]
	}
	c.input = input
	return nil
}

// channelsOf is the shape of images with the channels that were asked for.
func channelsOf(in models.Shape, channels string) (models.Shape, error) {
	want := map[string]int{"": in.C, ChannelsGrey: 1, ChannelsColour: 3}[channels]
	if want != in.C && in.C != 1 && in.C != 3 {
		return in, fmt.Errorf("channels is %s, but the images have %d channels, neither grey nor colour", channels, in.C)
	}
	in.C = want
	return in, nil
}

// part cuts the content into the three parts.
func (c content) part(ref Ref, n counts) *Set {
	size := c.input.Elements()
	cut := func(m Images, from, count int) Images {
		to := from + count
		return Images{Pixels: m.Pixels[from*size : to*size : to*size], Labels: m.Labels[from:to:to]}
	}
	return &Set{
		Data:       ref.data(c.digest, c.input, c.classes, n),
		ClassNames: c.classNames,
		TestKey:    c.testKey,
		Validation: cut(c.train, 0, n.validation),
		Train:      cut(c.train, n.validation, n.train),
		Test:       cut(c.test, 0, n.test),
		Notes:      c.notes,
		lost:       c.lost,
	}
}

// missingClasses lists, for each part that has images, the classes that none
// of them shows.
func missingClasses(s *Set) []string {
	var faults []string
	for _, p := range s.parts() {
		if p.N() == 0 {
			continue
		}
		var missing []string
		for class, n := range p.Histogram(s.Data.Classes) {
			if n == 0 {
				missing = append(missing, s.ClassNames[class])
			}
		}
		if len(missing) > 0 {
			faults = append(faults, fmt.Sprintf("no %s image (of %d) shows class %s", p.name, p.N(), shorten(missing)))
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
