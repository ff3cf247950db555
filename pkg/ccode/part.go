package ccode

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/tflite"
)

// Part is a step of a network by itself. Its weights, scales and zero points are
// replaced by ones that cost the same, so that a layer has one part in all
// networks.
type Part struct {
	Key    string // a hash of what it costs goes by: its C, the index's type, whether others call the same functions
	Inputs int    // bytes that it reads
	Flash  int    // bytes of its constants
	Again  int    // bytes of them that an earlier step has too
	net    network
}

// Parts takes an int8 network apart, a part for each step, and says how many bytes
// of activations it stores.
func Parts(m *tflite.Model) (parts []Part, arenaBytes int, err error) {
	steps, err := fuse(m)
	if err != nil {
		return nil, 0, fmt.Errorf("take C code apart: %w", err)
	}
	whole := network{Input: m.InputShape(), Steps: steps}
	tables := map[[256]int8]bool{}
	shifts := map[string]map[int]bool{"scale(": {}, "rounded(": {}}
	var texts []string
	for i := range steps {
		s := steps[i].alike()
		flash, err := s.prepare()
		if err != nil {
			return nil, 0, fmt.Errorf("take C code apart: %w", err)
		}
		var text strings.Builder
		if err := templates.ExecuteTemplate(&text, "step", &s); err != nil {
			return nil, 0, fmt.Errorf("take C code apart: %w", err)
		}
		s.callsWith(shifts)
		p := partOf(m, s)
		p.Flash, p.net.index = flash, whole.Index()
		if t := steps[i].table(); t != nil {
			if tables[*t] {
				p.Again = len(t)
			}
			tables[*t] = true
		}
		parts, texts = append(parts, p), append(texts, text.String())
	}
	for i := range parts {
		parts[i].net.whole, parts[i].net.shifts = strings.Join(texts, ""), shifts
		parts[i].setKey(texts[i])
	}
	return parts, plan(steps).bytes, nil
}

// Frame is what a network of so many classes is without steps.
func Frame(m *tflite.Model, classes int) Part {
	p := Part{Inputs: 1, net: network{Options: Options{Name: "net"}, Input: models.Shape{H: 1, W: 1, C: 1}, Outputs: classes, model: m}}
	p.setKey(fmt.Sprint(classes))
	return p
}

func (p *Part) setKey(text string) {
	key := fmt.Appendf(nil, "%s\n%s\n%s %d", networkTemplate, text, p.net.index, p.Inputs)
	for _, call := range []string{"clamp(", "scale(", "rounded("} {
		if strings.Contains(text, call) && p.net.Shares(call) {
			key = fmt.Append(key, call, p.net.OthersShift(call))
		}
	}
	sum := sha256.Sum256(key)
	p.Key = hex.EncodeToString(sum[:8])
}

func partOf(m *tflite.Model, s step) Part {
	inputs := m.Tensors[s.In].Elements()
	return Part{Inputs: inputs, net: network{Options: Options{Name: "net"}, Input: models.Shape{H: 1, W: 1, C: inputs}, Outputs: 1,
		ArenaBytes: s.Size, Steps: []step{s}, model: m, part: true, plan: arena{bytes: s.Size, offset: map[int]int{s.out: 0}}}}
}

// Source is the part as a network of its own, of one class whose score is not set.
func (p Part) Source() (s Source, err error) {
	n := p.net
	s.ArenaBytes, s.FlashBytes = n.ArenaBytes, p.Flash
	if s.C, err = n.write("c"); err == nil {
		s.H, err = n.write("h")
	}
	return s, err
}

// alike is the step with other weights, scales and zero points. What the C
// code's form goes by stays: which are zero or at a limit, and how far is shifted.
func (s step) alike() step {
	s.N = 0
	r := rand.New(rand.NewPCG(1, uint64(len(s.Weights))))
	s.Weights, s.Bias, s.Slopes = slices.Clone(s.Weights), slices.Clone(s.Bias), slices.Clone(s.Slopes)
	for i := range s.Weights {
		s.Weights[i] = int8(r.IntN(255) - 127)
	}
	for i := range s.Bias {
		s.Bias[i] = int32(r.IntN(2001) - 1000)
	}
	for i := range s.Slopes {
		s.Slopes[i] = 20 + r.IntN(100)
	}
	s.InZero, s.OtherZero = plainZero(s.InZero), plainZero(s.OtherZero)
	s.Zero = plainZero(s.Zero)
	s.Stage.Lo, s.Stage.Hi = plainBounds(s.Stage)
	for i, x := range s.Inputs {
		s.Inputs[i] = tflite.Multiplier{Value: 1 << 30, Shift: x.Shift}
	}
	s.Scale, s.Exact = plainScales(s.Scale, len(s.Bias) > 0), plainExact(s.Exact)
	if s.Pool != nil {
		pool := *s.Pool
		pool.Lo, pool.Hi = plainBounds(pool)
		s.Pool = &pool
	}
	if s.then != nil {
		then := *s.then
		then.Table, s.then = ramp(), &then
	}
	if s.Table != nil {
		s.Table = ramp()
	}
	return s
}

// callsWith adds the shifts that the step's calls have; those read from arrays may
// be any.
func (s *step) callsWith(shifts map[string]map[int]bool) {
	call := "scale("
	if len(s.Exact) > 0 {
		call = "rounded("
	}
	for _, x := range s.Scale {
		shifts[call][x.Shift] = true
	}
	if s.Bias != nil && !s.uniform() {
		shifts[call][math.MinInt8], shifts[call][math.MaxInt8] = true, true
	}
	if s.Kind == "add" {
		shifts[call][s.Inputs[0].Shift], shifts[call][s.Inputs[1].Shift] = true, true
	}
}

// table is the function of one value that the step ends with, if any.
func (s *step) table() *[256]int8 {
	if s.then != nil {
		return s.then.Table
	}
	return s.Table
}

func ramp() *[256]int8 {
	var t [256]int8
	for i := range t {
		t[i] = int8(i) / 2
	}
	return &t
}

// plainZero is a zero point of which as much is to be added as of another.
func plainZero(z int) int {
	if z == 0 || z == -128 {
		return z
	}
	return 5 * (z / max(z, -z))
}

func plainBounds(s tflite.Stage) (lo, hi int) {
	lo, hi = s.Lo, s.Hi
	if lo > -128 {
		lo = -5
	}
	if hi < 127 {
		hi = 100
	}
	return lo, hi
}

// plainScales keeps whether all are equal, and their mean shift where there is one
// a channel.
func plainScales(scales []tflite.Multiplier, channels bool) []tflite.Multiplier {
	out := slices.Clone(scales)
	sum := 0
	for _, x := range out {
		sum += x.Shift
	}
	uniform := !slices.ContainsFunc(scales, func(x tflite.Multiplier) bool { return x != scales[0] })
	for i := range out {
		if channels {
			out[i].Shift = int(math.Round(float64(sum) / float64(len(out))))
		}
		out[i].Value = 1 << 30
		if !uniform {
			out[i].Value += int32(i % 2)
		}
	}
	return out
}

// plainExact are powers of two, which round exactly.
func plainExact(exact []float64) []float64 {
	out := slices.Clone(exact)
	sum := 0.0
	for _, x := range out {
		sum += math.Log2(x)
	}
	uniform := !slices.ContainsFunc(exact, func(x float64) bool { return x != exact[0] })
	for i := range out {
		out[i] = math.Exp2(math.Floor(sum / float64(len(out))))
		if !uniform && i%2 == 1 {
			out[i] /= 2
		}
	}
	return out
}
