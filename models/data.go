package models

import "reflect"

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
