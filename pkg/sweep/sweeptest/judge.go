package sweeptest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"slimfit/models"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

func (w *worker) evaluate(p protocol.Pack) error {
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
	return result.Result{ConfigID: m.Key.ConfigID, Seed: m.Key.Seed, Status: result.Done, Train: p.Recipe, Dataset: p.Data,
		Steps: p.Recipe.Steps, Seconds: float64(p.Recipe.Steps) / 1000, Environment: *environment(os.Args, false), Warnings: []string{}, Started: at, Finished: at}
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
