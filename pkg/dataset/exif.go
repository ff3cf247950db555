package dataset

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation reads the EXIF orientation of a JPEG file (CIPA DC-008, tag
// 0x0112 of the first directory): 1 to 8, 1 where there is none.
func orientation(b []byte) int {
	if !bytes.HasPrefix(b, []byte("\xff\xd8")) {
		return 1
	}
	for b = b[2:]; len(b) >= 4 && b[0] == 0xff && b[1] != 0xda; {
		if b[1] == 0xff { // a fill byte
			b = b[1:]
			continue
		}
		size := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if size > len(b) {
			return 1
		}
		if body, ok := bytes.CutPrefix(b[4:max(size, 4)], []byte("Exif\x00\x00")); ok && b[1] == 0xe1 {
			return tiffOrientation(body)
		}
		b = b[size:]
	}
	return 1
}

func tiffOrientation(b []byte) int {
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(b, []byte("MM")) {
		order = binary.BigEndian
	}
	if len(b) < 8 {
		return 1
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 0x0112 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// turned brings a picture that was stored with an EXIF orientation upright.
func turned(m *image.RGBA, orient int) *image.RGBA {
	if orient == 1 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if orient >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			u, v := x, y // of the pixel in m that is shown at x, y
			if orient >= 5 {
				u, v = y, x
			}
			switch orient {
			case 2, 3, 7, 8:
				u = w - 1 - u
			}
			switch orient {
			case 3, 4, 6, 7:
				v = h - 1 - v
			}
			copy(out.Pix[out.PixOffset(x, y):][:4], m.Pix[m.PixOffset(u, v):])
		}
	}
	return out
}
