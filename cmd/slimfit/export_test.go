package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"

	"slimfit/pkg/export/exporttest"
)

// makeRun is the command of the scripts that makes a small run folder without
// training: data/ and runs/tiny/, and three pictures, dark.png, bright.png and
// large.png.
func makeRun() {
	_, err := exporttest.Write(".")
	for name, grey := range map[string]uint8{"dark.png": 45, "bright.png": 190} {
		if err == nil {
			err = writePicture(name, exporttest.Edge, grey)
		}
	}
	if err == nil {
		err = writePicture("large.png", 20, 190)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func writePicture(name string, edge int, grey uint8) error {
	m := image.NewGray(image.Rect(0, 0, edge, edge))
	for i := range m.Pix {
		m.Pix[i] = grey
	}
	m.SetGray(0, 0, color.Gray{Y: grey + 1})
	f, err := os.Create(filepath.Clean(name))
	if err != nil {
		return err
	}
	if err := png.Encode(f, m); err != nil {
		return err
	}
	return f.Close()
}
