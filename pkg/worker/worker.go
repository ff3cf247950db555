package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
)

// Options are fixed for the life of a worker.
type Options struct {
	Threads        int     // of each session, >= 1
	GPU            bool    // use the visible GPU
	MemoryFraction float64 // of the GPU's memory, in (0, 1]; 0: grow as needed
	Version        string  // of slimfit
	Stem           string  // kernels of first convolutions, for all packs: see graph.Device.WithStem; "": what each pack asks for
}

// server is the state between commands.
type server struct {
	options    Options
	events     *json.Encoder
	commands   chan protocol.Command
	env        result.Environment
	set        *dataset.Set // the last one loaded
	setKey     string
	teacher    []float32 // logits of the last teacher for the training images of its set
	teacherKey string
	failed     error // the first event that could not be sent
}

// Serve handles commands from in, one JSON object a line, until it ends or ctx
// does, and writes events to out.
func Serve(ctx context.Context, in io.Reader, out io.Writer, o Options) error {
	if _, err := (graph.Device{}).WithStem(o.Stem); err != nil {
		return fmt.Errorf("SLIMFIT_STEM: %w", err)
	}
	s := &server{options: o, events: json.NewEncoder(out), commands: make(chan protocol.Command)}
	s.env = environment(o)
	s.emit(protocol.Event{Type: protocol.Ready, Environment: &s.env})
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { cancel(readCommands(ctx, in, s.commands)) }()
	for s.failed == nil {
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		case c := <-s.commands:
			s.handle(ctx, c)
		}
	}
	return s.failed
}

// maxCommand bounds one command: a pack of a thousand deep networks is well
// below it.
const maxCommand = 64 << 20

// readCommands sends each line's command to c. At the end of in it returns
// io.EOF: the supervisor is gone.
func readCommands(ctx context.Context, in io.Reader, c chan<- protocol.Command) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxCommand)
	for lines.Scan() {
		var command protocol.Command
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			return fmt.Errorf("read a command: %w", err)
		}
		select {
		case c <- command:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read a command: %w", err)
	}
	return io.EOF
}

// emit sends an event; after the first failure nothing more is sent.
func (s *server) emit(e protocol.Event) {
	if s.failed != nil {
		return
	}
	if err := s.events.Encode(e); err != nil {
		s.failed = fmt.Errorf("tell the supervisor: %w", err)
	}
}

// handle carries out one command. What goes wrong with it is told in an Error
// event; the worker goes on.
func (s *server) handle(ctx context.Context, c protocol.Command) {
	switch {
	case c.Train != nil:
		s.report(c.Train.ID, s.train(ctx, *c.Train))
	case c.Evaluate != nil:
		s.report(c.Evaluate.ID, s.evaluate(*c.Evaluate))
	case c.Measure != nil:
		s.report(c.Measure.Pack.ID, s.measure(*c.Measure))
	case c.Export != nil:
		s.report(0, s.export(*c.Export))
	case c.Latency != nil:
		s.report(0, s.latency(*c.Latency))
	case c.Predict != nil:
		s.report(0, s.predict(*c.Predict))
	case c.Preview != nil:
		s.report(c.Preview.Pack.ID, s.preview(*c.Preview))
	case c.Info:
		s.info()
	}
	// TensorFlow's tensors are freed by finalizers, which follow Go's idea of
	// memory in use: it does not see what they hold.
	debug.FreeOSMemory()
}

func (s *server) report(pack int, err error) {
	if err == nil {
		return
	}
	s.emit(protocol.Event{Type: protocol.Error, Pack: pack, Message: err.Error(), Storage: isStorage(err)})
}

// inputError is a data set or a teacher that cannot be loaded or is another than
// planned with, damaged files included: no trial is to blame.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// isStorage says whether the error came from a file.
func isStorage(err error) bool {
	var input *inputError
	var path *fs.PathError
	var link *os.LinkError
	var sys syscall.Errno
	return errors.As(err, &input) || errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &sys)
}

// load returns the pack's data set, the one in memory if it is the same.
func (s *server) load(p protocol.Pack) (*dataset.Set, error) {
	b, err := json.Marshal(struct {
		Data   any
		Source models.Source
	}{p.Data, p.Source})
	if err != nil {
		return nil, fmt.Errorf("load the data set: %w", err)
	}
	if s.set != nil && s.setKey == string(b) {
		return s.set, nil
	}
	s.set = nil
	set, err := dataset.LoadData(p.Data, p.Source)
	if err != nil {
		return nil, &inputError{err}
	}
	s.set, s.setKey = set, string(b)
	return set, nil
}

// teacherLogits returns the logits of the pack's teacher for each training
// image, [n, classes]; nil where the recipe has none. The last teacher's stay
// in memory.
func (s *server) teacherLogits(p protocol.Pack, set *dataset.Set, device graph.Device) ([]float32, error) {
	t := p.Recipe.Teacher
	if t == nil {
		return nil, nil
	}
	if p.Teacher == nil {
		return nil, errors.New("the recipe has a teacher, the pack does not say where")
	}
	key := t.Digest + s.setKey
	if s.teacher != nil && s.teacherKey == key {
		return s.teacher, nil
	}
	w, err := loadWeights(p.Teacher.Dir)
	if err != nil {
		return nil, &inputError{fmt.Errorf("load the teacher %s: %w", t.Run, err)}
	}
	if got := w.SHA256(); got != t.Digest {
		return nil, &inputError{fmt.Errorf("load the teacher %s: its weights have the digest %.12s, the experiment was planned with %.12s; "+
			"plan again", t.Run, got, t.Digest)}
	}
	// The recipe does not matter for an evaluation; the default has no teacher.
	device.BFloat16 = false
	net := graph.Net{Spec: p.Data.Spec(p.Teacher.Layers)}
	pack, err := graph.NewPack([]graph.Net{net}, models.DefaultRecipe(),
		graph.Images{Pixels: set.Train.Pixels[:p.Data.Input.Elements()], Labels: set.Train.Labels[:1]}, device)
	if err != nil {
		return nil, fmt.Errorf("build the teacher %s: %w", t.Run, err)
	}
	defer pack.Close()
	if err := pack.SetWeights(0, w); err != nil {
		return nil, fmt.Errorf("load the teacher %s: %w", t.Run, err)
	}
	logits, err := pack.Logits(0, set.Train.Pixels)
	if err != nil {
		return nil, fmt.Errorf("ask the teacher %s: %w", t.Run, err)
	}
	s.teacher, s.teacherKey = logits, key
	return logits, nil
}
