package search

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// observation is what was trained of one place.
type observation struct {
	place  int
	logit  float64 // of its accuracy on the validation images
	weight float64
}

// surrogate predicts the logit of a configuration's accuracy: a weighted ridge
// regression on the features of a field (Hoerl and Kennard, Technometrics 1970),
// in which no weight of a rising feature is negative: those that would be are
// left out, the worst first. Its spread is that of the residuals with each
// observation left out; the penalty is the one that makes it least.
type surrogate struct {
	columns []column  // that have a weight
	weights []float64 // as many
	at      []float64 // the observations' mean in each column
	mean    float64   // of their logits
	total   float64   // weight of all
	spread  float64   // sd of a residual
	chol    mat.Cholesky
	upper   mat.TriDense // chol's U, with U'U the penalised covariance
}

// leastSpread is about what 5,000 images tell apart at 95 %.
const leastSpread = 0.05

// fit needs two observations or more.
func fit(columns []column, all []observation) *surrogate {
	var best *surrogate
	for _, penalty := range []float64{0.1, 1, 10} {
		left := columns
		for {
			m := fitRidge(left, all, penalty)
			worst := -1
			for j, c := range m.columns {
				if c.rises && m.weights[j] < 0 && (worst < 0 || m.weights[j] < m.weights[worst]) {
					worst = j
				}
			}
			if worst < 0 {
				if best == nil || m.spread < best.spread {
					best = m
				}
				break
			}
			left = slices.Delete(slices.Clone(left), worst, worst+1)
		}
	}
	return best
}

func fitRidge(columns []column, all []observation, penalty float64) *surrogate {
	p := len(columns)
	m := &surrogate{columns: columns, at: make([]float64, p), weights: make([]float64, p)}
	for _, o := range all {
		m.total += o.weight
		m.mean += o.weight * o.logit
		for j, c := range columns {
			m.at[j] += o.weight * float64(c.values[o.place])
		}
	}
	m.mean /= m.total
	for j := range m.at {
		m.at[j] /= m.total
	}
	if p == 0 {
		m.leaveOut(all)
		return m
	}
	a, b := mat.NewSymDense(p, nil), mat.NewVecDense(p, nil)
	for j := range p {
		a.SetSym(j, j, penalty)
	}
	row := make([]float64, p)
	for _, o := range all {
		x := mat.NewVecDense(p, m.row(row, o.place))
		a.SymRankOne(a, o.weight, x)
		b.AddScaledVec(b, o.weight*(o.logit-m.mean), x)
	}
	m.chol.Factorize(a) // positive definite by its penalty
	w := mat.NewVecDense(p, m.weights)
	m.chol.SolveVecTo(w, b)
	m.chol.UTo(&m.upper)
	m.leaveOut(all)
	return m
}

// row fills x with the place's features, less the observations' means.
func (m *surrogate) row(x []float64, place int) []float64 {
	for j, c := range m.columns {
		x[j] = float64(c.values[place]) - m.at[j]
	}
	return x
}

// leaveOut sets the spread.
func (m *surrogate) leaveOut(all []observation) {
	sum := 0.0
	for _, o := range all {
		r := (o.logit - m.predict(o.place)) / max(1-o.weight*m.leverage(o.place), 0.05)
		sum += o.weight * r * r
	}
	m.spread = max(leastSpread, math.Sqrt(sum/m.total))
}

// predict is the expected logit.
func (m *surrogate) predict(place int) float64 {
	y := m.mean
	for j, c := range m.columns {
		y += m.weights[j] * (float64(c.values[place]) - m.at[j])
	}
	return y
}

// leverage is the variance of predict in units of spread squared.
func (m *surrogate) leverage(place int) float64 {
	v := 1 / m.total
	var z [mostColumns]float64
	u := m.upper.RawTriangular()
	for j, c := range m.columns { // forward: U'z = x
		y := float64(c.values[place]) - m.at[j]
		for i := range j {
			y -= u.Data[i*u.Stride+j] * z[i]
		}
		z[j] = y / u.Data[j*u.Stride+j]
		v += z[j] * z[j]
	}
	return v
}

// sd is the spread of the logit of one configuration about predict.
func (m *surrogate) sd(place int) float64 { return m.spread * math.Sqrt(1+m.leverage(place)) }

// draw is a surrogate whose weights are drawn from what the observations leave
// open; rising features stay so.
func (m *surrogate) draw(rng *rand.Rand) *surrogate {
	d := *m
	d.mean += m.spread / math.Sqrt(m.total) * rng.NormFloat64()
	d.weights = slices.Clone(m.weights)
	p := len(m.columns)
	if p == 0 {
		return &d
	}
	z := mat.NewVecDense(p, nil)
	for j := range p {
		z.SetVec(j, m.spread*rng.NormFloat64())
	}
	if z.SolveVec(&m.upper, z) != nil {
		return &d // nearly singular: the weights as they are
	}
	for j, c := range m.columns {
		if d.weights[j] += z.AtVec(j); c.rises {
			d.weights[j] = max(0, d.weights[j])
		}
	}
	return &d
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// normalTail is the chance of a standard normal number above z.
func normalTail(z float64) float64 { return 0.5 * math.Erfc(z/math.Sqrt2) }
