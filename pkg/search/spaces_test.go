package search_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/parallel"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/stats"
	"slimfit/pkg/store"
)

// kind is a kind of simulated space.
type kind struct {
	rugged  float64 // sd of a configuration's own part of its log error
	seedSD  float64 // of log error, over seeds
	imageSD float64 // of difficulty, in probits, see search.NewImages
	misses  bool    // no configuration truly meets the target: the best miss it by a hair
}

func kinds() []kind {
	return []kind{{0.02, 0.05, 3, false}, {0.05, 0.06, 3, false}, {0.1, 0.06, 3, false}, {0.05, 0.12, 1, false}, {0.05, 0, 3, true}}
}

// near is how much dearer than the cheapest an answer may be to count.
const near = 1.05

// BenchmarkSpaces measures searches by a model of accuracy on simulated spaces of
// 10,368 configurations, b.N of each kind, and prints a Markdown table;
// pkg/search/README.md has the figures.
//
//	go test ./pkg/search -v -timeout 0 -run '^$' -bench Spaces -benchtime 20x
func BenchmarkSpaces(b *testing.B) {
	table := "| own sd | seed sd | image sd | spaces | cheapest or within 5 % | worst | no answer | steps, mean | steps, most " +
		"| certificates | false | audited | surprises | misses that opened the cheapest after others |\n" + strings.Repeat("|---:", 14) + "|\n"
	for _, k := range kinds() {
		table += k.measure(b, b.N) + "\n"
	}
	b.Logf("\n%s", table)
}

// outcome is what one simulated search came to.
type outcome struct {
	dearer             float64 // cost of the answer over that of the cheapest; 0 for no answer
	none               bool    // there is one, and the search found none
	share              float64
	certified, falsely bool
	after              int // openings before that of the cheapest; -1 where it was not opened
	audited, surprises int
}

