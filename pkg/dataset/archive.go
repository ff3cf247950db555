package dataset

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"slimfit/pkg/npy"
)

// leastEdge is the edge from which on an 8-bit array [n, height, width] is one of
// pictures, not of series of so many channels.
const leastEdge = 8

// isPictures says whether a NumPy archive holds pictures, as Keras has MNIST: of 8
// bits, [n, height, width] or [n, height, width, channels].
func isPictures(path string) bool {
	if !strings.EqualFold(filepath.Ext(path), ".npz") {
		return false
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		return false
	}
	defer z.Close()
	for _, name := range []string{"x_train.npy", "x.npy"} {
		f, err := z.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		head, _ := io.ReadAll(io.LimitReader(f, int64(npy.MaxHeader)))
		kind, shape, err := npy.Shape(head)
		return err == nil && kind == "|u1" && (len(shape) == 4 || len(shape) == 3 && min(shape[1], shape[2]) >= leastEdge)
	}
	return false
}

// readPictureArrays reads an archive of pictures as the idx files of the same
// content are read: it has their digest too.
func readPictureArrays(path string) (content, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return content{}, fmt.Errorf("no NumPy archive: %w", err)
	}
	defer z.Close()
	c, err := readIDXSet(idxPaths{"x_train", "y_train", "x_test", "y_test"}, func(name string, dims ...int) (idxArray, error) {
		b, err := readEntry(&z.Reader, name+".npy")
		if errors.Is(err, fs.ErrNotExist) {
			return idxArray{}, fmt.Errorf("holds no %s: an archive of pictures wants x_train, y_train, x_test and y_test; kind: series reads "+
				"it as series", name)
		}
		if err == nil {
			b, err = idxOf(b, dims[0] == 1)
		}
		var a idxArray
		if err == nil {
			a, err = parseIDX(bytes.NewReader(b), room{most: int64(len(b)), limit: maxBytes}, dims...)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return a, err
	})
	c.notes = append(c.notes, fmt.Sprintf("its arrays are of 8 bits: they are read as pictures of %s; kind: series reads them as series",
		c.input))
	return c, err
}

// idxOf writes an array as an idx file; labels may be numbers of any type.
func idxOf(b []byte, labels bool) (idx []byte, err error) {
	var values []uint8
	var shape []int
	if !labels {
		values, shape, err = npy.Read[uint8](b)
	} else {
		var numbers []float64
		if numbers, shape, err = npy.Numbers(b); len(shape) == 2 && shape[1] == 1 { // as Keras has CIFAR-10
			shape = shape[:1]
		}
		for i, v := range numbers {
			if values = append(values, uint8(v)); !(v >= 0 && v < MaxClasses && float64(uint8(v)) == v) {
				return nil, fmt.Errorf("label %d is %v: want a whole number from 0 to %d", i, v, MaxClasses-1)
			}
		}
	}
	if err == nil && labels && len(shape) != 1 {
		err = fmt.Errorf("it has the shape %v: want one number a picture, such as argmax gives", shape)
	}
	if err != nil {
		return nil, err
	}
	idx = []byte{0, 0, idxByte, byte(len(shape))}
	for _, d := range shape {
		idx = binary.BigEndian.AppendUint32(idx, uint32(d))
	}
	return append(idx, values...), nil
}
