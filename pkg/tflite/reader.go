package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
)

// reader reads a flatbuffer that may be damaged or hostile: every position is
// checked against the file, the first fault is kept in err, and after it every
// read gives zero.
type reader struct {
	file   []byte
	err    error
	scales int // scales and zero points read so far
}

// table is a table's place in the file. The zero table has no fields.
type table struct {
	r      *reader
	at     int // of the table
	vtable int // of its vtable
	fields int // number of fields in the vtable
}

// vector is a vector's place: the first element and their number.
type vector struct {
	r  *reader
	at int
	n  int
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// bytes returns n bytes at a position, or nil if they are not in the file.
func (r *reader) bytes(at, n int) []byte {
	if r.err != nil {
		return nil
	}
	if at < 0 || n < 0 || at > len(r.file) || n > len(r.file)-at {
		r.fail("damaged: %d bytes at offset %d of a file of %d", n, at, len(r.file))
		return nil
	}
	return r.file[at : at+n]
}

func (r *reader) uint32(at int) int {
	if b := r.bytes(at, 4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (r *reader) uint16(at int) int {
	if b := r.bytes(at, 2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

// table follows the offset stored at a position.
func (r *reader) table(at int) table {
	t := table{r: r, at: at + r.uint32(at)}
	back := int(int32(r.uint32(t.at)))
	t.vtable = t.at - back
	size := r.uint16(t.vtable)
	if r.err == nil && size < 4 {
		r.fail("damaged: a vtable of %d bytes at offset %d", size, t.vtable)
	}
	if r.err != nil {
		return table{r: r}
	}
	t.fields = (size - 4) / 2
	return t
}

// field is the position of a field, 0 if the table does not have it.
func (t table) field(number int) int {
	if number >= t.fields {
		return 0
	}
	offset := t.r.uint16(t.vtable + 4 + 2*number)
	if offset == 0 {
		return 0
	}
	return t.at + offset
}

func (t table) int32(number, missing int) int {
	if at := t.field(number); at != 0 {
		return int(int32(t.r.uint32(at)))
	}
	return missing
}

// uint32 reads an index; values that do not fit an int are as wrong as others
// out of range.
func (t table) uint32(number int) int {
	if at := t.field(number); at != 0 {
		return t.r.uint32(at)
	}
	return 0
}

func (t table) byte(number int) byte {
	if at := t.field(number); at != 0 {
		if b := t.r.bytes(at, 1); b != nil {
			return b[0]
		}
	}
	return 0
}

func (t table) float32(number int) float32 {
	if at := t.field(number); at != 0 {
		return math.Float32frombits(uint32(t.r.uint32(at)))
	}
	return 0
}

func (t table) table(number int) (table, bool) {
	at := t.field(number)
	if at == 0 {
		return table{r: t.r}, false
	}
	sub := t.r.table(at)
	return sub, t.r.err == nil
}

// vector finds a vector of elements of size bytes; a missing one is empty.
func (t table) vector(number, size int) vector {
	at := t.field(number)
	if at == 0 {
		return vector{r: t.r}
	}
	at += t.r.uint32(at)
	n := t.r.uint32(at)
	if t.r.err != nil {
		return vector{r: t.r}
	}
	if n > len(t.r.file)/size || t.r.bytes(at+4, n*size) == nil {
		t.r.fail("damaged: a vector of %d x %d bytes at offset %d of a file of %d", n, size, at, len(t.r.file))
		return vector{r: t.r}
	}
	return vector{t.r, at + 4, n}
}

// maxText bounds a name or description.
const maxText = 4096

func (t table) text(number int) string {
	v := t.vector(number, 1)
	if v.n > maxText {
		t.r.fail("a text of %d bytes: at most %d", v.n, maxText)
		return ""
	}
	return string(v.bytes())
}

func (v vector) bytes() []byte {
	if v.n == 0 {
		return nil
	}
	return v.r.bytes(v.at, v.n)
}

func (v vector) table(i int) table { return v.r.table(v.at + 4*i) }

func (v vector) int32(i int) int { return int(int32(v.r.uint32(v.at + 4*i))) }

func (v vector) float32(i int) float32 {
	return math.Float32frombits(uint32(v.r.uint32(v.at + 4*i)))
}

func (v vector) int64(i int) int64 {
	if b := v.r.bytes(v.at+8*i, 8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// ints reads a short vector of 32-bit integers.
func (v vector) ints(limit int, what string) []int {
	if v.n > limit {
		v.r.fail("%s has %d entries: at most %d", what, v.n, limit)
		return nil
	}
	s := make([]int, v.n)
	for i := range s {
		s[i] = v.int32(i)
	}
	return s
}
