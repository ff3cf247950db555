package report

import (
	"cmp"
	"slices"
	"strings"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
)

// Chart says how accuracy is drawn: what is on x, and which rows form a curve.
type Chart struct {
	X      string   `json:"x"`      // an axis's name, or a cost's key
	Cost   bool     `json:"cost"`   // X is a cost
	Label  string   `json:"label"`  // of the x axis, with its unit
	Log    bool     `json:"log"`    // scale of x
	Values []string `json:"values"` // of an axis on x, in order; nil for a cost
	Number bool     `json:"number"` // Values are numbers; else they stand at 0, 1, 2, ...
	Slice  string   `json:"slice"`  // the axis that colours tell; "" where there is one colour
	Slices []string `json:"slices"` // its values
	Lines  bool     `json:"lines"`  // rows of a curve are joined; false where too many axes vary
	Curves []Curve  `json:"curves"`
}

// Curve is a list of rows that differ in one axis.
type Curve struct {
	Label string `json:"label"`
	Slice int    `json:"slice"` // in Chart.Slices
	Rows  []int  `json:"rows"`  // by rising x
}

// Beyond these, lines are a tangle and colours can't be told apart.
const (
	maxCurves = 12
	maxSlices = 8
)

// chart chooses x, slices and curves: the experiment's `report` section first,
// then what suits the axes.
func (r *filled) chart(e *experiment.Experiment) {
	c := &r.Chart
	if e != nil {
		c.X, c.Slice, c.Log = e.Report.X, e.Report.Slice, e.Report.Scale == "log"
	}
	varying := r.Varying()
	if c.X == "" {
		c.X = defaultX(varying, c.Slice)
	}
	if c.X == "" {
		c.X, c.Log = string(r.cost()), true
	}
	if c.Slice == "" {
		for _, a := range varying {
			if a.Name != c.X && len(a.Values) <= maxSlices {
				c.Slice = a.Name
				break
			}
		}
	}
	if a := r.Axis(c.Slice); a != nil {
		c.Slices = a.Values
	} else {
		c.Slice, c.Slices = "", []string{""}
	}
	r.placeRows()
	r.curves(varying)
}

// defaultX is the last numeric axis beside the slice, where at most two axes
// vary; with more, only a cost orders the networks.
func defaultX(varying []Axis, slice string) string {
	if len(varying) > 2 {
		return ""
	}
	for _, a := range slices.Backward(varying) {
		if a.Name != slice && a.Numeric() {
			return a.Name
		}
	}
	return ""
}

// placeRows sets each row's X.
func (r *filled) placeRows() {
	c := &r.Chart
	axis := r.Axis(c.X)
	if axis == nil {
		k := r.CostIndex(footprint.Cost(c.X))
		c.X, c.Cost, c.Label = string(r.Costs[k].Key), true, r.Costs[k].Unit
		for i := range r.Rows {
			x := r.Rows[i].Costs[k]
			r.Rows[i].X = &x
			c.Log = c.Log && x > 0
		}
		return
	}
	c.Label, c.Values, c.Number = axis.Name, axis.Values, axis.Numeric()
	at := r.AxisIndex(axis.Name)
	for i := range r.Rows {
		v := r.Rows[i].Values[at]
		if v == "" {
			continue
		}
		x := c.Position(slices.Index(axis.Values, v), v)
		r.Rows[i].X = &x
		c.Log = c.Log && x > 0
	}
	c.Log = c.Log && c.Number
}

// curves groups rows that share every axis but the one that x sweeps.
func (r *filled) curves(varying []Axis) {
	c := &r.Chart
	sweep := c.X
	if c.Cost {
		sweep = ""
		for _, a := range varying {
			if a.Name != c.Slice && (sweep == "" || len(a.Values) > len(r.Axis(sweep).Values)) {
				sweep = a.Name
			}
		}
	}
	others := slices.DeleteFunc(slices.Clone(varying), func(a Axis) bool { return a.Name == sweep || a.Name == c.Slice })
	c.Lines = r.group(others) <= maxCurves
	if !c.Lines {
		r.group(nil)
	}
	for i := range c.Curves {
		slices.SortStableFunc(c.Curves[i].Rows, func(a, b int) int {
			x, y := r.Rows[a].X, r.Rows[b].X
			if x == nil || y == nil {
				return 0
			}
			return cmp.Compare(*x, *y)
		})
	}
}

// group makes one curve of the rows that agree on the slice and the other
// axes, and returns how many there are.
func (r *filled) group(others []Axis) int {
	c := &r.Chart
	c.Curves = nil
	place := map[string]int{}
	slice := r.AxisIndex(c.Slice)
	for i := range r.Rows {
		row := &r.Rows[i]
		var names []string
		curve := Curve{}
		if slice >= 0 {
			curve.Slice = max(0, slices.Index(c.Slices, row.Values[slice]))
			names = append(names, c.Slice+" "+row.Values[slice])
		}
		for _, a := range others {
			names = append(names, a.Name+" "+row.Values[r.AxisIndex(a.Name)])
		}
		curve.Label = strings.Join(names, ", ")
		at, ok := place[curve.Label]
		if !ok {
			at = len(c.Curves)
			place[curve.Label] = at
			c.Curves = append(c.Curves, curve)
		}
		c.Curves[at].Rows = append(c.Curves[at].Rows, i)
		row.Curve = at
	}
	return len(c.Curves)
}

// front lists the rows that no other beats: none is as cheap or cheaper and as
// accurate or more so, and better in one of the two. Accuracy is the mean over
// finished seeds on the report's split. By rising cost.
func (r *filled) front(cost footprint.Cost) []int {
	k := r.CostIndex(cost)
	var order []int
	for i := range r.Rows {
		if r.DrawnScore(&r.Rows[i], r.Split) != nil {
			order = append(order, i)
		}
	}
	mean := func(i int) float64 { return r.DrawnScore(&r.Rows[i], r.Split).Mean }
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.Rows[a].Costs[k], r.Rows[b].Costs[k]), cmp.Compare(mean(b), mean(a)))
	})
	var out []int
	for _, i := range order {
		if len(out) > 0 {
			last := out[len(out)-1]
			same := r.Rows[last].Costs[k] == r.Rows[i].Costs[k] && mean(last) == mean(i)
			if mean(i) <= mean(last) && !same {
				continue
			}
		}
		out = append(out, i)
	}
	return out
}
