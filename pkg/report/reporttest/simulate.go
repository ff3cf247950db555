// Package reporttest simulates experiments for tests of reports, and compares
// what is written of them with golden files.
package reporttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
)

// Plan is a simulated experiment: nothing in it was trained. Images differ in
// difficulty, networks by size and seed, so that the lists of wrong images
// behave as real ones do.
type Plan struct {
	Name             string
	Kernels          []any
	Filters          []any
	Dense            []any
	Seeds            int
	Validation, Test int // images
	Target           *experiment.Target
	Steps            int
	Rate             float64
	Classes          int
}

func SmallPlan() Plan {
	return Plan{Name: "simulated-slices", Kernels: []any{5, 1}, Filters: []any{2, 4, 8}, Dense: []any{128}, Seeds: 3, Classes: 10,
		Validation: 500, Test: 1000, Steps: 2000, Rate: 1e-4,
		Target: &experiment.Target{Accuracy: 0.93, Confidence: 0.95, Seeds: 3, Cost: footprint.Parameters, Rule: experiment.RuleWorst}}
}

// SlicesPlan has the size of the paper's Tables IV to VI.
func SlicesPlan() Plan {
	p := SmallPlan()
	p.Kernels, p.Filters, p.Seeds, p.Validation, p.Test, p.Steps = []any{5, 3, 1}, []any{32, 16, 8, 4, 2}, 5, 5000, 10000, 20000
	p.Target = &experiment.Target{Accuracy: 0.95, Confidence: 0.95, Seeds: 5, Cost: footprint.Parameters, Rule: experiment.RuleWorst}
	return p
}

func (p Plan) Experiment(t testing.TB) *experiment.Experiment {
	t.Helper()
	e := &experiment.Experiment{
		Name: p.Name, About: "Simulated accuracies of slices of a small CNN, to show what a report looks like.",
		Axes:   []experiment.Axis{{Name: "kernel", Values: p.Kernels}, {Name: "filters", Values: p.Filters}, {Name: "dense", Values: p.Dense}},
		Data:   models.Data{Name: "simulated", Digest: "00", Input: models.Shape{H: 28, W: 28, C: 1}, Classes: p.Classes, Train: 55000, Validation: p.Validation, Test: p.Test},
		Target: p.Target, Report: experiment.Report{Slice: "kernel", X: "filters", Scale: "log"},
	}
	for s := range p.Seeds {
		e.Seeds = append(e.Seeds, int64(s))
	}
	for _, k := range p.Kernels {
		for _, f := range p.Filters {
			for _, d := range p.Dense {
				e.Configs = append(e.Configs, p.configuration(t, e, k.(int), f.(int), d.(int)))
			}
		}
	}
	largest := e.Configs[0]
	for _, c := range e.Configs {
		if c.Footprint.Parameters > largest.Footprint.Parameters {
			largest = c
		}
	}
	e.Baseline = experiment.Baseline{Name: e.Label(largest), ID: largest.ID, Footprint: largest.Footprint}
	return e
}

func (p Plan) configuration(t testing.TB, e *experiment.Experiment, kernel, filters, dense int) experiment.Configuration {
	t.Helper()
	recipe := models.DefaultRecipe()
	recipe.Steps, recipe.LearningRate = p.Steps, p.Rate
	c := models.Config{Data: e.Data, Recipe: recipe,
		Layers: []models.Layer{models.NewConv(kernel, filters), models.NewMaxPool(2), models.NewDense(dense), models.NewDropout(0.5)}}
	f, err := footprint.Of(c.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return experiment.Configuration{ID: c.ID(), Config: c, Footprint: f,
		Assignment: map[string]any{"kernel": kernel, "filters": filters, "dense": dense}}
}

// truth is the simulated mean accuracy of a configuration.
func truth(c experiment.Configuration) float64 {
	k, f, d := float64(c.Assignment["kernel"].(int)), float64(c.Assignment["filters"].(int)), float64(c.Assignment["dense"].(int))
	return 0.985 - 0.045/math.Pow(k, 0.6) - 0.014/math.Sqrt(f) - 0.15/d
}

// Input simulates the experiment.
func (p Plan) Input(t testing.TB) report.Input {
	t.Helper()
	in := report.Input{Experiment: p.Experiment(t)}
	in.Results, in.Histories = p.Run(in.Experiment)
	return in
}

// Run simulates every trial of the experiment.
func (p Plan) Run(e *experiment.Experiment) ([]result.Result, map[result.Key][]result.Point) {
	rng := rand.New(rand.NewPCG(7, 11))
	hard := map[report.Split][]float64{report.Validation: normals(rng, p.Validation), report.Test: normals(rng, p.Test)}
	histories := map[result.Key][]result.Point{}
	var results []result.Result
	for _, c := range e.Configs {
		for _, seed := range e.Seeds {
			r := result.Result{Experiment: e.Name, ConfigID: c.ID, Model: c.Spec().FullLayers(), Train: c.Recipe, Dataset: e.Data,
				Seed: seed, Status: result.Done, Steps: c.Recipe.Steps, Footprint: c.Footprint, Environment: simulatedEnvironment(),
				Assignment: map[string]any{}, WeightsSHA: fmt.Sprintf("%064x", rng.Uint64())}
			for k, v := range c.Assignment {
				r.Assignment[k] = float64(v.(int)) // as read from JSON
			}
			r.Seconds = float64(c.Footprint.MACs)*2e-6*float64(c.Recipe.Steps)/1000 + rng.Float64()
			accuracy := truth(c) + 0.0015*rng.NormFloat64()
			for _, split := range result.Splits() {
				r.SetOn(split, judgeImages(rng, p.Classes, accuracy, hard[split]))
			}
			results = append(results, r)
			histories[r.Key()] = curve(rng, c.Recipe.Steps, *r.Accuracy.Validation)
		}
	}
	return results, histories
}

func normals(rng *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = rng.NormFloat64()
	}
	return out
}

