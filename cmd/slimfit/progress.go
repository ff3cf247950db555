package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/sys/unix"

	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
	"slimfit/pkg/text"
)

// progress shows a run on stderr: bars on a terminal, plain lines elsewhere.
type progress struct {
	quiet, verbose bool
	plain          io.Writer     // of lines; on a terminal they go above the bars
	bars           *mpb.Progress // nil elsewhere
	rows           []*mpb.Bar

	mu    sync.Mutex
	state sweep.State
	told  time.Time // of the last line about work in hand
}

// lineEvery is how often plain lines tell about trials in training.
const lineEvery = time.Minute

// shownWorkers is how many workers have a bar: more would fill the screen.
const shownWorkers = 16

func newProgress(o console) *progress {
	p := &progress{quiet: o.quiet, verbose: o.verbose, plain: o.err, told: time.Now()}
	if !p.quiet && isTerminal(o.err) {
		p.bars = mpb.New(mpb.WithOutput(steered(o.err)), mpb.WithRefreshRate(300*time.Millisecond))
		p.plain = p.bars
	}
	return p
}

// steered is the terminal behind a writer of text, for what moves its cursor.
func steered(w io.Writer) io.Writer {
	if n, ok := w.(*text.Neutral); ok {
		return n.To
	}
	return w
}

