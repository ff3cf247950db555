package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"slimfit/models"
)

// Ranges say what the images of a training part are like, for who meets others
// without having the training images. Values lie in [0, 1]; those of series are
// standardised.
type Ranges struct {
	Series   bool           `json:"series,omitempty"`
	Channels []ChannelRange `json:"channels"`
	Height   [2]int         `json:"height"` // of the pictures' files: least and most pixels
	Width    [2]int         `json:"width"`
}

// ChannelRange describes the values of one channel.
type ChannelRange struct {
	Mean  float64    `json:"mean"` // of all values, as is SD
	SD    float64    `json:"sd"`
	Means [2]float64 `json:"means"` // the means of single images: 1st and 99th percentile
	SDs   [2]float64 `json:"sds"`   // their standard deviations, likewise
}

// Ranges measures the training part.
func (s *Set) Ranges() *Ranges {
	n, channels := s.Train.N(), s.Data.Input.C
	if n == 0 {
		return nil
	}
	in := s.Data.Input
	r := &Ranges{Series: s.Data.Scaling.Series(), Height: [2]int{in.H, in.H}, Width: [2]int{in.W, in.W}}
	means, sds := make([][]float64, channels), make([][]float64, channels)
	for i := range n {
		values := s.Data.Scaling.Values(s.image(s.Train, i))
		for c, m := range moments(s.Data.Scaling.Standard(values), channels) {
			means[c], sds[c] = append(means[c], m[0]), append(sds[c], m[1])
		}
	}
	for c := range channels {
		mean, square := 0.0, 0.0
		for i, m := range means[c] {
			mean, square = mean+m/float64(n), square+(m*m+sds[c][i]*sds[c][i])/float64(n)
		}
		r.Channels = append(r.Channels, ChannelRange{mean, math.Sqrt(max(0, square-mean*mean)), middle(means[c]), middle(sds[c])})
	}
	for i, p := range s.Found.Pictures {
		if i == 0 {
			r.Height, r.Width = [2]int{p.H, p.H}, [2]int{p.W, p.W}
		}
		r.Height, r.Width = [2]int{min(r.Height[0], p.H), max(r.Height[1], p.H)}, [2]int{min(r.Width[0], p.W), max(r.Width[1], p.W)}
	}
	return r
}

// standard is the scaling by mean and standard deviation of each channel; one that
// never changes is only moved. It counts in whole numbers, so it has no rounding to
// depend on an order.
func standard(pixels []uint8, channels int) *models.Scaling {
	counts := make([][256]int, channels)
	for i, p := range pixels {
		counts[i%channels][p]++
	}
	s := &models.Scaling{}
	for _, of := range counts {
		n, sum, squares := 0, 0, 0.0
		for p, k := range of {
			n, sum = n+k, sum+k*p
		}
		mean := float64(sum) / float64(max(n, 1))
		for p, k := range of {
			squares += float64(k) * (float64(p) - mean) * (float64(p) - mean)
		}
		sd := math.Sqrt(squares/float64(max(n, 1))) / 255
		s.Mean, s.SD = append(s.Mean, mean/255), append(s.SD, cmp.Or(sd, 1))
	}
	return s
}

// moments are mean and standard deviation of each channel of an image.
func moments(values []float32, channels int) [][2]float64 {
	out := make([][2]float64, channels)
	n := float64(len(values) / channels)
	for i, v := range values {
		out[i%channels][0] += float64(v) / n
	}
	for i, v := range values {
		d := float64(v) - out[i%channels][0]
		out[i%channels][1] += d * d / n
	}
	for c := range out {
		out[c][1] = math.Sqrt(out[c][1])
	}
	return out
}

// middle is from the 1st to the 99th percentile; it sorts v.
func middle(v []float64) [2]float64 {
	slices.Sort(v)
	at := (len(v) - 1) / 100
	return [2]float64{v[at], v[len(v)-1-at]}
}

// Far says in what an image lies far from the training images, "" where it does
// not: its values, n of each channel, and the size of its file, if it has one. Far
// is outside the middle 98 % of them by more than half of that range.
func (r *Ranges) Far(values []float32, size PictureFact) string {
	if r == nil || len(r.Channels) == 0 {
		return ""
	}
	for c, m := range moments(values, len(r.Channels)) {
		t := r.Channels[c]
		of := ""
		if len(r.Channels) > 1 {
			of = fmt.Sprintf(" of channel %d", c)
		}
		switch {
		case m[1] < 1e-6 && t.SDs[0] > 0.01:
			return fmt.Sprintf("it is constant%s, and shows nothing", of)
		case beyond(m[0], t.Means) && r.Series:
			return fmt.Sprintf("its mean%s is %.2f, the training series' %.2f to %.2f (in standard deviations from their mean)", of, m[0],
				t.Means[0], t.Means[1])
		case beyond(m[0], t.Means) && !beyond(1-m[0], t.Means):
			return fmt.Sprintf("it looks inverted: the mean%s is %.2f, the training images' %.2f to %.2f (0 is black, 1 is white)", of, m[0],
				t.Means[0], t.Means[1])
		case beyond(m[0], t.Means):
			return fmt.Sprintf("its mean%s is %.2f, the training images' %.2f to %.2f (0 is black, 1 is white)", of, m[0], t.Means[0], t.Means[1])
		case beyond(m[1], t.SDs):
			return fmt.Sprintf("its contrast%s is %.2f, the training images' %.2f to %.2f (standard deviation of the values)", of, m[1],
				t.SDs[0], t.SDs[1])
		}
	}
	return r.farSize(size)
}

func beyond(x float64, of [2]float64) bool {
	margin := 0.5*(of[1]-of[0]) + 0.02
	return x < of[0]-margin || x > of[1]+margin
}

// farSize says where a picture was made from another number of pixels: less than
// half or more than twice as many as any.
func (r *Ranges) farSize(p PictureFact) string {
	if p.H == 0 || r.Height[0] == 0 {
		return ""
	}
	if 2*p.H < r.Height[0] || 2*p.W < r.Width[0] || p.H > 2*r.Height[1] || p.W > 2*r.Width[1] {
		return fmt.Sprintf("its file has %dx%d pixels (height x width), the training images' %s by %s", p.H, p.W, span(r.Height), span(r.Width))
	}
	return ""
}

func span(of [2]int) string {
	if of[0] == of[1] {
		return fmt.Sprint(of[0])
	}
	return fmt.Sprintf("%d to %d", of[0], of[1])
}
