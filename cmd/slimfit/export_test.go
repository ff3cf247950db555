package main

import (
	"cmp"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
)

// makeRun is the command of the scripts that makes a small run folder without
// training: data/ and runs/tiny/, and pictures: dark.png, bright.png, large.png,
// and flat.png of one grey.
func makeRun() {
	err := copyTiny(".")
	for name, grey := range map[string]uint8{"dark.png": 45, "bright.png": 190} {
		if err == nil {
			err = writePicture(name, tinyEdge, grey, 30)
		}
	}
	err = cmp.Or(err, writePicture("large.png", 20, 190, 30), writePicture("flat.png", tinyEdge, 190, 1))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// writePicture draws as many greys around one as training images have.
func writePicture(name string, edge int, grey, greys uint8) error {
	m := image.NewGray(image.Rect(0, 0, edge, edge))
	for i := range m.Pix {
		m.Pix[i] = grey - greys/2 + uint8(i*7)%greys
	}
	f, err := os.Create(filepath.Clean(name))
	if err != nil {
		return err
	}
	if err := png.Encode(f, m); err != nil {
		return err
	}
	return f.Close()
}