func (k kind) measure(b *testing.B, spaces int) string {
	e, err := search.Load(b.TempDir(), search.SpaceYAML)
	if err != nil {
		b.Fatal(err)
	}
	all, images := make([]outcome, spaces), search.NewImages(k.imageSD)
	err = parallel.Each(b.Context(), spaces, 0, func(i int) (err error) {
		all[i], err = k.search(e, images, uint64(i))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	var sum outcome
	good, late, none, certified, falsely, most, worst := 0, 0, 0, 0, 0, 0.0, 0.0
	for _, o := range all {
		if o.dearer <= near && !o.none {
			good++
		} else if o.after > 0 {
			late++
		}
		if o.none {
			none++
		}
		if o.certified {
			certified++
		}
		if o.falsely {
			falsely++
		}
		most, worst = max(most, o.share), max(worst, o.dearer)
		sum.share, sum.audited, sum.surprises = sum.share+o.share, sum.audited+o.audited, sum.surprises+o.surprises
	}
	n := float64(spaces)
	return fmt.Sprintf("| %g | %g | %g | %d | %.0f %% | %.2f | %d | %.2f %% | %.2f %% | %d | %d | %d | %d | %d |", k.rugged, k.seedSD,
		k.imageSD, spaces, 100*float64(good)/n, worst, none, 100*sum.share/n, 100*most, certified, falsely, sum.audited, sum.surprises, late)
}

// search searches one space for an accuracy that some, but not many of its
// cheap configurations reach.
func (k kind) search(e *experiment.Experiment, images *search.Images, salt uint64) (outcome, error) {
	rng := rand.New(rand.NewPCG(salt, 9))
	land := search.DrawLandscape(rng, k.rugged)
	w := search.NewWorld(e.Data, images, salt)
	w.Accuracy = map[string]float64{}
	w.Network = func(mean, z float64) float64 { return 1 - math.Min((1-mean)*math.Exp(k.seedSD*z), 0.9) }
	w.Lists = func(result.Key) (bool, bool) { return false, false }
	all := make([]experiment.Configuration, e.Space.Len())
	var accuracies []float64
	for i := range all {
		all[i] = e.Space.Config(i)
		w.Accuracy[all[i].ID] = land.Accuracy(all[i].Config, all[i].ID)
		accuracies = append(accuracies, w.Accuracy[all[i].ID])
	}
	slices.Sort(accuracies)
	mine, goal := *e, *e.Target
	goal.Accuracy = math.Round(1000*accuracies[int((0.3+0.6*rng.Float64())*float64(len(accuracies)))]) / 1000
	mine.Target = &goal
	if k.misses {
		for id, v := range w.Accuracy {
			w.Accuracy[id] = min(v, goal.Accuracy-2e-5)
		}
	}
	p, err := search.New(&mine, search.Options{Model: true, SearchSeed: int64(salt)})
	if err != nil {
		return outcome{}, err
	}
	plan := p.Replay(w.Finished)
	c, err := p.Certificate(plan, "", func(*result.Result) ([]result.File, error) { return nil, nil })
	if err != nil {
		return outcome{}, err
	}
	o := outcome{share: c.Effort.Share, audited: c.Assumption.Audited, surprises: c.Assumption.Surprises}
	cheapest, id := k.cheapest(p, w, all)
	o.after = plan.OpenedAfter(id)
	if o.certified = c.Verdict == result.Certified; !o.certified {
		o.none = cheapest > 0
		return o, nil
	}
	for _, s := range p.Seeds {
		if w.TrueAccuracy(result.Key{ConfigID: c.Winner.ConfigID, Seed: s}) < goal.Accuracy {
			o.falsely = true
		}
	}
	if cheapest > 0 {
		o.dearer = float64(c.Winner.Footprint.Get(footprint.Parameters)) / float64(cheapest)
	}
	return o, nil
}

// cheapest is the least cost of a configuration that passes screening and the
// first opening, and its ID; 0 for none.
func (k kind) cheapest(p *search.Problem, w *search.World, all []experiment.Configuration) (cost int, id string) {
	slices.SortStableFunc(all, func(a, b experiment.Configuration) int {
		return a.Footprint.Parameters - b.Footprint.Parameters
	})
	need, err := p.FirstNeed()
	for _, c := range all {
		passes := err == nil
		for _, s := range p.Seeds {
			if !passes {
				break
			}
			r, _ := w.Finished(result.Key{ConfigID: c.ID, Seed: s}, false)
			passes = *r.Correct.Validation >= p.PassMark() && *r.Correct.Test >= need.Right
		}
		if passes {
			return c.Footprint.Parameters, c.ID
		}
	}
	return 0, ""
}

// Flags of BenchmarkReplay.
var (
	replayed = flag.String("replay", "", "run `folder` with every trial of a grid")
	targets  = flag.String("targets", "0.9,0.93,0.95", "accuracies to search the replayed grid for")
)

// BenchmarkReplay measures searches by a model of accuracy on a run of every trial
// of a grid, with b.N search seeds for each target, and prints a Markdown table.
//
//	go test ./pkg/search -v -timeout 0 -run '^$' -bench Replay -benchtime 20x -replay "$PWD/runs/full/search-grid-120"
func BenchmarkReplay(b *testing.B) {
	if *replayed == "" {
		b.Skip("-replay names no run folder")
	}
	g, err := readGrid(*replayed)
	if err != nil {
		b.Fatal(err)
	}
	steps := "\n| target"
	for _, kind := range spending {
		steps += " | " + kind
	}
	steps += " |\n|---" + strings.Repeat("|---:", len(spending)) + "|\n"
	table := "| target | full grid's winner | same | others | no answer | steps, mean | steps, most | audited | surprises |\n" +
		"|---|---|---:|---|---:|---:|---:|---:|---:|\n"
	goals, err := fractions(*targets)
	if err != nil {
		b.Fatal(err)
	}
	for _, accuracy := range goals {
		row, spent, err := g.searches(accuracy, b.N)
		if err != nil {
			b.Fatal(err)
		}
		table, steps = table+row+"\n", steps+spent+"\n"
	}
	b.Logf("\n%s%s", table, steps)
}

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

// spending are the columns of what the steps of a replayed search went into.
var spending = []string{search.SpentWinner, search.SpentStart, search.SpentModel, search.SpentSeeds, search.SpentDrawn, search.SpentStops,
	search.SpentAbove}

// searches replays a search of each seed, and counts those with the winner of
// the full grid, and the shares of its steps by what they were spent on.
func (g *grid) searches(accuracy float64, seeds int) (row, steps string, err error) {
	g.e.Target.Accuracy = accuracy
	full, err := search.New(g.e, search.Options{Exact: true})
	if err != nil {
		return "", "", err
	}
	want := full.Replay(g.finished(full)).Winner()
	same, none, mean, most, audited, surprises := 0, 0, 0.0, 0.0, 0, 0
	others, spent := map[string]int{}, map[string]int{}
	for seed := range seeds {
		p, err := search.New(g.e, search.Options{EarlyStop: true, Model: true, SearchSeed: int64(seed)})
		if err != nil {
			return "", "", err
		}
		plan := p.Replay(g.finished(p))
		c, err := p.Certificate(plan, "", func(*result.Result) ([]result.File, error) { return nil, nil })
		if err != nil {
			return "", "", err
		}
		for kind, n := range plan.Spent() {
			spent[kind] += n
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
	steps = fmt.Sprintf("| %g |", accuracy)
	for _, kind := range spending {
		steps += fmt.Sprintf(" %.1f %% |", 100*float64(spent[kind])/float64(seeds)/float64(full.FullSteps()))
	}
	var words []string
	for id, n := range others {
		words = append(words, fmt.Sprintf("%d %s", n, id))
	}
	slices.Sort(words)
	return fmt.Sprintf("| %g | %s | %d of %d | %s | %d | %.1f %% | %.1f %% | %d | %d |", accuracy, want, same, seeds,
		strings.Join(words, ", "), none, 100*mean, 100*most, audited, surprises), steps, nil
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
