package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/stats"
	"slimfit/pkg/store"
)

// grid is a finished run of every trial.
type grid struct {
	e         *experiment.Experiment
	results   map[result.Key]*result.Result
	histories map[result.Key][]result.Point
}

func readGrid(dir string) (*grid, error) {
	folder, err := store.Open(dir)
	if err != nil {
		return nil, err
	}
	all, _, err := folder.Results(store.Brief)
	if err != nil || len(all) == 0 {
		return nil, fmt.Errorf("%s: %d results: %w", dir, len(all), err)
	}
	g := &grid{results: map[result.Key]*result.Result{}, histories: map[result.Key][]result.Point{}}
	for i := range all {
		k := all[i].Key()
		g.results[k] = &all[i]
		if g.histories[k], err = folder.ReadHistory(k); err != nil {
			return nil, err
		}
	}
	g.e, err = experiment.LoadFrom(folder.ExperimentPath(), nil, experiment.Sources{
		Describe: func(dataset.Ref) (models.Data, error) { return all[0].Dataset, nil }})
	if err != nil {
		return nil, err
	}
	for _, t := range g.e.Trials() {
		if g.results[t.Key()] == nil {
			return nil, fmt.Errorf("%s: %s was not trained", dir, t.Key())
		}
	}
	return g, nil
}

// searches replays a search of each seed, and counts those with the winner of
// the full grid.
func (g *grid) searches(accuracy float64, seeds int) (string, error) {
	g.e.Target.Accuracy = accuracy
	full, err := search.New(g.e, search.Options{Exact: true})
	if err != nil {
		return "", err
	}
	want := full.Replay(g.finished(full)).Winner()
	same, none, mean, most, audited, surprises := 0, 0, 0.0, 0.0, 0, 0
	others := map[string]int{}
	for seed := range seeds {
		p, err := search.New(g.e, search.Options{EarlyStop: true, Model: true, SearchSeed: int64(seed)})
		if err != nil {
			return "", err
		}
		plan := p.Replay(g.finished(p))
		c, err := p.Certificate(plan, "", func(*result.Result) ([]result.File, error) { return nil, nil })
		if err != nil {
			return "", err
		}
		switch id := plan.Winner(); id {
		case want:
			same++
		case "":
			none++
		default:
			others[id]++
		}
		mean, most = mean+c.Effort.Share/float64(seeds), max(most, c.Effort.Share)
		audited, surprises = audited+c.Assumption.Audited, surprises+c.Assumption.Surprises
	}
	var words []string
	for id, n := range others {
		words = append(words, fmt.Sprintf("%d %s", n, id))
	}
	slices.Sort(words)
	return fmt.Sprintf("| %g | %s | %d of %d | %s | %d | %.1f %% | %.1f %% | %d | %d |", accuracy, want, same, seeds,
		strings.Join(words, ", "), none, 100*mean, 100*most, audited, surprises), nil
}

// finished looks a trial up as the search's trainer would have left it: stopped
// where it would have been.
func (g *grid) finished(p *search.Problem) search.Lookup {
	return func(k result.Key, toEnd bool) (*result.Result, bool) {
		r, ok := g.results[k]
		if !ok {
			return nil, false
		}
		rule := p.StopRule().For(r.Train, r.Model)
		if toEnd || rule == nil || r.Status != result.Done {
			return r, true
		}
		var before result.Point
		for _, point := range g.histories[k] {
			if point.Validation == nil {
				continue
			}
			fast := before.Validation != nil && stats.FallsFaster(*before.Validation, before.Step, *point.Validation, point.Step)
			before = point
			correct := int(math.Round(*point.Validation * float64(r.Dataset.Validation)))
			if !stats.IsLook(point.Step, r.Train.Steps) || fast || rule.TooEarly(correct, r.Dataset.Validation) {
				continue
			}
			if highest, err := stats.Projected(correct, r.Dataset.Validation, point.Step, r.Train.Steps, rule.Confidence); err == nil &&
				highest < rule.Accuracy {
				stopped := *r
				stopped.Status, stopped.Steps = result.StoppedEarly, point.Step
				stopped.SetOn(result.Validation, result.Figures{Accuracy: point.Validation, Correct: &correct})
				stopped.SetOn(result.Test, result.Figures{})
				return &stopped, true
			}
		}
		return r, true
	}
}
