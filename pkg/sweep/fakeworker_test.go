package sweep

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// The fake worker needs no TensorFlow. Its networks learn nothing, but they do so
// exactly as real ones: step by step, each step from the one before and the seed
// alone, with checkpoints, histories and results. It is this package's test
// binary under the name fake-worker, which other packages' tests build:
// go test -c -o DIR/fake-worker slimfit/pkg/sweep.

// fakeVariable is the environment variable with its fakeOptions, as JSON.
const fakeVariable = "SLIMFIT_FAKE_WORKER"

// fakeOptions is how the worker behaves.
type fakeOptions struct {
	StepMillis float64 `json:"step_ms"` // time of one step of a pack
	// FormMillis is that time where it is only measured, by the pack's form.
	FormMillis map[string]float64 `json:"form_ms,omitempty"`
	RunMillis  float64            `json:"run_ms"` // time of one run of TensorFlow besides, where a pack is measured
	Faults     []fakeFault        `json:"faults,omitempty"`
	Start      string             `json:"start,omitempty"` // fail to start with this last line on stderr
	Blind      bool               `json:"blind,omitempty"` // see no GPU
}

// fakeFault is something that happens to a trial at a step.
type fakeFault struct {
	Match string `json:"match"` // of "config-id/seed-n", a prefix
	At    int    `json:"at"`    // after this many steps
	Do    string `json:"do"`    // kill, exit, hang, error, storage or diverge
	Alone bool   `json:"alone"` // only where the trial trains alone
	Once  string `json:"once"`  // a file: only while it does not exist, then it is made
}

// fakeMain is the whole program: it reads its options from the environment.
func fakeMain(args []string, in io.Reader, out, log io.Writer) int {
	var o fakeOptions
	if text := os.Getenv(fakeVariable); text != "" {
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			fmt.Fprintf(log, "fake worker: %s: %v\n", fakeVariable, err)
			return 2
		}
	}
	if o.Start != "" {
		fmt.Fprintln(log, "fake worker: "+o.Start)
		return 127
	}
	// A batch system signals every process; what they mean is the supervisor's business.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	w := &fakeWorker{fakeOptions: o, out: json.NewEncoder(out), log: log, stop: make(chan struct{}, 1), packs: make(chan protocol.Command)}
	go func() {
		w.read(in)
		os.Exit(0) // the supervisor is gone
	}()
	w.emit(protocol.Event{Type: protocol.Ready, Environment: environment(args, o.Blind)})
	for c := range w.packs {
		w.do(c)
	}
	return 0
}

// environment is what a real worker would say: it is on a GPU if it is told so.
func environment(args []string, blind bool) *result.Environment {
	e := &result.Environment{Slimfit: "test", TensorFlow: "none", Host: "fake", CPUFeatures: []string{}, Threads: 1, Device: "CPU"}
	if slices.Contains(args, "--gpu") && !blind {
		e.Device = "fake GPU " + os.Getenv("CUDA_VISIBLE_DEVICES")
		e.TF32, e.Autotune = os.Getenv("NVIDIA_TF32_OVERRIDE") != "0", os.Getenv("TF_CUDNN_USE_AUTOTUNE") != "0"
	}
	return e
}

type fakeWorker struct {
	fakeOptions
	mu    sync.Mutex
	out   *json.Encoder
	log   io.Writer
	stop  chan struct{}
	packs chan protocol.Command
}

func (w *fakeWorker) emit(e protocol.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.Encode(e) // to a supervisor that is gone: the end of stdin tells
}

func (w *fakeWorker) read(in io.Reader) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var c protocol.Command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			fmt.Fprintln(w.log, "fake worker:", err)
			os.Exit(2)
		}
		if c.Stop {
			select {
			case w.stop <- struct{}{}:
			default:
			}
			continue
		}
		w.packs <- c
	}
}

func (w *fakeWorker) do(c protocol.Command) {
	var err error
	id := 0
	switch {
	case c.Train != nil:
		id = c.Train.ID
		err = w.train(*c.Train)
	case c.Evaluate != nil:
		id = c.Evaluate.ID
		err = w.evaluate(*c.Evaluate)
	case c.Measure != nil:
		ms, ok := w.FormMillis[c.Measure.Pack.Form]
		if !ok {
			ms = w.StepMillis
		}
		if ms < 0 {
			err = errors.New("the graph does not fit")
			break
		}
		ms += w.RunMillis / float64(max(1, c.Measure.Pack.Unroll))
		w.emit(protocol.Event{Type: protocol.Measured, Pack: c.Measure.Pack.ID, Seconds: ms / 1000})
	case c.Export != nil:
		err = w.export(*c.Export)
	case c.Latency != nil:
		w.latency(*c.Latency)
	}
	if err != nil {
		var path *os.PathError
		w.emit(protocol.Event{Type: protocol.Error, Pack: id, Message: err.Error(), Storage: errors.As(err, &path)})
	}
}

// net is the state of one trial; all of it is in its checkpoint.
type net struct {
	Hash    [32]byte       `json:"hash"`
	History []result.Point `json:"history"`
	gone    bool
}

func newNet(m protocol.Member) net {
	return net{Hash: sha256.Sum256([]byte(m.Key.String()))}
}

// next trains one step.
func (n *net) next(step int) {
	var b [40]byte
	copy(b[:], n.Hash[:])
	binary.LittleEndian.PutUint64(b[32:], uint64(step))
	n.Hash = sha256.Sum256(b[:])
	if step%10 == 9 {
		p := result.Point{Step: step + 1, Loss: n.fraction(0) * 3}
		if step%50 == 49 {
			v := 0.95 + 0.05*n.fraction(8) // above what a look finds: no error falls too fast to be stopped
			p.Validation = &v
		}
		n.History = append(n.History, p)
	}
}