// isTerminal says whether w is a terminal that moves its cursor.
func isTerminal(w io.Writer) bool {
	f, ok := steered(w).(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// event takes what happens in a run.
func (p *progress) event(e sweep.Event) {
	p.mu.Lock()
	p.state = e.State
	p.mu.Unlock()
	if p.bars != nil && p.rows == nil && e.Kind == sweep.Planned {
		p.addRows(len(e.State.Workers))
	}
	if line := p.line(e); line != "" {
		fmt.Fprintln(p.plain, text.Lines(line))
	}
}

// line is what to print for an event, "" for nothing.
func (p *progress) line(e sweep.Event) string {
	failed := e.Kind == sweep.Trained && e.Result.Reason != ""
	if p.quiet && !failed {
		return ""
	}
	switch e.Kind {
	case sweep.Planned:
		return plannedLine(e.State)
	case sweep.Trained:
		return trainedLine(e)
	case sweep.Retry, sweep.Notice, sweep.Waiting:
		return e.Message
	case sweep.Stopping:
		return e.Message + "; writing checkpoints (once more to end at once)"
	case sweep.Detail:
		if p.verbose {
			return e.Message
		}
	case sweep.Progress:
		if p.bars == nil && time.Since(p.told) >= lineEvery {
			p.told = time.Now()
			return inHandLine(e.State)
		}
	}
	return ""
}

// plannedLine says what a run begins with, and why it does not train all.
func plannedLine(s sweep.State) string {
	words := text.Count(s.Total, "trial")
	if s.Before > 0 {
		states := []string{"done", "failed: --retry-failed trains them again", "diverged, which is final"}
		parts := text.Parts(states, s.Done, s.Failed, s.Diverged)
		words += fmt.Sprintf(", %s of them have a result and are skipped (%s)", text.Thousands(s.Before), strings.Join(parts, "; "))
	}
	if left := s.Total - s.Before; left > 0 {
		words += fmt.Sprintf("; training %s in up to %s", text.Thousands(left), text.Count(len(s.Workers), "worker"))
	}
	return words
}

// trainedLine is a finished trial in a line.
func trainedLine(e sweep.Event) string {
	width := len(text.Thousands(e.State.Total))
	status := string(e.Result.Status)
	if e.Result.Status == result.StoppedEarly {
		status = fmt.Sprintf("stopped early, at step %d of %d", e.Result.Steps, e.Result.Train.Steps)
	}
	words := fmt.Sprintf("[%*s/%s] %s: %s", width, text.Thousands(e.State.Finished()), text.Thousands(e.State.Total), e.Label, status)
	if e.Result.Reason != "" {
		return words + ": " + strings.ReplaceAll(e.Result.Reason, "\n", "\n  ")
	}
	for _, split := range result.Splits() {
		if a := e.Result.On(split).Accuracy; a != nil {
			words += fmt.Sprintf(", %s %s", split, text.Percent(*a))
		}
	}
	return words + leftText(e.State.Left)
}

// inHandLine is the work in hand in a line.
func inHandLine(s sweep.State) string {
	words := fmt.Sprintf("%s/%s trials", text.Thousands(s.Finished()), text.Thousands(s.Total))
	for _, w := range s.Workers {
		if len(w.Members) > 0 {
			words += fmt.Sprintf("; %s at step %d of %d", packLabel(w), w.Step, w.Steps)
		}
	}
	return words + leftText(s.Left)
}

func leftText(seconds float64) string {
	if seconds <= 0 {
		return ""
	}
	return ", " + text.Roughly(seconds) + " left"
}

// packLabel says what a worker trains: a trial, a network with several seeds, or
// the first of several.
func packLabel(w sweep.WorkerState) string {
	first, seed, ok := strings.Cut(w.Members[0].Label, ", seed ")
	if len(w.Members) == 1 || !ok {
		return w.Members[0].Label
	}
	seeds := []string{seed}
	for _, m := range w.Members[1:] {
		name, seed, _ := strings.Cut(m.Label, ", seed ")
		if name != first {
			return fmt.Sprintf("%s + %d more", w.Members[0].Label, len(w.Members)-1)
		}
		seeds = append(seeds, seed)
	}
	return first + ", seeds " + strings.Join(seeds, " ")
}

// addRows adds a bar for each worker and one for the whole.
func (p *progress) addRows(workers int) {
	shown := min(workers, shownWorkers)
	for i := range shown {
		p.addRow(func(s sweep.State, width int) string { return workerRow(s, i, width) })
	}
	p.addRow(func(s sweep.State, width int) string { return overallRow(s, shown, width) })
}

func (p *progress) addRow(row func(s sweep.State, width int) string) {
	bar, err := p.bars.Add(1, mpb.BarFillerFunc(func(w io.Writer, at decor.Statistics) error {
		p.mu.Lock()
		s := p.state
		p.mu.Unlock()
		_, err := io.WriteString(w, row(s, at.AvailableWidth))
		return err
	}))
	if err == nil { // else the screen is closed already
		p.rows = append(p.rows, bar)
	}
}

// close takes the bars off the screen.
func (p *progress) close() {
	if p.bars == nil {
		return
	}
	for _, b := range p.rows {
		b.Abort(true)
	}
	p.bars.Wait()
}

// workerRow shows worker i of the state in a line of the width: what it trains,
// how far it is, loss, validation accuracy, time left.
func workerRow(s sweep.State, i, width int) string {
	if i >= len(s.Workers) {
		return ""
	}
	w := s.Workers[i]
	name := fmt.Sprintf("%2d ", i+1)
	if w.Device != "CPU" {
		name += w.Device + " "
	}
	if len(w.Members) == 0 {
		state := "idle"
		if w.PID == 0 {
			state = "-"
		}
		return fit(name+state, width)
	}
	m := w.Members[0]
	right := fmt.Sprintf(" %d/%d", w.Step, w.Steps)
	if m.Loss != nil {
		right += fmt.Sprintf("  loss %.4f", *m.Loss)
	}
	if m.Validation != nil {
		right += "  val " + text.Percent(*m.Validation)
	}
	if w.Left > 0 {
		right += "  " + text.Roughly(w.Left) + " left"
	}
	return row(name+packLabel(w), float64(w.Step)/float64(max(1, w.Steps)), right, width)
}

// overallRow shows the whole run; workers beyond shown are counted.
func overallRow(s sweep.State, shown, width int) string {
	right := fmt.Sprintf(" %s/%s trials", text.Thousands(s.Finished()), text.Thousands(s.Total))
	if n := s.Failed + s.Diverged; n > 0 {
		right += fmt.Sprintf(", %s failed", text.Thousands(n))
	}
	if n := len(s.Workers) - shown; n > 0 {
		right += fmt.Sprintf(", %d workers more", n)
	}
	if s.Stopping {
		right += ", stopping"
	} else {
		right += leftText(s.Left)
	}
	return row(s.Experiment, float64(s.Finished())/float64(max(1, s.Total)), right, width)
}

// row is a label, a bar and what is right of it. In a narrow terminal the bar
// gives way.
func row(label string, share float64, right string, width int) string {
	const bar = 20
	labels := max(16, min(44, width*2/5))
	line := fmt.Sprintf("%-*s", labels, text.ShortenMiddle(label, labels)) // its end has the seed
	if room := width - labels - len(right) - 3; room >= 4 {
		line += " [" + barText(share, min(room, bar)) + "]"
	}
	return fit(line+right, width)
}

func barText(share float64, width int) string {
	full := min(width, max(0, int(share*float64(width)+0.5)))
	return strings.Repeat("=", full) + strings.Repeat(" ", width-full)
}

// fit cuts a line to the width.
func fit(line string, width int) string {
	if width < 4 {
		return line
	}
	return text.Shorten(text.Printable(line), width)
}
