package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// writeIDX writes images of 8x8 whose brightness tells the class.
func writeIDX(t *testing.T, dir, prefix string, n int) {
	t.Helper()
	images := binary.BigEndian.AppendUint32(nil, 0x803)
	for _, v := range []int{n, 8, 8} {
		images = binary.BigEndian.AppendUint32(images, uint32(v))
	}
	labels := binary.BigEndian.AppendUint32(nil, 0x801)
	labels = binary.BigEndian.AppendUint32(labels, uint32(n))
	for i := range n {
		class := i * 7 % 3
		labels = append(labels, byte(class))
		for k := range 64 {
			images = append(images, byte(class*80+(i*31+k*17)%60))
		}
	}
	for name, b := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
		if err := os.WriteFile(filepath.Join(dir, prefix+name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// testPack is a pack of two networks on data of its own.
func testPack(t *testing.T, steps int) protocol.Pack {
	t.Helper()
	data := t.TempDir()
	writeIDX(t, data, "train", 300)
	writeIDX(t, data, "t10k", 60)
	ref := dataset.Ref{Name: "mine", Path: data, Validation: 60}
	d, err := dataset.Describe(ref, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := models.DefaultRecipe()
	r.Steps, r.Batch, r.LearningRate = steps, 30, 5e-3
	p := protocol.Pack{ID: 1, Source: models.Source{Path: data}, Data: d, Recipe: r, Test: true}
	for _, filters := range []int{2, 3} {
		layers := []models.Layer{models.NewConv(3, filters), models.NewMaxPool(2), models.NewDense(12), models.NewDropout(0.5)}
		c := models.Config{Layers: layers, Data: d, Recipe: r}
		p.Members = append(p.Members, protocol.Member{Key: result.Key{ConfigID: c.ID(), Seed: 4}, Layers: layers, Dir: t.TempDir()})
	}
	return p
}

// session is a worker behind pipes.
type session struct {
	t     *testing.T
	in    *io.PipeWriter
	out   *bufio.Scanner
	ended chan error
}

func serve(t *testing.T) *session {
	t.Helper()
	return serveWith(t, Options{Threads: 1, Version: "test"})
}

func serveWith(t *testing.T, o Options) *session {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	s := &session{t: t, in: inW, out: bufio.NewScanner(outR), ended: make(chan error, 1)}
	s.out.Buffer(nil, maxCommand)
	go func() {
		s.ended <- Serve(context.Background(), inR, outW, o)
		outW.Close()
	}()
	t.Cleanup(func() { inW.Close(); io.Copy(io.Discard, outR) })
	s.until(protocol.Ready)
	return s
}

func (s *session) send(c protocol.Command) {
	s.t.Helper()
	if err := json.NewEncoder(s.in).Encode(c); err != nil {
		s.t.Fatal(err)
	}
}

// until reads events up to one of the types and returns all of them.
func (s *session) until(types ...protocol.EventType) []protocol.Event {
	s.t.Helper()
	var events []protocol.Event
	for s.out.Scan() {
		var e protocol.Event
		if err := json.Unmarshal(s.out.Bytes(), &e); err != nil {
			s.t.Fatalf("event %q: %v", s.out.Text(), err)
		}
		events = append(events, e)
		for _, want := range types {
			if e.Type == want {
				return events
			}
		}
	}
	s.t.Fatalf("no event of %v; the last was %+v", types, events[max(0, len(events)-1):])
	return nil
}

func finished(events []protocol.Event) (out []protocol.Event) {
	for _, e := range events {
		if e.Type == protocol.Finished {
			e.Result.Seconds, e.Result.Started, e.Result.Finished = 0, e.Result.Started.UTC().Truncate(1<<62), e.Result.Finished.Truncate(1<<62)
			out = append(out, e)
		}
	}
	return out
}

func TestTrainsAPack(t *testing.T) {
	s, p := serve(t), testPack(t, 200)
	s.send(protocol.Command{Train: &p})
	done := finished(s.until(protocol.PackDone, protocol.Error))
	if len(done) != 2 {
		t.Fatalf("%d members finished, want 2", len(done))
	}
	for i, e := range done {
		r := e.Result
		if r.Status != result.Done || r.Key() != p.Members[i].Key || r.Steps != 200 || *r.Accuracy.Test < 0.9 || r.Environment.Threads != 1 {
			t.Errorf("result %+v", r)
		}
		b, err := store.LoadWeights(p.Members[i].Dir)
		if err != nil {
			t.Fatal(err)
		}
		var w models.Weights
		if err := w.UnmarshalBinary(b); err != nil || w.SHA256() != r.WeightsSHA {
			t.Errorf("saved weights: %v, digest %s, result has %s", err, w.SHA256(), r.WeightsSHA)
		}
		// Who looked on saw a history that only grew.
		b, err = os.ReadFile(filepath.Join(p.Members[i].Dir, "history.csv"))
		var seen []result.Point
		if n := bytes.Count(b, []byte("\n")) - 1; n > 0 {
			seen = e.History[:min(n, len(e.History))]
		}
		if err != nil || seen == nil || result.SHA256(b) != store.HistorySHA256(seen) {
			t.Errorf("%v, the history while it trained:\n%s", err, b)
		}
	}
	// Another judgement of the saved weights comes to the same.
	s.send(protocol.Command{Evaluate: &p})
	for i, e := range finished(s.until(protocol.PackDone, protocol.Error)) {
		if !reflect.DeepEqual(e.Result.Wrong, done[i].Result.Wrong) || *e.Result.Accuracy.Test != *done[i].Result.Accuracy.Test {
			t.Errorf("evaluated again: %+v", e.Result)
		}
	}
}

// Stopped at any step and taken up again, a pack ends as without the stop.
func TestStopAndResume(t *testing.T) {
	s, p := serve(t), testPack(t, 20000)
	p.Recipe.Steps = 400
	s.send(protocol.Command{Train: &p})
	straight := finished(s.until(protocol.PackDone, protocol.Error))
	s.send(protocol.Command{Train: &p})
	s.until(protocol.Started)
	s.send(protocol.Command{Stop: true})
	events := s.until(protocol.Stopped, protocol.Error, protocol.PackDone)
	last := events[len(events)-1]
	if last.Type != protocol.Stopped {
		t.Fatalf("stop: %+v", last)
	}
	p.Step = last.Step
	s.send(protocol.Command{Train: &p})
	resumed := finished(s.until(protocol.PackDone, protocol.Error))
	if len(resumed) != 2 || len(straight) != 2 {
		t.Fatalf("%d and %d members finished", len(straight), len(resumed))
	}
	for i := range resumed {
		if resumed[i].Result.WeightsSHA != straight[i].Result.WeightsSHA || !reflect.DeepEqual(resumed[i].History, straight[i].History) {
			t.Errorf("member %d: stopped at step %d and resumed, it differs from an uninterrupted one", i, last.Step)
		}
	}
}

// changedCopy copies a folder of idx files with another content of its training
// images.
func changedCopy(t *testing.T, dir string, change func([]byte) []byte) string {
	t.Helper()
	out := t.TempDir()
	if err := os.CopyFS(out, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(out, "train-images-idx3-ubyte")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, change(b), 0o666); err != nil {
		t.Fatal(err)
	}
	return out
}

func flipLast(b []byte) []byte { b[len(b)-1] ^= 1; return b }
func cutOff(b []byte) []byte   { return b[:len(b)-1] }

// teach gives the pack a teacher whose weights are damaged.
func teach(t *testing.T, p *protocol.Pack) {
	t.Helper()
	dir := t.TempDir()
	if err := store.SaveWeights(dir, 0, []byte("none")); err != nil {
		t.Fatal(err)
	}
	p.Recipe.Teacher = &models.Teacher{Run: "runs/x", Digest: strings.Repeat("0", 64)}
	p.Teacher = &protocol.Teacher{Dir: dir}
}

// Whatever is wrong with the data set or the teacher, no trial is to blame.
func TestTellsErrorsAndGoesOn(t *testing.T) {
	s, p := serve(t), testPack(t, 5)
	for name, c := range map[string]struct {
		change  func(*protocol.Pack)
		want    string
		storage bool
	}{
		"no folder":  {func(p *protocol.Pack) { p.Source.Path = filepath.Join(p.Source.Path, "gone") }, "gone", true},
		"no member":  {func(p *protocol.Pack) { p.Members = nil }, "without members", false},
		"other data": {func(p *protocol.Pack) { p.Data.Digest = strings.Repeat("0", 64) }, "0000", true},
		"damaged":    {func(p *protocol.Pack) { p.Source.Path = changedCopy(t, p.Source.Path, flipLast) }, "the images have changed", true},
		"cut off":    {func(p *protocol.Pack) { p.Source.Path = changedCopy(t, p.Source.Path, cutOff) }, "truncated", true},
		"no teacher": {func(p *protocol.Pack) { teach(t, p) }, "load the teacher runs/x", true},
		"no fit": {func(p *protocol.Pack) {
			p.Members[0].Layers[0].Kernel = [2]int{99, 99}
			p.Members[0].Layers[0].Padding = models.Valid
		}, "99", false},
		"huge batch":   {func(p *protocol.Pack) { p.Recipe.Batch = 1000 }, "1000", false},
		"no such step": {func(p *protocol.Pack) { p.Step = 3 }, "step 3", true},
	} {
		bad := p
		bad.Members = append([]protocol.Member{}, p.Members...)
		for i := range bad.Members {
			bad.Members[i].Layers = append([]models.Layer{}, p.Members[i].Layers...)
		}
		c.change(&bad)
		s.send(protocol.Command{Train: &bad})
		events := s.until(protocol.Error, protocol.PackDone)
		e := events[len(events)-1]
		if e.Type != protocol.Error || !strings.Contains(e.Message, c.want) || e.Storage != c.storage {
			t.Errorf("%s: %+v", name, e)
		}
	}
	s.send(protocol.Command{Train: &p})
	if done := finished(s.until(protocol.PackDone, protocol.Error)); len(done) != 2 {
		t.Error("after the errors the worker does not train any more")
	}
}

func TestMeasureWritesNothing(t *testing.T) {
	s, p := serve(t), testPack(t, 5)
	s.send(protocol.Command{Measure: &protocol.Measure{Pack: p, Steps: 10}})
	events := s.until(protocol.Measured, protocol.Error)
	if e := events[len(events)-1]; e.Type != protocol.Measured || !(e.Seconds > 0) {
		t.Errorf("measured: %+v", e)
	}
	p.Unroll = 4
	s.send(protocol.Command{Measure: &protocol.Measure{Pack: p, Steps: 10}})
	events = s.until(protocol.Measured, protocol.Error)
	if e := events[len(events)-1]; e.Type != protocol.Measured || !(e.Seconds > 0) {
		t.Errorf("measured four steps at a time: %+v", e)
	}
	if entries, err := os.ReadDir(p.Members[0].Dir); err != nil || len(entries) != 0 {
		t.Errorf("the trial's folder has %v, %v", entries, err)
	}
}

// A worker for a GPU trains seeds with orders of their own as one stack, in the form
// that it is told, and judges them; their losses are those that they have alone.
func TestTrainsStacks(t *testing.T) {
	p := testPack(t, 40)
	p.Recipe.Optimizer, p.Recipe.LearningRate, p.Form = models.SGD, 0.01, models.Patches
	layers := []models.Layer{models.NewConv(3, 3), models.NewMaxPool(2), models.NewConv(3, 2), models.NewDense(12)}
	c := models.Config{Layers: layers, Data: p.Data, Recipe: p.Recipe}
	p.Members = nil
	for seed := range 3 {
		p.Members = append(p.Members, protocol.Member{Key: result.Key{ConfigID: c.ID(), Seed: int64(seed)}, Layers: layers, Dir: t.TempDir()})
	}
	losses := func(s *session, p protocol.Pack) (all []float64) {
		s.send(protocol.Command{Train: &p})
		for _, e := range s.until(protocol.PackDone, protocol.Error) {
			if e.Type == protocol.Error {
				t.Fatal(e.Message)
			}
			for _, point := range e.History {
				all = append(all, point.Loss)
			}
		}
		return all
	}
	gpu, cpu := serveWith(t, Options{Threads: 1, Version: "test", GPU: true}), serve(t)
	got := losses(gpu, p)
	var want []float64
	for _, m := range p.Members {
		alone := p
		alone.Members = []protocol.Member{m}
		alone.Members[0].Dir = t.TempDir()
		want = append(want, losses(cpu, alone)...)
	}
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("losses %v, alone %v", got, want)
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 1e-4 {
			t.Errorf("losses %v, alone %v", got, want)
		}
	}
	p.Form = "folded"
	gpu.send(protocol.Command{Measure: &protocol.Measure{Pack: p, Steps: 1}})
	events := gpu.until(protocol.Measured, protocol.Error)
	if e := events[len(events)-1]; !strings.Contains(e.Message, `no form "folded"`) {
		t.Errorf("an unknown form: %+v", e)
	}
}

// The end of its input is the end of the worker, in mid-training too.
func TestEndsWithItsSupervisor(t *testing.T) {
	s, p := serve(t), testPack(t, 1000000)
	s.send(protocol.Command{Train: &p})
	s.until(protocol.Progress)
	s.in.Close()
	for s.out.Scan() {
	}
	if err := <-s.ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}
