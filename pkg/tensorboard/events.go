// Package tensorboard writes the event files that TensorBoard reads: TFRecords
// of Event protocol buffers with scalar summaries (tensorflow/core/util/event.proto
// and tensorflow/core/lib/io/record_writer.h). It needs no TensorFlow.
package tensorboard

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Scalar is one number of a curve.
type Scalar struct {
	Tag   string // the curve: "loss", "accuracy/validation"
	Step  int64
	Value float64
	Time  time.Time
}

// Event's and Summary's field numbers.
const (
	eventWallTime = 1 // double, seconds
	eventStep     = 2
	eventVersion  = 3 // string
	eventSummary  = 5

	summaryValue = 1
	valueTag     = 1
	valueSimple  = 2 // float
)

// Writer writes one event file.
type Writer struct {
	w   io.Writer
	crc *crc32.Table
}

// NewWriter writes the file's first record, which names its version.
func NewWriter(w io.Writer, started time.Time) (*Writer, error) {
	t := &Writer{w: w, crc: crc32.MakeTable(crc32.Castagnoli)}
	e := appendTime(nil, started)
	e = protowire.AppendTag(e, eventVersion, protowire.BytesType)
	e = protowire.AppendString(e, "brain.Event:2")
	return t, t.record(e)
}

// Write adds a point to a curve.
func (t *Writer) Write(s Scalar) error {
	var v []byte
	v = protowire.AppendTag(v, valueTag, protowire.BytesType)
	v = protowire.AppendString(v, s.Tag)
	v = protowire.AppendTag(v, valueSimple, protowire.Fixed32Type)
	v = protowire.AppendFixed32(v, math.Float32bits(float32(s.Value)))
	sum := protowire.AppendTag(nil, summaryValue, protowire.BytesType)
	sum = protowire.AppendBytes(sum, v)

	e := appendTime(nil, s.Time)
	e = protowire.AppendTag(e, eventStep, protowire.VarintType)
	e = protowire.AppendVarint(e, uint64(s.Step))
	e = protowire.AppendTag(e, eventSummary, protowire.BytesType)
	e = protowire.AppendBytes(e, sum)
	return t.record(e)
}

func appendTime(e []byte, at time.Time) []byte {
	e = protowire.AppendTag(e, eventWallTime, protowire.Fixed64Type)
	return protowire.AppendFixed64(e, math.Float64bits(float64(at.UnixMicro())/1e6))
}

// record writes one TFRecord: length, its checksum, data, their checksum.
func (t *Writer) record(data []byte) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, t.masked(b))
	b = append(b, data...)
	b = binary.LittleEndian.AppendUint32(b, t.masked(data))
	if _, err := t.w.Write(b); err != nil {
		return fmt.Errorf("write a TensorBoard event: %w", err)
	}
	return nil
}

// masked is TFRecord's checksum: a CRC-32C, rotated and offset, as checksums
// of data that hold checksums are weak.
func (t *Writer) masked(b []byte) uint32 {
	c := crc32.Checksum(b, t.crc)
	return (c>>15 | c<<17) + 0xa282ead8
}