// judgeImages draws which images a network of the accuracy gets wrong; hard
// images are wrong for most networks.
func judgeImages(rng *rand.Rand, classes int, accuracy float64, hard []float64) result.Figures {
	const spread = 2.2 // of the images' difficulty, against noise of 1
	shift := math.Sqrt(1+spread*spread) * distuv.UnitNormal.Quantile(accuracy)
	answers, labels := make([]int, len(hard)), make([]uint8, len(hard))
	for i, h := range hard {
		answers[i], labels[i] = i%classes, uint8(i%classes)
		if shift+spread*h+rng.NormFloat64() < 0 {
			answers[i] = (answers[i] + 1 + rng.IntN(3)*3) % classes
		}
	}
	return result.Score(answers, labels, classes)
}

func curve(rng *rand.Rand, steps int, last float64) []result.Point {
	var points []result.Point
	for i := 1; i <= 20; i++ {
		progress := float64(i) / 20
		p := result.Point{Step: steps * i / 20, Loss: 0.12 + 2.1*math.Exp(-5*progress)*(1+0.1*rng.NormFloat64())}
		v := last - 0.3*math.Exp(-6*progress)*(1+0.1*rng.NormFloat64())
		if i == 20 {
			v = last
		}
		p.Validation = &v
		points = append(points, p)
	}
	return points
}

func simulatedEnvironment() result.Environment {
	return result.Environment{Slimfit: "v0.0.0-simulated", TensorFlow: "2.18.1", Go: "go1.26.0", OS: "linux/amd64", Host: "nowhere",
		CPU: "Simulated CPU", CPUFeatures: []string{"avx2"}, Threads: 1, Device: "CPU"}
}

// Flawed is the small experiment with one trial failed, one diverged, one
// missing, one warning and published figures.
func Flawed(t testing.TB) report.Input {
	t.Helper()
	in := SmallPlan().Input(t)
	results := in.Results
	for _, s := range result.Splits() {
		results[4].SetOn(s, result.Figures{})
		results[7].SetOn(s, result.Figures{})
	}
	results[4].Status, results[4].Reason = result.Failed, "the worker was killed (signal 9); out of memory?"
	results[7].Status, results[7].Reason = result.Diverged, "the loss was NaN at step 312"
	results[7].Steps = 312
	results[0].Warnings = []string{"bfloat16 was asked for, but this CPU computes in float32"}
	delete(in.Histories, results[11].Key())
	in.Results = append(results[:11], results[12:]...)
	in.Command, in.Retry = "slimfit run --out .. experiment.yaml", "slimfit run --retry-failed --out .. experiment.yaml"
	in.Published = []report.PublishedRow{
		{Line: 2, Where: map[string]string{"kernel": "5", "filters": "2"}, Figure: report.Published{Accuracy: 0.9738, Seconds: new(108.0), Source: "Table IV"}},
		{Line: 3, Where: map[string]string{"kernel": "1", "filters": "2"}, Figure: report.Published{Accuracy: 0.9428, Source: "Table VI"}},
	}
	return in
}

// Build makes the report; a fault ends the test.
func Build(t testing.TB, in report.Input, opt report.Options) *report.Report {
	t.Helper()
	r, err := report.Build(in, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// One is an experiment of one configuration without a matrix or a target.
func One(t testing.TB) report.Input {
	t.Helper()
	p := SmallPlan()
	p.Name, p.Kernels, p.Filters, p.Target = "simulated-one", []any{5}, []any{2}, nil
	in := p.Input(t)
	in.Experiment.Axes, in.Experiment.Report, in.Experiment.About = nil, experiment.Report{}, ""
	return in
}

// Many has 500 configurations of four seeds, three axes, missing trials
// and no lists of wrong images.
func Many(t testing.TB) report.Input {
	t.Helper()
	p := SmallPlan()
	p.Name, p.Kernels, p.Dense, p.Seeds = "simulated-many", []any{1, 3, 5, 7, 9}, []any{16, 32, 64, 128}, 4
	p.Filters = nil
	for f := 1; f <= 25; f++ {
		p.Filters = append(p.Filters, 2*f)
	}
	p.Target = &experiment.Target{Accuracy: 0.92, Confidence: 0.95, Seeds: 4, Cost: footprint.Parameters, Rule: experiment.RuleWorst}
	in := p.Input(t)
	in.Experiment.Report = experiment.Report{Slice: "kernel"}
	for i := range in.Results {
		in.Results[i].Wrong = result.Wrong{}
	}
	in.Results = in.Results[:len(in.Results)-37]
	return in
}

// Unfinished has two failed trials and nothing else.
func Unfinished(t testing.TB) report.Input {
	t.Helper()
	in := Flawed(t)
	failed := in.Results[4]
	other := failed
	other.Seed = 2
	in.Results, in.Histories, in.Published = []result.Result{failed, other}, nil, nil
	return in
}

// WithoutFile is a run folder whose experiment file is gone.
func WithoutFile(t testing.TB) report.Input {
	t.Helper()
	in := Flawed(t)
	in.Experiment, in.Published, in.Command = nil, nil, ""
	return in
}
