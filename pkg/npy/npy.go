// Package npy writes and reads NumPy's .npy files of numbers, version 1.0, C
// order: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// magic and version 1.0 start a file.
const magic = "\x93NUMPY\x01\x00"

// maxElements bounds what Read allocates.
const maxElements = 1 << 30

// MaxHeader is what a file has at most before its values, in bytes.
const MaxHeader = len(magic) + 2 + 1<<16

// number is an element type that files may hold.
type number interface {
	uint8 | int8 | int32 | float32 | float64
}

// dtype is NumPy's name of T.
func dtype[T number]() string {
	var zero T
	switch any(zero).(type) {
	case uint8:
		return "|u1"
	case int8:
		return "|i1"
	case int32:
		return "<i4"
	case float32:
		return "<f4"
	}
	return "<f8"
}

// Write writes values as an array of the shape.
func Write[T number](w io.Writer, values []T, shape ...int) error {
	b, n := head[T](shape)
	if n != len(values) {
		return fmt.Errorf("write npy: %d values do not make the shape %v", len(values), shape)
	}
	b, err := binary.Append(b, binary.LittleEndian, values)
	if err != nil {
		return fmt.Errorf("write npy: %w", err)
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write npy: %w", err)
	}
	return nil
}

// Float32Bytes is the size of what Write makes of float32 values of the shape.
func Float32Bytes(shape ...int) int {
	b, n := head[float32](shape)
	return len(b) + 4*n
}

// head is what stands before n values of the shape.
func head[T number](shape []int) (b []byte, n int) {
	dims, n := "", 1
	for _, d := range shape {
		dims += strconv.Itoa(d) + ", "
		n *= d
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype[T](), strings.TrimSuffix(dims, " "))
	// Magic, length and header together are a multiple of 64 bytes, ended by a newline.
	header += strings.Repeat(" ", 63-(len(magic)+2+len(header))%64) + "\n"
	b = append([]byte(magic), byte(len(header)), byte(len(header)>>8))
	return append(b, header...), n
}

var errDamaged = errors.New("no npy file of version 1.0 in C order")

// ErrElements is wrapped by Read's error for an array of another type than T.
var ErrElements = errors.New("elements are not")

// Read reads an array of T; another element type is an error, see ErrElements.
func Read[T number](b []byte) (values []T, shape []int, err error) {
	head, data, err := split(b)
	if err != nil {
		return nil, nil, err
	}
	if !strings.Contains(head, "'descr': '"+dtype[T]()+"'") {
		return nil, nil, fmt.Errorf("read npy: %w %s: %s", ErrElements, dtype[T](), strings.TrimSpace(head))
	}
	n, shape, err := parseShape(head)
	if err != nil {
		return nil, nil, err
	}
	switch size := n * binary.Size(T(0)); {
	case len(data) < size:
		return nil, nil, fmt.Errorf("read npy: truncated: %d of the %d bytes that the shape %v needs; copy or save it again", len(data), size,
			shape)
	case len(data) > size:
		return nil, nil, fmt.Errorf("read npy: %d bytes follow after the %d that the shape %v needs; it is damaged, or holds more than one array",
			len(data)-size, size, shape)
	}
	values = make([]T, n)
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, values); err != nil {
		return nil, nil, fmt.Errorf("read npy: %w", err)
	}
	return values, shape, nil
}

// split cuts the header off.
func split(b []byte) (head string, data []byte, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok || len(rest) < 2 {
		return "", nil, fmt.Errorf("read npy: %w", errDamaged)
	}
	n := int(binary.LittleEndian.Uint16(rest))
	if len(rest) < 2+n {
		return "", nil, fmt.Errorf("read npy: truncated: %d of the %d bytes of its header; copy or save it again", len(rest)-2, n)
	}
	head = string(rest[2 : 2+n])
	if !strings.Contains(head, "'fortran_order': False") {
		return "", nil, fmt.Errorf("read npy: %w", errDamaged)
	}
	return head, rest[2+n:], nil
}

// Shape is the element type, by NumPy's name, and the shape of the array that b
// begins.
func Shape(b []byte) (kind string, shape []int, err error) {
	head, _, err := split(b)
	if err != nil {
		return "", nil, err
	}
	if found := descr.FindStringSubmatch(head); found != nil {
		kind = found[1]
	}
	_, shape, err = parseShape(head)
	return kind, shape, err
}

