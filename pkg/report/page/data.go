package page

import (
	"math"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// pageData is what the page's script works on: the report without its prose.
type pageData struct {
	Split     report.Split      `json:"split"`
	Splits    []report.Split    `json:"splits"`
	Rule      string            `json:"rule"`
	Rules     []pageRule        `json:"rules"`
	Target    *float64          `json:"target_accuracy"`
	Precision string            `json:"precision,omitempty"` // of the networks that are drawn; "" for float32 where that is judged
	Metric    string            `json:"metric,omitempty"`    // "balanced" where that accuracy is judged
	Searched  bool              `json:"searched"`            // a certificate answers
	Certified *int              `json:"certified"`           // the row that a search certified
	Threshold float64           `json:"threshold"`
	Cost      string            `json:"cost"`
	Costs     []pageCost        `json:"costs"`
	Baseline  string            `json:"baseline"`
	Chart     report.Chart      `json:"chart"`
	Rows      []pageRow         `json:"rows"`
	Notes     map[string]string `json:"notes"`
	Name      string            `json:"name"`
	Noun      string            `json:"noun"`     // images or series
	Classes   []string          `json:"classes"`  // names; null where they are numbers
	Budgets   []pageBudget      `json:"budgets"`  // of the target
	Mistaken  int               `json:"mistaken"` // the row whose mistakes are shown; -1 where none are
}

type pageBudget struct {
	Cost  int     `json:"cost"` // in Costs
	Limit float64 `json:"limit"`
}

type pageRule struct {
	Key   string `json:"key"`
	Label string `json:"label"`
}

type pageCost struct {
	Key  string `json:"key"`
	Head string `json:"head"`
	Unit string `json:"unit"`
	Slug string `json:"slug"`
}

type pageRow struct {
	ID      string      `json:"id"`
	Label   string      `json:"label"`
	Device  *pageDevice `json:"device"` // nil where nobody measured its files
	Costs   []float64   `json:"costs"`
	Ratios  []float64   `json:"ratios"`
	X       *float64    `json:"x"`
	Curve   int         `json:"curve"`
	Over    []string    `json:"over"`
	Refused string      `json:"refused"` // by the certificate, and why
	report.Counts
	Scores    map[report.Split]*pageScore      `json:"scores"`
	Judged    map[report.Split][]report.Judged `json:"judged"`
	Layers    []pageLayer                      `json:"layers"`
	Confusion map[report.Split][][]int         `json:"confusion"`
	Trials    []pageTrial                      `json:"trials"`
	Shifts    []report.Shifted                 `json:"shifts"`
	Answered  map[report.Split][][2]float64    `json:"answered"` // by the share of answers given: that share, and of these the right ones
	Published *report.Published                `json:"published"`
}

// pageDevice is what the int8 file takes, in bytes.
type pageDevice struct {
	Flash int `json:"flash"`
	Arena int `json:"arena"`
}

type pageScore struct {
	N    int      `json:"n"`
	Mean float64  `json:"mean"`
	Min  float64  `json:"min"`
	Max  float64  `json:"max"`
	Low  *float64 `json:"low"` // of the mean
	High *float64 `json:"high"`
}

type pageLayer struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Output     string `json:"output"`
	Parameters int    `json:"parameters"`
	Weights    int    `json:"weights"`
	Biases     int    `json:"biases"`
	MACs       int    `json:"macs"`
	Elements   int    `json:"elements"`
}

type pageTrial struct {
	Seed       int64         `json:"seed"`
	Status     result.Status `json:"status"`
	Reason     string        `json:"reason"`
	Seconds    float64       `json:"seconds"`
	Validation *pageMeasured `json:"validation"`
	Test       *pageMeasured `json:"test"`
	History    [][3]*float64 `json:"history"` // step, loss, validation accuracy
}

type pageMeasured struct {
	Accuracy float64  `json:"accuracy"`
	Low      *float64 `json:"low"`
	High     *float64 `json:"high"`
}

// The page stays a few megabytes: curves are thinned to share maxPoints, and
// confusion matrices are left out beyond maxCells.
const (
	maxPoints      = 60_000
	maxCurvePoints = 200
	minCurvePoints = 12
	maxCells       = 200_000
)

func newData(r *report.Report) pageData {
	d := pageData{Split: r.Split, Rule: target.Worst, Cost: string(r.Answer.Cost), Baseline: text.Plain(r.Baseline.Name), Chart: r.Chart,
		Notes: map[string]string{}, Threshold: startsAt(r), Name: text.Plain(r.Name), Noun: r.Noun.Of("images"), Classes: classWords(r), Budgets: []pageBudget{}}
	if r.Target != nil {
		d.Rule, d.Target, d.Precision, d.Searched = r.Target.Rule, &r.Target.Accuracy, r.Target.Precision, r.Searched()
		if r.StandIn != "" {
			d.Precision = "float32"
		} else if r.Balanced() {
			d.Metric = "balanced"
		}
		for _, l := range r.Target.Within {
			d.Budgets = append(d.Budgets, pageBudget{r.CostIndex(l.Cost), l.Limit})
		}
		if r.Searched() && r.Answer.Pick >= 0 {
			d.Certified = &r.Answer.Pick
		}
	}
	for _, rule := range []pageRule{{target.Worst, "every seed reaches it"}, {target.Mean, "the mean over seeds reaches it"},
		{target.Tolerance, "the tolerance bound reaches it"}} {
		if len(r.Seeds) >= target.LeastSeeds(rule.Key) && !r.Balanced() || d.Rule == rule.Key {
			d.Rules = append(d.Rules, rule)
		}
	}
	for _, c := range r.Costs {
		d.Costs = append(d.Costs, pageCost{string(c.Key), c.Head, c.Unit, slug(c.Head)})
	}
	for _, n := range r.Notes {
		d.Notes[slug(n.Term)] = n.Text
	}
	for _, s := range result.Splits() {
		for i := range r.Rows {
			if r.DrawnScore(&r.Rows[i], s) != nil {
				d.Splits = append(d.Splits, s)
				break
			}
		}
	}
	if len(d.Splits) == 0 {
		d.Splits = []report.Split{r.Split}
	}
	histories := 0
	for i := range r.Rows {
		histories += len(r.Rows[i].Histories)
	}
	limit := min(maxCurvePoints, max(minCurvePoints, maxPoints/max(1, histories)))
	for i := range r.Rows {
		d.Rows = append(d.Rows, newRow(r, &r.Rows[i], limit))
	}
	return d
}

