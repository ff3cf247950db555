package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// MeanEstimate is the mean accuracy of one configuration's seeds on common
// images, with what is uncertain about it.
type MeanEstimate struct {
	Mean    float64 `json:"mean"`
	SeedSE  float64 `json:"seed_se"`  // of the mean, from the spread over seeds
	ImageSE float64 `json:"image_se"` // of the mean, from the draw of images
	DF      float64 `json:"df"`       // degrees of freedom of both together (Satterthwaite)
	Seeds   int     `json:"-"`
}

// EstimateMean describes the mean accuracy of at least two seeds; wrong[s]
// holds the images that seed s gets wrong, as in Group.
func EstimateMean(wrong [][]int, images int) (MeanEstimate, error) {
	g := Group{Name: "the configuration", Wrong: wrong}
	if images < 2 {
		return MeanEstimate{}, fmt.Errorf("mean accuracy: %d images, need at least two", images)
	}
	if err := g.check(images); err != nil {
		return MeanEstimate{}, fmt.Errorf("mean accuracy: %w", err)
	}
	mean, seedVar, m := g.seeds(images)
	share := make([]float64, images) // of the seeds that get the image wrong
	for _, w := range wrong {
		for _, i := range w {
			share[i] += 1 / float64(m)
		}
	}
	imageVar := stat.Variance(share, nil) / float64(images)
	e := MeanEstimate{Mean: mean, SeedSE: math.Sqrt(seedVar), ImageSE: math.Sqrt(imageVar), DF: maxDF, Seeds: m}
	if total := seedVar + imageVar; total > 0 {
		v := seedVar*seedVar/float64(m-1) + imageVar*imageVar/float64(images-1)
		e.DF = math.Min(total*total/v, maxDF)
	}
	return e, nil
}

// maxDF keeps degrees of freedom finite; a t distribution changes no digit
// beyond it.
const maxDF = 1e6

// Lower is the one-sided lower bound of the mean accuracy over seeds and
// images to come. The two variances are added as if the seeds' spread held no
// noise of single images, so the bound is on the safe side.
func (e MeanEstimate) Lower(confidence float64) (float64, error) {
	return e.lower(confidence, e.DF)
}

// LowerByParts is Lower with halfWidth's guarantee for few seeds.
func (e MeanEstimate) LowerByParts(confidence float64) (float64, error) {
	if err := checkShare("confidence", confidence); err != nil {
		return 0, err
	}
	parts := []part{{e.SeedSE * e.SeedSE, float64(e.Seeds - 1)}, {e.ImageSE * e.ImageSE, maxDF}}
	return e.Mean - halfWidth(1-confidence, parts), nil
}

// LowerOfSeeds is Lower with the degrees of freedom of the seeds alone. With few
// of them Satterthwaite's make the bound err more often than stated: where the
// seeds happen to lie close, the t quantile becomes a normal one.
func (e MeanEstimate) LowerOfSeeds(confidence float64) (float64, error) {
	return e.lower(confidence, float64(e.Seeds-1))
}

func (e MeanEstimate) lower(confidence, df float64) (float64, error) {
	if err := checkShare("confidence", confidence); err != nil {
		return 0, err
	}
	t := distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(confidence)
	return e.Mean - t*math.Hypot(e.SeedSE, e.ImageSE), nil
}

// LowerOnImages is the one-sided lower bound of these very seeds' mean
// accuracy on images to come, by the normal approximation.
func (e MeanEstimate) LowerOnImages(confidence float64) (float64, error) {
	if err := checkShare("confidence", confidence); err != nil {
		return 0, err
	}
	return e.Mean - distuv.UnitNormal.Quantile(confidence)*e.ImageSE, nil
}
