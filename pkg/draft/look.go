package draft

import (
	"fmt"
	"strings"

	"gonum.org/v1/gonum/stat"

	"slimfit/pkg/dataset"
	"slimfit/pkg/shell"
	"slimfit/pkg/text"
)

// look writes down what was seen of the data.
func (d *Draft) look(set *dataset.Set, ref dataset.Ref) {
	var classes []string
	all := [3][]int{set.Train.Histogram(set.Data.Classes), set.Validation.Histogram(set.Data.Classes), set.Test.Histogram(set.Data.Classes)}
	for i, name := range set.ClassNames {
		classes = append(classes, fmt.Sprintf("%s %d", text.Printable(name), all[0][i]+all[1][i]+all[2][i]))
	}
	const shown = 12
	if more := len(classes) - shown; more > 0 {
		classes = append(classes[:shown], fmt.Sprintf("and %d more", more))
	}
	if d.Series {
		d.Seen = append(d.Seen, fmt.Sprintf("series of %d points in time, %s", set.Data.Input.W, text.Count(set.Data.Input.C, "channel")))
	}
	d.Seen = append(d.Seen, fmt.Sprintf("%d classes: %s", set.Data.Classes, strings.Join(classes, ", ")),
		fmt.Sprintf("%d to train, %d to choose by, %d to test with", set.Data.Train, set.Data.Validation, set.Data.Test))
	if n := set.Found.Unreadable; n > 0 {
		d.Seen = append(d.Seen, "files that cannot be read are listed by: "+shell.Line("slimfit", "data", "verify", "--all", ref.Path))
	}
	for _, note := range set.Notes {
		d.Seen = append(d.Seen, text.Printable(note))
	}
}

// cells is the edge of the grid that colour is compared on.
const cells = 4

// tells is the share of a colour's variance over pictures that their classes
// explain, of what their brightness does not, in the place where it is largest.
func tells(set *dataset.Set) float64 {
	in, images := set.Data.Input, set.Train
	values := make([][2*cells*cells + cells*cells]float64, images.N()) // red and blue less green, then brightness
	for i := range values {
		px := images.Pixels[i*in.Elements():]
		for y := range in.H {
			for x := range in.W {
				at, p := y*cells/in.H*cells+x*cells/in.W, 3*(y*in.W+x)
				r, g, b := float64(px[p]), float64(px[p+1]), float64(px[p+2])
				values[i][at] += r - g
				values[i][cells*cells+at] += b - g
				values[i][2*cells*cells+at] += (r + g + b) / 3
			}
		}
	}
	pixels, most := float64(in.H*in.W)/(cells*cells), 0.0
	colour, light := make([]float64, len(values)), make([]float64, len(values))
	for k := range 2 * cells * cells {
		for i, v := range values {
			colour[i], light[i] = v[k]/pixels, v[2*cells*cells+k%(cells*cells)]/pixels
		}
		from, slope := stat.LinearRegression(light, colour, nil, false)
		sums, counts := make([]float64, set.Data.Classes), make([]float64, set.Data.Classes)
		for i := range colour {
			colour[i] -= from + slope*light[i]
			sums[images.Labels[i]] += colour[i]
			counts[images.Labels[i]]++
		}
		between, all := 0.0, float64(len(colour))*stat.PopVariance(colour, nil)
		for c, n := range counts {
			between += sums[c] * sums[c] / max(n, 1)
		}
		if all > float64(len(colour)) { // of more than one grey level
			most = max(most, between/all)
		}
	}
	return most
}

// colour makes pictures grey whose colours tell nothing of their class.
func (d *Draft) colour(set *dataset.Set, ref *dataset.Ref) {
	const little = 0.1
	share := tells(set)
	words := fmt.Sprintf("the class explains %.0f %% of what their colours vary by", 100*share)
	if share < little {
		d.Channels, ref.Channels = dataset.ChannelsGrey, dataset.ChannelsGrey
		words += ", next to nothing: grey will do"
	}
	d.Seen = append(d.Seen, words)
}
