package serve

import (
	"encoding/json"
	"fmt"
	"strings"

	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
	"slimfit/pkg/text"
)

// state is what open pages are told.
type state struct {
	Page     int      `json:"page"` // number of the newest report
	Total    int      `json:"total"`
	Done     int      `json:"done"`
	Failed   int      `json:"failed"`
	Diverged int      `json:"diverged"`
	Running  int      `json:"running"`
	Pending  int      `json:"pending"`
	Left     string   `json:"left"`     // "", or such as "about 5 min"
	Alive    int      `json:"alive"`    // processes at work
	Gone     []string `json:"gone"`     // processes that died
	Stopping bool     `json:"stopping"` //
	Work     []work   `json:"work"`
	MoreWork int      `json:"more_work"` // that is not in Work
	Failures []string `json:"failures"`
	MoreFail int      `json:"more_failures"`
	Damaged  []string `json:"damaged"`
	Search   string   `json:"search"`  // how far one is, and its best so far; "" without one
	Trouble  string   `json:"trouble"` // why the report is not newer
}

// work is a trial in training.
type work struct {
	Label  string  `json:"label"`
	Step   int     `json:"step"`
	Steps  int     `json:"steps"`
	Left   string  `json:"left"`
	Points []point `json:"points"`
}

// point is step, loss, validation accuracy; nil where it is not known.
type point [3]*float64

// curve is what was read of a trial's training when it was at a step.
type curve struct {
	step   int
	points []point
}

// Bounds of a state, which every page is sent.
const (
	mostWork   = 24
	mostPoints = 100
	mostNamed  = 20
)

// tell makes the state of the last look and of the heartbeats, and wakes the
// streams where it is another.
func (s *Server) tell(o sweep.Overview) {
	now := state{Total: o.Total, Done: o.Done, Failed: o.Failed, Diverged: o.Diverged, Running: o.Running, Pending: o.Pending,
		Gone: []string{}, Work: []work{}, Failures: []string{}, Damaged: []string{}}
	if o.Search != nil {
		now.Search = text.Plain(o.Search.String())
	}
	curves, left := map[result.Key]curve{}, 0.0
	for _, p := range o.Processes {
		if !p.Alive {
			now.Gone = append(now.Gone, text.Plain(fmt.Sprintf("process %d on %s", p.PID, p.Host)))
			continue
		}
		now.Alive++
		now.Stopping = now.Stopping || p.State.Stopping
		left = max(left, p.State.Left)
		for _, w := range p.State.Workers {
			for _, m := range w.Members {
				if len(now.Work) == mostWork {
					now.MoreWork++
					continue
				}
				c, ok := s.curves[m.Key]
				if !ok || c.step != w.Step {
					c = curve{w.Step, s.read(w.Step, w.Steps, m)}
				}
				curves[m.Key] = c
				now.Work = append(now.Work, work{text.Plain(s.Label(m.Key)), w.Step, w.Steps, about(w.Left), c.points})
			}
		}
	}
	s.curves, now.Left = curves, about(left)
	for _, f := range o.Failures[:min(mostNamed, len(o.Failures))] {
		reason, _, _ := strings.Cut(f.Reason, "\n")
		now.Failures = append(now.Failures, text.Plain(fmt.Sprintf("%s: %s: %s", s.Label(f.Key), f.Status, reason)))
	}
	now.MoreFail = len(o.Failures) - len(now.Failures)
	for _, d := range o.Damaged[:min(mostNamed, len(o.Damaged))] {
		now.Damaged = append(now.Damaged, text.Plain(d))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now.Page, now.Trouble = s.page.number, text.Plain(s.trouble)
	b, err := json.Marshal(now)
	if err != nil || string(b) == string(s.state) { // plain fields: cannot fail
		return
	}
	s.state = b
	close(s.next)
	s.next = make(chan struct{})
}

func about(seconds float64) string {
	if seconds <= 0 {
		return ""
	}
	return text.Roughly(seconds)
}

// read is what the history of a trial in training has so far, thinned to about
// mostPoints; before it has any, what the heartbeat says.
func (s *Server) read(step, steps int, m sweep.MemberState) []point {
	points := []point{}                              // never null in JSON
	history, _ := s.Viewer.Folder.ReadHistory(m.Key) // none yet, or a damaged one, which is written anew
	for _, p := range history {
		if p.Step > step {
			break // of a training before, which went further
		}
		at, n := float64(p.Step), len(points)
		next := point{&at, &p.Loss, p.Validation}
		crowded := n > 1 && *points[n-1][0]-*points[n-2][0] < float64(steps)/mostPoints
		if crowded && (points[n-1][2] == nil || next[2] != nil) { // an accuracy stays at its step
			points = points[:n-1]
		}
		points = append(points, next)
	}
	if len(points) == 0 && m.Loss != nil {
		points = []point{{new(float64(step)), m.Loss, m.Validation}}
	}
	return points
}

// ends changes where a trial ended, began or a process came or went.
func ends(processes []sweep.ProcessView) string {
	var b strings.Builder
	for _, p := range processes {
		fmt.Fprint(&b, p.Host, p.PID, p.Alive, p.State.Finished(), ";")
		for _, w := range p.State.Workers {
			for _, m := range w.Members {
				fmt.Fprint(&b, m.Key, ",")
			}
		}
	}
	return b.String()
}
