package device

import (
	"maps"
	"math"
	"slices"
	"strings"

	"slimfit/pkg/ccode"
)

// Row is a measured network that a model is fitted to.
type Row struct {
	Known   Known
	Work    ccode.Work
	Figures Figures
}

// Fit finds a model; nil rows are left out. Code sizes and stacks depend on
// what the code has, times on what it does as well.
func Fit(rows []*Row) Model {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r *Row) bool { return r == nil })
	has := func(name string) bool {
		return !strings.HasSuffix(name, "s") || strings.HasSuffix(name, "step") || !strings.Contains(name, " ")
	}
	m := Model{Networks: len(rows), By: rows[0].Figures.By}
	m.Flash = leastSquares(rows, has, func(r *Row) (float64, float64) { return float64(r.Figures.Flash), r.Known.Flash })
	m.RAM = leastSquares(rows, has, func(r *Row) (float64, float64) { return float64(r.Figures.RAM), r.Known.RAM })
	m.Time = leastSquares(rows, func(name string) bool { return name == "base" || !has(name) }, func(r *Row) (float64, float64) {
		return max(r.Figures.Cycles, r.Figures.Instructions), 0
	})
	return m
}

// sweeps over the coefficients until least squares have settled.
const sweeps = 20_000

// leastSquares finds coefficients, none below zero, of the terms that make up
// a figure's unknown part, so that squares of relative errors are least, by
// coordinate descent.
func leastSquares(rows []*Row, use func(string) bool, figure func(*Row) (all, known float64)) ccode.Work {
	names := map[string]bool{}
	for _, r := range rows {
		for name := range r.Work {
			names[name] = names[name] || use(name)
		}
	}
	maps.DeleteFunc(names, func(_ string, used bool) bool { return !used })
	out := ccode.Work{}
	order := slices.Sorted(maps.Keys(names))
	columns := make([][]float64, len(order))
	left := make([]float64, len(rows)) // relative errors
	for i, r := range rows {
		all, known := figure(r)
		left[i] = (all - known) / all
		for k, name := range order {
			columns[k] = append(columns[k], r.Work[name]/all)
		}
	}
	weight := slices.Repeat([]float64{1}, len(rows))
	for sweep := range sweeps {
		if sweep%(sweeps/8) == sweeps/8-1 { // those that are far off count more: the worst is what is promised
			for i, off := range left {
				weight[i] = math.Abs(off) + 0.02
			}
		}
		for k, name := range order {
			over, under := 0.0, 0.0
			for i, x := range columns[k] {
				over, under = over+weight[i]*x*left[i], under+weight[i]*x*x
			}
			step := max(over/under, -out[name])
			out[name] += step
			for i, x := range columns[k] {
				left[i] -= step * x
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, c float64) bool { return c == 0 })
	return out
}