// classWords are the classes' names, each for one line; nil where they are the
// numbers.
func classWords(r *report.Report) []string {
	if r.Classes != nil && text.Numbered(r.Classes) {
		return nil
	}
	var out []string
	for k := range r.Dataset.Classes {
		out = append(out, text.Plain(text.Class(r.Classes, k)))
	}
	return out
}

// startsAt is where the line starts: at the target, else just below the
// least accurate seed.
func startsAt(r *report.Report) float64 {
	if r.Target != nil {
		return r.Target.Accuracy
	}
	low := math.Inf(1)
	for i := range r.Rows {
		if s := r.DrawnScore(&r.Rows[i], r.Split); s != nil {
			low = min(low, s.Min)
		}
	}
	if math.IsInf(low, 1) {
		return 0.5
	}
	return math.Floor(low*1000) / 1000
}

func newRow(r *report.Report, row *report.Row, limit int) pageRow {
	out := pageRow{ID: row.ID, Label: row.Label, Costs: row.Costs, Ratios: row.Ratios, X: row.X, Curve: row.Curve, Over: row.OverBudget,
		Refused: row.Refused,
		Counts:  row.Counts,
		Scores:  map[report.Split]*pageScore{}, Judged: row.Judged, Confusion: map[report.Split][][]int{}, Published: row.Published}
	out.Shifts, out.Answered = row.Shifts, map[report.Split][][2]float64{}
	for _, a := range r.Answers(row, 1, 0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3) {
		for split, g := range a.On {
			if answered, right := g.Shares(); answered > 0 {
				out.Answered[split] = append(out.Answered[split], [2]float64{*digits(answered), *digits(right)})
			}
		}
	}
	if m := row.Footprint.Measured; m != nil && m.TFLiteInt8 > 0 {
		out.Device = &pageDevice{m.TFLiteInt8, m.Arena}
	}
	if out.Over == nil {
		out.Over = []string{}
	}
	for _, s := range result.Splits() {
		if v := r.DrawnScore(row, s); v != nil {
			p := &pageScore{N: v.N, Mean: v.Mean, Min: v.Min, Max: v.Max}
			if v.Mean95 != nil {
				p.Low, p.High = &v.Mean95.Low, &v.Mean95.High
			}
			out.Scores[s] = p
		}
	}
	for _, l := range row.Footprint.Layers {
		out.Layers = append(out.Layers, pageLayer{l.Name, string(l.Kind), l.Output.String(), l.Parameters, l.Weights, l.Biases, l.MACs,
			l.Output.Elements()})
	}
	if r.Dataset.Classes*r.Dataset.Classes*len(r.Rows)*2 <= maxCells {
		confusion := row.Confusion
		if r.JudgesInt8() && row.Int8 != nil {
			confusion = row.Int8.Confusion
		}
		out.Confusion[report.Validation], out.Confusion[report.Test] = confusion.Validation, confusion.Test
	}
	drawn := r.JudgedOn
	if r.StandIn != "" {
		drawn = (*report.Trial).On
	}
	for i := range row.Trials {
		t := &row.Trials[i]
		out.Trials = append(out.Trials, pageTrial{Seed: t.Seed, Status: t.Status, Reason: text.Plain(t.Reason), Seconds: t.Seconds,
			Validation: pageMeasure(drawn(t, report.Validation)), Test: pageMeasure(drawn(t, report.Test)), History: thin(row.Histories[t.Seed], limit)})
	}
	return out
}

func pageMeasure(m *report.Measured) *pageMeasured {
	if m == nil {
		return nil
	}
	out := &pageMeasured{Accuracy: m.Accuracy}
	if m.Interval != nil {
		out.Low, out.High = &m.Interval.Low, &m.Interval.High
	}
	return out
}

// thin keeps about limit points of a history, the last one and every measured
// validation accuracy among them, with five digits. A loss that is not finite
// is left out.
func thin(points []result.Point, limit int) [][3]*float64 {
	every := (len(points) + limit - 1) / limit
	var out [][3]*float64
	for i, p := range points {
		if (len(points)-1-i)%max(1, every) != 0 && p.Validation == nil { // validation accuracies are few and a curve of their own
			continue
		}
		step := float64(p.Step)
		line := [3]*float64{&step, nil, nil}
		if !math.IsNaN(p.Loss) && !math.IsInf(p.Loss, 0) {
			line[1] = digits(p.Loss)
		}
		if p.Validation != nil {
			line[2] = digits(*p.Validation)
		}
		out = append(out, line)
	}
	return out
}

func digits(v float64) *float64 {
	if v == 0 {
		return &v
	}
	scale := math.Pow(10, 4-math.Floor(math.Log10(math.Abs(v))))
	v = stats.Round(math.Round(v*scale) / scale)
	return &v
}