// fraction is a number in [0, 1) that the state decides.
func (n *net) fraction(at int) float64 {
	return float64(binary.LittleEndian.Uint64(n.Hash[at:])>>11) / (1 << 53)
}

func (w *fakeWorker) train(p protocol.Pack) error {
	nets := make([]net, len(p.Members))
	for i, m := range p.Members {
		nets[i] = newNet(m)
		if p.Step > 0 {
			b, err := store.LoadCheckpointAt(m.Dir, p.Step)
			if err != nil {
				return fmt.Errorf("resume %s: %w", m.Key, err)
			}
			if err := json.Unmarshal(b, &nets[i]); err != nil {
				return fmt.Errorf("resume %s: %w", m.Key, err)
			}
		}
	}
	fmt.Fprintf(w.log, "fake worker: %d trials from step %d\n", len(nets), p.Step)
	w.emit(protocol.Event{Type: protocol.Started, Pack: p.ID, Step: p.Step})
	if err := w.look(p, nets, p.Step); err != nil {
		return err
	}
	saved := time.Now()
	for step := p.Step; step < p.Recipe.Steps && !allGone(nets); step++ {
		select {
		case <-w.stop:
			if err := w.checkpoint(p, nets, step); err != nil {
				return err
			}
			w.emit(protocol.Event{Type: protocol.Stopped, Pack: p.ID, Step: step})
			return nil
		default:
		}
		time.Sleep(time.Duration(w.StepMillis * float64(time.Millisecond)))
		for i := range nets {
			nets[i].next(step)
		}
		if err := w.faults(p, nets, step+1); err != nil {
			return err
		}
		if err := w.look(p, nets, step+1); err != nil {
			return err
		}
		if step%20 == 0 {
			w.progress(p, nets, step+1)
		}
		if p.CheckpointEvery > 0 && time.Since(saved).Seconds() >= p.CheckpointEvery && step+1 < p.Recipe.Steps {
			if err := w.checkpoint(p, nets, step+1); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	return w.finish(p, nets)
}

func (w *fakeWorker) faults(p protocol.Pack, nets []net, step int) error {
	for i, m := range p.Members {
		for _, f := range w.Faults {
			if f.At != step || !strings.HasPrefix(m.Key.String(), f.Match) || f.Alone && len(nets) > 1 || nets[i].gone || !first(f.Once) {
				continue
			}
			fmt.Fprintf(w.log, "fake worker: %s at step %d of %s\n", f.Do, step, m.Key)
			switch f.Do {
			case "kill":
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
			case "exit":
				os.Exit(3)
			case "hang":
				select {}
			case "error":
				return errors.New("the graph does not fit")
			case "storage":
				return &os.PathError{Op: "write", Path: m.Dir, Err: syscall.ENOSPC}
			case "diverge":
				r := base(p, m)
				r.Status, r.Reason, r.Steps = result.Diverged, fmt.Sprintf("the loss was NaN at step %d", step), step
				nets[i].gone = true
				w.emit(protocol.Event{Type: protocol.Finished, Pack: p.ID, Key: &m.Key, Result: &r, History: nets[i].History})
			}
		}
	}
	return nil
}

// first says whether a fault's file is new.
func first(once string) bool {
	if once == "" {
		return true
	}
	f, err := os.OpenFile(once, os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

func (w *fakeWorker) progress(p protocol.Pack, nets []net, step int) {
	e := protocol.Event{Type: protocol.Progress, Pack: p.ID, Step: step}
	for i, m := range p.Members {
		if !nets[i].gone {
			e.Members = append(e.Members, protocol.MemberProgress{Key: m.Key, Loss: nets[i].fraction(0) * 3})
		}
	}
	w.emit(e)
}

func (w *fakeWorker) checkpoint(p protocol.Pack, nets []net, step int) error {
	for i, m := range p.Members {
		if nets[i].gone {
			continue
		}
		if err := w.save(p, m, &nets[i], step); err != nil {
			return err
		}
	}
	w.emit(protocol.Event{Type: protocol.Checkpoint, Pack: p.ID, Step: step})
	return nil
}

func (w *fakeWorker) save(p protocol.Pack, m protocol.Member, n *net, step int) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return w.fenced(p, m, n, store.SaveCheckpoint(m.Dir, m.Token, step, b))
}

func (w *fakeWorker) fenced(p protocol.Pack, m protocol.Member, n *net, err error) error {
	if !errors.Is(err, store.ErrFenced) {
		return err
	}
	n.gone = true
	w.emit(protocol.Event{Type: protocol.Fenced, Pack: p.ID, Key: &m.Key, Message: err.Error()})
	return nil
}

func (w *fakeWorker) finish(p protocol.Pack, nets []net) error {
	for i, m := range p.Members {
		if nets[i].gone {
			continue
		}
		err := w.fenced(p, m, &nets[i], store.SaveWeights(m.Dir, m.Token, nets[i].Hash[:]))
		if err != nil {
			return err
		}
		if nets[i].gone {
			continue
		}
		r := judge(p, m, nets[i].Hash, p.Recipe.Steps)
		w.emit(protocol.Event{Type: protocol.Finished, Pack: p.ID, Step: p.Recipe.Steps, Key: &m.Key, Result: &r, Scores: scores(p, r),
			History: nets[i].History})
	}
	w.emit(protocol.Event{Type: protocol.PackDone, Pack: p.ID, Step: p.Recipe.Steps})
	return nil
}
