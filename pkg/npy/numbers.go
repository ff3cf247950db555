package npy

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"strings"
)

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
