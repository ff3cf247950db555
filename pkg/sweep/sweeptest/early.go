package sweeptest

import (
	"math"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// curve is the exponent by which errors fall with the steps.
const curve = 0.5

// look measures the networks where a real worker may stop them, and stops
// those that are hopeless. What is measured does not depend on the rule.
func (w *worker) look(p protocol.Pack, nets []net, step int) error {
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