func parseShape(head string) (n int, shape []int, err error) {
	found := regexp.MustCompile(`'shape': \(([0-9, ]*)\)`).FindStringSubmatch(head)
	if found == nil {
		return 0, nil, fmt.Errorf("read npy: %w", errDamaged)
	}
	n = 1
	for _, word := range strings.FieldsFunc(found[1], func(r rune) bool { return r == ',' || r == ' ' }) {
		d, err := strconv.Atoi(word)
		if err != nil || d > maxElements || (d > 0 && n > maxElements/d) {
			return 0, nil, fmt.Errorf("read npy: shape (%s) is too large", found[1])
		}
		shape = append(shape, d)
		n *= d
	}
	return n, shape, nil
}

// Add writes an array into an npz archive, NumPy's zip of npy files, under its
// name. The same values give the same bytes.
func Add[T number](z *zip.Writer, name string, values []T, shape ...int) error {
	file, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
	if err == nil {
		err = Write(file, values, shape...)
	}
	if err != nil {
		return fmt.Errorf("write npz: %s: %w", name, err)
	}
	return nil
}

// Extract reads the named array of an npz archive, of at most so many bytes.
// The error wraps fs.ErrNotExist where there is none.
func Extract[T number](z *zip.Reader, name string, most int64) (values []T, shape []int, err error) {
	f, err := z.Open(name + ".npy")
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(MaxHeader)+most+1))
	if err == nil {
		values, shape, err = Read[T](b)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return values, shape, nil
}

// elements are the number types that Numbers reads, by NumPy's name: how to make
// a float64 of the first bytes.
var elements = map[string]struct {
	size  int
	value func(b []byte) float64
}{
	"|b1": {1, func(b []byte) float64 { return float64(b[0]) }},
	"|u1": {1, func(b []byte) float64 { return float64(b[0]) }},
	"|i1": {1, func(b []byte) float64 { return float64(int8(b[0])) }},
	"<u2": {2, func(b []byte) float64 { return float64(binary.LittleEndian.Uint16(b)) }},
	"<i2": {2, func(b []byte) float64 { return float64(int16(binary.LittleEndian.Uint16(b))) }},
	"<u4": {4, func(b []byte) float64 { return float64(binary.LittleEndian.Uint32(b)) }},
	"<i4": {4, func(b []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(b))) }},
	"<u8": {8, func(b []byte) float64 { return float64(binary.LittleEndian.Uint64(b)) }},
	"<i8": {8, func(b []byte) float64 { return float64(int64(binary.LittleEndian.Uint64(b))) }},
	"<f4": {4, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }},
	"<f8": {8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }},
}

var descr = regexp.MustCompile(`'descr': '([^']*)'`)

// maxNumbers is how many values Numbers makes: 1 GiB.
const maxNumbers = 1 << 27

// Numbers reads an array of any type of numbers, little-endian and in C order.
func Numbers(b []byte) (values []float64, shape []int, err error) {
	head, data, err := split(b)
	if err != nil {
		return nil, nil, err
	}
	kind := descr.FindStringSubmatch(head)
	if kind == nil {
		return nil, nil, fmt.Errorf("read npy: %w", errDamaged)
	}
	e, ok := elements[kind[1]]
	switch {
	case strings.Contains(kind[1], "O"):
		return nil, nil, fmt.Errorf("read npy: an array of objects, as numpy makes of lists of unequal length: such are programs (pickle) and " +
			"are not read; save one array of numbers, save it as CSV, or cut all to one length")
	case !ok:
		return nil, nil, fmt.Errorf("read npy: %w numbers in little-endian order: %s", ErrElements, strings.TrimSpace(head))
	}
	n, shape, err := parseShape(head)
	if err != nil {
		return nil, nil, err
	}
	if len(data) != n*e.size {
		return nil, nil, fmt.Errorf("read npy: %d bytes of values, the shape %v needs %d; copy or save it again", len(data), shape, n*e.size)
	}
	if n > maxNumbers {
		return nil, nil, fmt.Errorf("read npy: the shape %v has more than the %d values that are taken at once; split it", shape, maxNumbers)
	}
	values = make([]float64, n)
	for i := range values {
		values[i] = e.value(data[i*e.size:])
	}
	return values, shape, nil
}
