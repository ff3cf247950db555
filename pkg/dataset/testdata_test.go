package dataset

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"slimfit/pkg/dataset/datatest"
)

// idxBytes is an idx file of bytes with these dimensions.
func idxBytes(values []byte, dims ...int) []byte {
	b := []byte{0, 0, idxByte, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, values...)
}

// idxFolder is a small data set in four idx files: 30 and 12 images of 2x3
// pixels in three classes.
func idxFolder() map[string][]byte {
	return map[string][]byte{
		"train-images-idx3-ubyte": idxBytes(datatest.Counting(30*6, 251), 30, 2, 3),
		"train-labels-idx1-ubyte": idxBytes(datatest.Counting(30, 3), 30),
		"t10k-images-idx3-ubyte":  idxBytes(datatest.Counting(12*6, 13), 12, 2, 3),
		"t10k-labels-idx1-ubyte":  idxBytes(datatest.Counting(12, 3), 12),
	}
}

// cifarBytes are n records with labels counting modulo m.
func cifarBytes(n, m int) []byte {
	var b []byte
	for i := range n {
		b = append(b, byte(i%m))
		for plane := range 3 {
			for p := range cifarPlane {
				b = append(b, byte(100*plane+p%31+i))
			}
		}
	}
	return b
}

// pngBytes is a picture of one colour, with a mark in its corner so that
// pictures differ.
func pngBytes(t testing.TB, h, w int, c color.NRGBA, mark uint8) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range h * w {
		m.SetNRGBA(i%w, i/w, c)
	}
	m.SetNRGBA(0, 0, color.NRGBA{mark, mark, mark, 255})
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pngHeaderSum is the checksum of a PNG file's first chunk.
func pngHeaderSum(b []byte) []byte {
	return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b[12:29]))
}

func jpegBytes(t testing.TB, h, w int, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range h * w {
		m.Set(i%w, i/w, c)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func grey(v uint8) color.NRGBA { return color.NRGBA{v, v, v, 255} }
