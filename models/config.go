package models

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Config is one configuration: everything that changes training except the
// seed.
type Config struct {
	Layers []Layer // without the last dense layer
	Data   Data
	Recipe Recipe
}

// Spec is the configuration's network for its data set.
func (c Config) Spec() Spec {
	return c.Data.Spec(c.Layers)
}

// ID is a slug of the layers and the first 8 digits of Digest:
// c5x2-p4-d128-1a2b3c4d.
func (c Config) ID() string { return slug(c.Layers) + "-" + c.Digest()[:shortDigest] }

// LongID is ID with all digits of Digest, for configurations that have their ID
// in common with another.
func (c Config) LongID() string { return slug(c.Layers) + "-" + c.Digest() }

// Named says whether id is the configuration's ID or LongID.
func (c Config) Named(id string) bool { return id == c.ID() || id == c.LongID() }

const (
	shortDigest = 8
	longDigest  = 32
)

// Digest is the first half, hex, of a SHA-256 over everything in c except the
// data set's name, which is only a label: two configurations with one digest
// are one.
func (c Config) Digest() string {
	data := c.Data
	data.Name = ""
	b, err := json.Marshal(struct {
		Model []Layer `json:"model"`
		Data  Data    `json:"dataset"`
		Train Recipe  `json:"train"`
	}{c.Spec().FullLayers(), data, c.Recipe})
	if err != nil {
		// Only a NaN or an infinity in the recipe can do this; validation refuses them.
		b = []byte(fmt.Sprintf("%+v", c))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:longDigest/2])
}

// maxSlug keeps folder names short; the digest tells long models apart.
const maxSlug = 48

// slug shortens the layers to words such as c5x32, p2 and d128. Dropout and
// the last dense layer are left out.
func slug(layers []Layer) string {
	var words []string
	for _, l := range layers {
		if f := l.Kind.facts(); f != nil && f.slug != nil {
			words = append(words, f.slug(l))
		}
	}
	s := strings.Join(words, "-")
	if len(s) > maxSlug {
		s = strings.TrimRight(s[:maxSlug], "-")
	}
	return cmp.Or(s, "linear")
}

// IsConfigID says whether a name ends in a dash and 8 or 32 hex digits, as those
// of Config.ID and LongID do.
func IsConfigID(name string) bool { return endsIn(name, shortDigest) || IsLongID(name) }

// IsLongID says whether a name ends in a dash and 32 hex digits.
func IsLongID(name string) bool { return endsIn(name, longDigest) }

func endsIn(name string, digits int) bool {
	i := len(name) - digits
	return i >= 2 && name[i-1] == '-' && strings.Trim(name[i:], "0123456789abcdef") == ""
}

// Data identifies the images that a configuration is trained on and how they
// are split. It says what the images are, never where they lie.
type Data struct {
	Name       string  `json:"name"`             // a registry name or the user's own
	Digest     string  `json:"digest"`           // SHA-256 of the content, hex
	Input      Shape   `json:"input"`            // of one image, after Resize
	Classes    int     `json:"classes"`          //
	Train      int     `json:"train"`            // images used for training
	Validation int     `json:"validation"`       // images held back from the training files
	Test       int     `json:"test"`             //
	Resize     *[2]int `json:"resize,omitempty"` // height, width that image folders are resized to

	// How the images are read; "" and false are the defaults and leave
	// identities as they were before there were these keys.
	Fit            string `json:"fit,omitempty"`             // pad or crop, of pictures that are resized; "": stretch
	Channels       string `json:"channels,omitempty"`        // grey or colour; "": as they are
	Groups         string `json:"groups,omitempty"`          // subfolder, or ""
	SkipUnreadable bool   `json:"skip_unreadable,omitempty"` // files that cannot be read were left out
	Normalize      string `json:"normalize,omitempty"`       // standard, or ""
	Kind           string `json:"kind,omitempty"`            // series; "": images

	Window *Window `json:"window,omitempty"` // that series are cut into; nil: they are taken whole

	Scaling *Scaling `json:"scaling,omitempty"` // of Normalize, and of series; nil: none

	// Folds is how many parts of all images take turns as the validation images; 0:
	// there are none. Fold is the one that does, from 1; 0: figures of all are pooled,
	// over every image, and Train is what each training had at least.
	Folds int `json:"folds,omitempty"`
	Fold  int `json:"fold,omitempty"`
}

// Window is a piece of a series, in points of time.
type Window struct {
	Length int `json:"length"`
	Step   int `json:"step"` // from one to the next
}

// Spec is a network for the data: layers without the last dense one.
func (d Data) Spec(layers []Layer) Spec {
	return Spec{Input: d.Input, Classes: d.Classes, Layers: layers, Scaling: d.Scaling}
}

// Alike says what bounds that count images as independent leave out; "" where
// there are no groups, and no series cut into windows.
func (d Data) Alike() string {
	if d.Groups == "" && d.Window == nil {
		return ""
	}
	return "The members of one group, or the windows of one series, are alike, but intervals and bounds count them as independent: for new " +
		"groups they promise less than they say."
}

// Same says whether two data sets are the same, whatever they are called.
func (d Data) Same(o Data) bool {
	d.Name, o.Name = "", ""
	return reflect.DeepEqual(d, o)
}

// Source is where the images of a Data lie.
type Source struct {
	Cache string `json:"cache"`          // folder of fetched data sets
	Path  string `json:"path,omitempty"` // folder of the user's own data
}

// Named returns the layers of one of the paper's networks (arXiv 1705.03338)
// and whether the name is known.
//
//	base   Table I: conv5x5x32, pool2, conv5x5x64, pool2, fc1024, dropout
//	conv1  Table II: base without its second convolution and pool
//	final  Table VII: conv5x5x2, pool4, fc128, dropout
//	light  the author's later notebook: conv3x3x2 and conv1x1x2, all VALID, fc64
//
// The paper does not have light. The notebook (Light-MNIST.ipynb in
// dhingratul/Model-Compression) trains it, as all its networks, without dropout.
func Named(name string) ([]Layer, bool) {
	switch name {
	case "base":
		return []Layer{NewConv(5, 32), NewMaxPool(2), NewConv(5, 64), NewMaxPool(2), NewDense(1024), NewDropout(0.5)}, true
	case "conv1":
		return []Layer{NewConv(5, 32), NewMaxPool(2), NewDense(1024), NewDropout(0.5)}, true
	case "final":
		return []Layer{NewConv(5, 2), NewMaxPool(4), NewDense(128), NewDropout(0.5)}, true
	case "light":
		layers := []Layer{NewConv(3, 2), NewMaxPool(2), NewConv(1, 2), NewMaxPool(2), NewDense(64)}
		for i := range layers[:4] {
			layers[i].Padding = Valid
		}
		return layers, true
	}
	return nil, false
}

// Names lists the networks that Named knows.
func Names() []string { return slices.Clone([]string{"base", "conv1", "final", "light"}) }
