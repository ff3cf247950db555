package stats

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Group is one configuration's networks, judged on the same images as every
// other group: Wrong[s] holds the indices of the images that seed s gets
// wrong, each in [0, images), without repeats.
type Group struct {
	Name  string
	Wrong [][]int
}

// Replicates are bootstrap draws of the mean accuracy of several groups over
// one common resampling of the images.
type Replicates struct {
	images int
	groups []Group
	means  [][]float64 // [group][replicate]
}

// Difference is how much more accurate one group is than another.
type Difference struct {
	Mean     float64  `json:"mean"`     // in accuracy, first minus second
	SE       float64  `json:"se"`       // over seeds and images
	DF       float64  `json:"df"`       // degrees of freedom of the seeds' share of it: the fewer seeds less one
	Interval Interval `json:"interval"` // two-sided
	P        float64  `json:"p"`        // two-sided, of no difference; correct many with Holm
}

// The replicates and the seed that reports and claims draw by, so that both say
// the same of the same networks.
const (
	BootstrapDraws = 2000
	BootstrapSeed  = 1705_03338
)

// minReplicates gives the standard error to about 5 %.
const minReplicates = 200

// CrossedBootstrap resamples seeds and images at the same time, as two crossed
// random factors (Owen, The pigeonhole bootstrap, 2007). Images are drawn n
// of n, once for all groups, as they all judge the same ones. Seeds are drawn
// m-1 of m, by group: m of m would show only (m-1)/m of the seeds' variance
// (Rao and Wu 1988), a fifth too little at five seeds. Each group needs two
// seeds. The result depends on its arguments alone; 2,000 replicates give the
// standard error to 2 %.
func CrossedBootstrap(groups []Group, images, replicates int, seed uint64) (*Replicates, error) {
	if images < 1 || replicates < minReplicates {
		return nil, fmt.Errorf("crossed bootstrap: %d images, %d replicates; need 1 and %d or more", images, replicates, minReplicates)
	}
	for _, g := range groups {
		if err := g.check(images); err != nil {
			return nil, fmt.Errorf("crossed bootstrap: %w", err)
		}
	}
	r := &Replicates{images: images, groups: groups, means: make([][]float64, len(groups))}
	for i := range r.means {
		r.means[i] = make([]float64, replicates)
	}
	weight := make([]int32, images)
	for b := range replicates {
		rng := rand.New(rand.NewPCG(seed, uint64(b)))
		clear(weight)
		for range images {
			weight[rng.IntN(images)]++
		}
		for i, g := range groups {
			r.means[i][b] = g.draw(weight, rng)
		}
	}
	return r, nil
}

func (g Group) check(images int) error {
	if len(g.Wrong) < 2 {
		return fmt.Errorf("%s has %d seeds: the spread over seeds needs at least two", g.Name, len(g.Wrong))
	}
	for s, wrong := range g.Wrong {
		for _, i := range wrong {
			if i < 0 || i >= images {
				return fmt.Errorf("%s, seed number %d: image %d is not one of %d", g.Name, s, i, images)
			}
		}
	}
	return nil
}

// draw is the mean accuracy of m-1 seeds drawn from m, over weighted images.
func (g Group) draw(weight []int32, rng *rand.Rand) float64 {
	m := len(g.Wrong)
	errors := 0
	for range m - 1 {
		for _, i := range g.Wrong[rng.IntN(m)] {
			errors += int(weight[i])
		}
	}
	return 1 - float64(errors)/float64((m-1)*len(weight))
}

// Difference compares group i with group j. The interval and p-value are those of
// halfWidth, as a percentile interval is too short for few seeds, and so is
// Student's with Satterthwaite's degrees of freedom: where seeds happen to lie
// close, these become many. Where seeds differ by
// single images rather than as a whole, the standard error is too large, up to
// 1.4 times (Owen 2007): the test then claims less than it could.
func (r *Replicates) Difference(i, j int, confidence float64) (Difference, error) {
	if i < 0 || j < 0 || i >= len(r.groups) || j >= len(r.groups) {
		return Difference{}, fmt.Errorf("difference of groups %d and %d: there are %d", i, j, len(r.groups))
	}
	if err := checkShare("confidence", confidence); err != nil {
		return Difference{}, err
	}
	meanA, varA, nA := r.groups[i].seeds(r.images)
	meanB, varB, nB := r.groups[j].seeds(r.images)
	d := make([]float64, len(r.means[i]))
	for b := range d {
		d[b] = r.means[i][b] - r.means[j][b]
	}
	out := Difference{Mean: meanA - meanB, SE: stat.StdDev(d, nil), DF: float64(min(nA, nB) - 1)}
	parts := []part{{varA, float64(nA - 1)}, {varB, float64(nB - 1)}, {math.Max(0, out.SE*out.SE-varA-varB), maxDF}}
	half := halfWidth((1-confidence)/2, parts)
	out.Interval = Interval{out.Mean - half, out.Mean + half}
	low, high := math.Log(leastP), 0.0 // the p-value is where the interval ends at 0
	for range 60 {
		if mid := (low + high) / 2; halfWidth(math.Exp(mid)/2, parts) >= math.Abs(out.Mean) {
			low = mid
		} else {
			high = mid
		}
	}
	if out.P = math.Exp(high); out.SE == 0 && out.Mean != 0 {
		out.P = 0
	}
	return out, nil
}

// leastP is the least p-value that is told.
const leastP = 1e-12

// part is a share of a variance, with the degrees of freedom by which it is known.
type part struct{ variance, df float64 }

// halfWidth is half of an interval that leaves alpha at each end: the shares of
// the variance are added each by its own quantile, sqrt(sum t^2 v). It misses in
// no more than 2 alpha of cases, however the shares are divided and however few
// seeds there are (Banerjee, Sankhya 22, 1960).
func halfWidth(alpha float64, parts []part) float64 {
	sum := 0.0
	for _, p := range parts {
		if p.variance > 0 {
			q := quantile(p.df, alpha)
			sum += q * q * p.variance
		}
	}
	return math.Sqrt(sum)
}

// quantile is Student's, and the normal one at maxDF.
func quantile(df, alpha float64) float64 {
	if df >= maxDF {
		return distuv.UnitNormal.Quantile(alpha)
	}
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(alpha)
}

// seeds returns the mean accuracy over seeds, the variance of that mean by the
// spread of the seeds, and the number of seeds.
func (g Group) seeds(images int) (mean, variance float64, n int) {
	acc := make([]float64, len(g.Wrong))
	for s, wrong := range g.Wrong {
		acc[s] = 1 - float64(len(wrong))/float64(images)
	}
	mean, v := stat.MeanVariance(acc, nil)
	return mean, v / float64(len(acc)), len(acc)
}
