package train

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"slimfit/models"
	"slimfit/pkg/graph"
	"slimfit/pkg/result"
)

// Origin is what bit-identical resuming depends on besides the numbers.
type Origin struct {
	Threads     int      `json:"threads"`
	TensorFlow  string   `json:"tensorflow"`
	CPUFeatures []string `json:"cpu_features"`
	Device      string   `json:"device"`
	Stem        string   `json:"stem,omitempty"` // see result.Environment
}

// header is the readable part of a checkpoint. Floats are kept as bits: JSON
// has no NaN, and a sum must come back exactly.
type header struct {
	Step       int     `json:"step"`
	LossSum    uint64  `json:"loss_sum"`
	LossN      int     `json:"loss_n"`
	Last       uint64  `json:"last"`
	Seconds    float64 `json:"seconds"`
	Diverged   string  `json:"diverged,omitempty"`
	Origin     Origin  `json:"origin"`
	HistoryLen int     `json:"history"`
	Slots      int     `json:"slots"`
	BestStep   int     `json:"best_step,omitempty"` // of the weights at the end, where the recipe selects them
	Best       uint64  `json:"best,omitempty"`      // their validation accuracy
}

// Save encodes everything that one network needs to go on from the current
// step. The random state is the step itself: every random number is keyed by
// it.
func (t *Training) Save(net int, origin Origin) ([]byte, error) {
	st, err := t.pack.State(net)
	if err != nil {
		return nil, fmt.Errorf("save a checkpoint: %w", err)
	}
	m := &t.members[net]
	head := header{Step: t.step, LossSum: math.Float64bits(m.lossSum), LossN: m.lossN, Last: math.Float64bits(m.last),
		Seconds: m.seconds, Diverged: m.diverged, Origin: origin, HistoryLen: len(m.history), Slots: len(st.Slots)}
	all := append([]models.Weights{st.Weights}, st.Slots...)
	if b := m.best; b != nil {
		head.BestStep, head.Best, all = b.step, math.Float64bits(b.accuracy), append(all, b.weights)
	}
	h, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("save a checkpoint: %w", err)
	}
	var b bytes.Buffer
	block(&b, h)
	block(&b, encodeHistory(m.history))
	for _, w := range all {
		e, err := w.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("save a checkpoint: %w", err)
		}
		block(&b, e)
	}
	return b.Bytes(), nil
}

// Weights reads the network as it is judged; see Results.
func (t *Training) Weights(net int) (models.Weights, error) {
	if b := t.members[net].best; b != nil && t.Done() {
		return b.weights, nil
	}
	return t.pack.Weights(net)
}

// Restore puts a checkpoint's content into one network and moves the pack to
// its step: every network of a pack must be restored from the same step. It
// returns where the checkpoint was made.
func (t *Training) Restore(net int, b []byte) (Origin, error) {
	h, history, st, chosen, err := decode(b)
	if err != nil {
		return Origin{}, fmt.Errorf("read a checkpoint: %w", err)
	}
	if h.Step > t.recipe.Steps {
		return h.Origin, fmt.Errorf("read a checkpoint: it is at step %d of %d", h.Step, t.recipe.Steps)
	}
	if err := t.pack.SetState(net, st); err != nil {
		return h.Origin, fmt.Errorf("read a checkpoint: %w", err)
	}
	t.members[net] = member{history: history, lossSum: math.Float64frombits(h.LossSum), lossN: h.LossN,
		last: math.Float64frombits(h.Last), seconds: h.Seconds, diverged: h.Diverged, best: chosen}
	t.step, t.answered = h.Step, nil
	return h.Origin, nil
}

// OriginOf reads where a checkpoint was made.
func OriginOf(b []byte) (Origin, error) {
	h, _, _, _, err := decode(b)
	if err != nil {
		return Origin{}, fmt.Errorf("read a checkpoint: %w", err)
	}
	return h.Origin, nil
}

func decode(b []byte) (h header, history []result.Point, st graph.State, chosen *best, err error) {
	next := func() []byte {
		var part []byte
		part, b, err = unblock(b, err)
		return part
	}
	if head := next(); err == nil {
		err = json.Unmarshal(head, &h)
	}
	points := next()
	if err == nil {
		history, err = decodeHistory(points)
	}
	weights := func() (w models.Weights) {
		if part := next(); err == nil {
			err = w.UnmarshalBinary(part)
		}
		return w
	}
	st.Weights = weights()
	for i := 0; err == nil && i < h.Slots; i++ {
		st.Slots = append(st.Slots, weights())
	}
	if h.BestStep > 0 {
		chosen = &best{h.BestStep, math.Float64frombits(h.Best), weights()}
	}
	if err == nil && (len(b) != 0 || len(history) != h.HistoryLen) {
		err = errors.New("it has too much or too little in it")
	}
	return h, history, st, chosen, err
}

// block appends the part with its length.
func block(b *bytes.Buffer, part []byte) {
	b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(part))))
	b.Write(part)
}

// unblock cuts the first part off, unless err is set.
func unblock(b []byte, err error) (part, rest []byte, _ error) {
	if err != nil {
		return nil, b, err
	}
	if len(b) < 8 {
		return nil, nil, errors.New("it is cut off")
	}
	n := binary.LittleEndian.Uint64(b)
	if n > uint64(len(b)-8) {
		return nil, nil, errors.New("it is cut off")
	}
	return b[8 : 8+n], b[8+n:], nil
}

// pointBytes: step, loss, whether validation is set, validation.
const pointBytes = 8 + 8 + 1 + 8

func encodeHistory(points []result.Point) []byte {
	b := make([]byte, 0, len(points)*pointBytes)
	for _, p := range points {
		b = binary.LittleEndian.AppendUint64(b, uint64(p.Step))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.Loss))
		v, set := 0.0, byte(0)
		if p.Validation != nil {
			v, set = *p.Validation, 1
		}
		b = append(b, set)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func decodeHistory(b []byte) ([]result.Point, error) {
	if len(b)%pointBytes != 0 {
		return nil, errors.New("its history is cut off")
	}
	var points []result.Point
	for ; len(b) > 0; b = b[pointBytes:] {
		p := result.Point{Step: int(binary.LittleEndian.Uint64(b)), Loss: math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))}
		if b[16] == 1 {
			v := math.Float64frombits(binary.LittleEndian.Uint64(b[17:]))
			p.Validation = &v
		}
		points = append(points, p)
	}
	return points, nil
}

// Differences names what differs between where a checkpoint was made and where
// it is resumed: then the result may differ in its last bits from an
// uninterrupted training.
func (o Origin) Differences(now Origin) []string {
	var out []string
	add := func(what string, was, is any) {
		if fmt.Sprint(was) != fmt.Sprint(is) {
			out = append(out, fmt.Sprintf("resumed with other %s (%v, before %v): the result may differ in its last bits from an uninterrupted "+
				"training", what, is, was))
		}
	}
	add("threads", o.Threads, now.Threads)
	add("TensorFlow", o.TensorFlow, now.TensorFlow)
	add("CPU features", o.CPUFeatures, now.CPUFeatures)
	add("device", o.Device, now.Device)
	add("kernels of the first convolution", cmp.Or(o.Stem, graph.StockStem), cmp.Or(now.Stem, graph.StockStem))
	return out
}
