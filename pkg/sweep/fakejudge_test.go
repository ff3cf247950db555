package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"time"

	"slimfit/models"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/store"
)

func (w *fakeWorker) evaluate(p protocol.Pack) error {
	for _, m := range p.Members {
		b, err := store.LoadWeights(m.Dir)
		if err != nil {
			return err
		}
		if len(b) != 32 {
			return fmt.Errorf("evaluate %s: these are no weights", m.Key)
		}
		r := judge(p, m, [32]byte(b), p.Recipe.Steps)
		w.emit(protocol.Event{Type: protocol.Finished, Pack: p.ID, Key: &m.Key, Result: &r, Scores: scores(p, r)})
	}
	w.emit(protocol.Event{Type: protocol.PackDone, Pack: p.ID})
	return nil
}

// scores are the result's where shifts are asked for: each takes a tenth of what
// the network finds.
func scores(p protocol.Pack, r result.Result) *result.Scores {
	if len(p.Shifts) == 0 {
		return nil
	}
	s := result.NewScores(r)
	for _, split := range result.Splits() {
		f := r.On(split)
		if f.Correct == nil {
			continue
		}
		s.Sure[split] = result.Tally{{2, 0, len(f.Wrong)}, {9, *f.Correct, 0}}
		for _, name := range p.Shifts {
			found := make([]int, p.Data.Classes)
			found[0] = *f.Correct * 9 / 10
			s.SetFound(name, split, found)
		}
	}
	return &s
}

// base is what every result of the worker says; nothing is from the clock.
func base(p protocol.Pack, m protocol.Member) result.Result {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e := *environment(os.Args, false)
	if p.Form != "" || p.Unroll > 0 {
		e.Pack = &result.Pack{Form: fmt.Sprintf("stacked, %s, unrolled %d times", p.Form, p.Unroll), Members: len(p.Members)}
	}
	return result.Result{ConfigID: m.Key.ConfigID, Seed: m.Key.Seed, Status: result.Done, Train: p.Recipe, Dataset: p.Data,
		Steps: p.Recipe.Steps, Seconds: float64(p.Recipe.Steps) / 1000, Environment: e, Warnings: []string{}, Started: at, Finished: at}
}

// judge makes the accuracies out of the weights after step: the wider and the
// deeper a network, the better, and a little luck.
func judge(p protocol.Pack, m protocol.Member, weights [32]byte, step int) result.Result {
	r := base(p, m)
	sum := sha256.Sum256(weights[:])
	r.WeightsSHA = hex.EncodeToString(sum[:])
	n := net{Hash: weights}
	spec := p.Data.Spec(m.Layers)
	size := 0.0
	if nodes, err := spec.Nodes(); err == nil {
		for _, n := range nodes {
			if n.Layer.Kind == models.Conv {
				size += float64(n.Layer.Filters * n.Layer.Kernel[0])
			}
		}
	}
	rate := 0.98 - 0.3/(1+size/4) + 0.02*(n.fraction(16)-0.5)
	if step < p.Recipe.Steps {
		rate = max(0.1, 1-(1-rate)*early(step, p.Recipe.Steps))
	}
	split := func(images int) result.Figures {
		c := int(rate * float64(images))
		a := float64(c) / float64(max(1, images))
		wrong := [][2]int{}
		confusion := make([][]int, p.Data.Classes)
		for k := range confusion {
			confusion[k] = make([]int, p.Data.Classes)
		}
		confusion[0][0] = c
		for i := range images - c {
			guess := i % p.Data.Classes
			wrong = append(wrong, [2]int{i, guess})
			confusion[(guess+1)%p.Data.Classes][guess]++
		}
		return result.Figures{Accuracy: &a, Correct: &c, Wrong: wrong, Confusion: confusion}
	}
	if p.Data.Validation > 0 {
		r.SetOn(result.Validation, split(p.Data.Validation))
	}
	if p.Test && p.Data.Test > 0 {
		r.SetOn(result.Test, split(p.Data.Test))
	}
	return r
}

// curve is the exponent by which errors fall with the steps.
const curve = 0.5

// look measures the networks where a real worker may stop them, and stops
// those that are hopeless. What is measured does not depend on the rule.
func (w *fakeWorker) look(p protocol.Pack, nets []net, step int) error {
	if !stats.IsLook(step, p.Recipe.Steps) || p.Data.Validation == 0 {
		return nil
	}
	closed := p
	closed.Test = false
	for i, m := range p.Members {
		n := &nets[i]
		if n.gone {
			continue
		}
		r := judge(closed, m, n.Hash, step)
		n.History[len(n.History)-1].Validation = r.Accuracy.Validation
		if p.EarlyStop == nil {
			continue
		}
		if before := result.LookBefore(n.History, step); p.EarlyStop.TooEarly(*r.Correct.Validation, p.Data.Validation) ||
			before != nil && stats.FallsFaster(before.Accuracy, before.Step, *r.Accuracy.Validation, step) {
			continue
		}
		highest, err := stats.Projected(*r.Correct.Validation, p.Data.Validation, step, p.Recipe.Steps, p.EarlyStop.Confidence)
		if err != nil {
			return err
		}
		if highest >= p.EarlyStop.Accuracy {
			continue
		}
		if err := w.save(p, m, n, step); err != nil {
			return err
		}
		if n.gone {
			continue
		}
		n.gone = true
		r.Status, r.Steps, r.WeightsSHA = result.StoppedEarly, step, ""
		w.emit(protocol.Event{Type: protocol.Hopeless, Pack: p.ID, Step: step, Key: &m.Key, Result: &r, History: n.History})
	}
	return nil
}

// early is the factor of a network's last error after step of steps.
func early(step, steps int) float64 { return math.Pow(float64(steps)/float64(step), curve) }

func allGone(nets []net) bool {
	for i := range nets {
		if !nets[i].gone {
			return false
		}
	}
	return true
}

// export writes a file that no TensorFlow reads, of what was asked for.
func (w *fakeWorker) export(e protocol.Export) error {
	if e.Dir != "" {
		if _, err := store.LoadWeights(e.Dir); err != nil {
			return err
		}
	}
	spec := fmt.Sprintf("%s of %d layers for %s in %d classes\n", e.Format, len(e.Layers), e.Data.Input, e.Data.Classes)
	if err := os.WriteFile(e.File, []byte(spec), 0o666); err != nil {
		return err
	}
	w.emit(protocol.Event{Type: protocol.Exported})
	return nil
}

func (w *fakeWorker) latency(l protocol.Latency) {
	w.emit(protocol.Event{Type: protocol.Timed, Times: &protocol.Times{Median: 0.25e-3, P95: 0.5e-3, Images: l.Images}})
}
