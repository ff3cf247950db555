package npy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	var b bytes.Buffer
	want := []float32{1.5, -2, 0, 3e-30, 5, 6}
	if err := Write(&b, want, 3, 2); err != nil {
		t.Fatal(err)
	}
	if b.Len()%64 != 24 || !strings.HasPrefix(b.String()[10:], "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2,), }") {
		t.Errorf("header %q of %d bytes", b.String()[:64], b.Len())
	}
	got, shape, err := Read[float32](b.Bytes())
	if err != nil || !slices.Equal(got, want) || !slices.Equal(shape, []int{3, 2}) {
		t.Errorf("read %v %v, %v", got, shape, err)
	}
	if _, _, err := Read[int32](b.Bytes()); !errors.Is(err, ErrElements) {
		t.Errorf("float32 read as int32: %v", err)
	}
	if _, _, err := Read[float32](b.Bytes()[:b.Len()-1]); err == nil || errors.Is(err, ErrElements) ||
		!strings.Contains(err.Error(), "truncated: 23 of the 24 bytes") {
		t.Errorf("cut off: %v", err)
	}
	if err := Write(&b, want, 7); err == nil {
		t.Error("6 values written as 7")
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, []uint8{1, 2, 3}, 3); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(magic + "\x10\x00{'shape': (9999999999999,)}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		values, shape, err := Read[uint8](b)
		n := 1
		for _, d := range shape {
			n *= d
		}
		if err == nil && len(values) != n {
			t.Errorf("%d values of shape %v", len(values), shape)
		}
	})
}

func TestNumbers(t *testing.T) {
	for descr, data := range map[string]string{"<i8": "\x02\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", "|i1": "\x02\xff",
		"<i2": "\x02\x00\xff\xff", "<f4": "\x00\x00\x00\x40\x00\x00\x80\xbf", "<f8": "\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\xf0\xbf"} {
		head := fmt.Sprintf("%-117s\n", "{'descr': '"+descr+"', 'fortran_order': False, 'shape': (2,), }")
		file := magic + "\x76\x00" + head
		v, shape, err := Numbers([]byte(file + data))
		if err != nil || !slices.Equal(v, []float64{2, -1}) || !slices.Equal(shape, []int{2}) {
			t.Errorf("%s: %v %v, %v", descr, v, shape, err)
		}
		if _, _, err := Numbers([]byte(file + data[1:])); err == nil {
			t.Errorf("%s: cut short", descr)
		}
		if _, _, err := Numbers([]byte(strings.Replace(file, descr, ">"+descr[1:], 1) + data)); descr[0] == '<' && err == nil {
			t.Errorf("%s: big-endian", descr)
		}
	}
}
