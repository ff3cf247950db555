package models

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
}

// Source is where the images of a Data lie.
type Source struct {
	Cache string `json:"cache"`          // folder of fetched data sets
	Path  string `json:"path,omitempty"` // folder of the user's own data
}
