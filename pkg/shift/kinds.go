package shift

import (
	"bytes"
	goimage "image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"slices"
)

func noise(dst, src []uint8, m image) {
	r := m.random('n')
	for i, v := range src {
		dst[i] = level(int(v) + rounded(r.normal()*m.amount, 1000*65536))
	}
}

// blur is two passes of weights that are rounded to 1/65536; between them a
// value has 8 more bits.
func blur(dst, src []uint8, m image) {
	sd := float64(m.amount) / 1000
	reach := int(math.Ceil(3 * sd))
	weights, total := make([]int, 2*reach+1), 0
	for k := range weights {
		weights[k] = fixed(math.Exp(-float64((k-reach)*(k-reach)) / (2 * sd * sd)))
		total += weights[k]
	}
	values := make([]int, len(src))
	for i, v := range src {
		values[i] = int(v) << 8
	}
	for _, way := range [][2]int{{0, 1}, {1, 0}} {
		from := slices.Clone(values)
		for i := range values {
			x, y, sum := i/m.C%m.W, i/m.C/m.W, 0
			for k, w := range weights {
				sum += w * from[m.at(y+(k-reach)*way[0], x+(k-reach)*way[1], i%m.C)]
			}
			values[i] = rounded(sum, total)
		}
	}
	for i, v := range values {
		dst[i] = level(rounded(v, 256))
	}
}

// at is a value's place; beyond the edge it is the edge's.
func (m image) at(y, x, c int) int {
	return (min(m.H-1, max(0, y))*m.W+min(m.W-1, max(0, x)))*m.C + c
}

func brightness(dst, src []uint8, m image) {
	by := rounded(255*m.amount, 1000)
	for i, v := range src {
		dst[i] = level(int(v) + by)
	}
}

func contrast(dst, src []uint8, m image) {
	mean := meanOf(src)
	for i, v := range src {
		dst[i] = level(mean + rounded((int(v)-mean)*m.amount, 1000))
	}
}

func meanOf(src []uint8) int {
	sum := 0
	for _, v := range src {
		sum += int(v)
	}
	return rounded(sum, len(src))
}

func move(dst, src []uint8, m image) {
	way := m.random('s').below(8)
	if way >= 4 {
		way++ // of nine, all but the middle
	}
	dy, dx := (way/3-1)*m.amount/1000, (way%3-1)*m.amount/1000
	for i := range dst {
		dst[i] = src[m.at(i/m.C/m.W-dy, i/m.C%m.W-dx, i%m.C)]
	}
}

// rotate takes each value from where it was, bilinearly, in 1/65536 of a pixel.
func rotate(dst, src []uint8, m image) {
	angle := float64(m.amount) / 1000 * math.Pi / 180
	if m.random('r').below(2) == 0 {
		angle = -angle
	}
	sin, cos := fixed(math.Sin(angle)), fixed(math.Cos(angle))
	for y := range m.H {
		for x := range m.W {
			u, v := 2*x-(m.W-1), 2*y-(m.H-1) // from the middle, in half pixels
			fx, fy := (cos*u+sin*v+(m.W-1)*65536)>>1, (cos*v-sin*u+(m.H-1)*65536)>>1
			x0, y0, ax, ay := fx>>16, fy>>16, fx&0xffff, fy&0xffff
			for c := range m.C {
				top := int(src[m.at(y0, x0, c)])*(65536-ax) + int(src[m.at(y0, x0+1, c)])*ax
				low := int(src[m.at(y0+1, x0, c)])*(65536-ax) + int(src[m.at(y0+1, x0+1, c)])*ax
				dst[m.at(y, x, c)] = level(rounded(top*(65536-ay)+low*ay, 1<<32))
			}
		}
	}
}

// compress takes three channels as colour, any other number one by one as grey.
func compress(dst, src []uint8, m image) {
	bounds, together := goimage.Rect(0, 0, m.W, m.H), 1
	if m.C == 3 {
		together = 3
	}
	for c := 0; c < m.C; c += together {
		picture := goimage.NewRGBA(bounds)
		for i := range m.H * m.W {
			in := src[i*m.C+c:]
			picture.SetRGBA(i%m.W, i/m.W, color.RGBA{in[0], in[together/2], in[together-1], 255})
		}
		var from goimage.Image = picture
		if together == 1 {
			grey := goimage.NewGray(bounds)
			draw.Draw(grey, bounds, picture, goimage.Point{}, draw.Src)
			from = grey
		}
		var b bytes.Buffer
		if jpeg.Encode(&b, from, &jpeg.Options{Quality: m.amount / 1000}) == nil { // a buffer takes all
			if again, err := jpeg.Decode(&b); err == nil {
				from = again
			}
		}
		for i := range m.H * m.W {
			red, green, blue, _ := from.At(i%m.W, i/m.W).RGBA()
			copy(dst[i*m.C+c:], []uint8{uint8(red >> 8), uint8(green >> 8), uint8(blue >> 8)}[:together])
		}
	}
}

func occlude(dst, src []uint8, m image) {
	edge, r, mean := m.amount/1000, m.random('o'), uint8(meanOf(src))
	top, left := r.below(max(1, m.H-edge+1)), r.below(max(1, m.W-edge+1))
	for i, v := range src {
		if x, y := i/m.C%m.W, i/m.C/m.W; x >= left && x < left+edge && y >= top && y < top+edge {
			v = mean
		}
		dst[i] = v
	}
}
