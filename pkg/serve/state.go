package serve

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

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
	Points []point `json:"points"` // since serve began to look
}

// point is step, loss, validation accuracy; nil where it is not known.
type point [3]*float64

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
	curves, left := map[result.Key][]point{}, 0.0
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
				points := grown(s.curves[m.Key], w.Step, w.Steps, m)
				curves[m.Key] = points
				now.Work = append(now.Work, work{text.Plain(s.Label(m.Key)), w.Step, w.Steps, about(w.Left), points})
			}
		}
	}
	s.curves, now.Left = curves, about(left)
	now.MoreWork = max(0, len(now.Work)-mostWork)
	now.Work = now.Work[:len(now.Work)-now.MoreWork]
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
	return text.Roughly(time.Duration(seconds * float64(time.Second)))
}

// grown is a curve with what a heartbeat says of a training of so many steps.
// The validation accuracy stands where it was first heard; the last point moves
// until it is a mostPoints-th of the way from the one before.
func grown(points []point, step, steps int, m sweep.MemberState) []point {
	at, n := float64(step), len(points)
	if m.Loss == nil || n > 0 && *points[n-1][0] >= at {
		return points
	}
	next := point{&at, m.Loss, m.Validation}
	for _, p := range points {
		if p[2] != nil && next[2] != nil && *p[2] == *next[2] {
			next[2] = nil
		}
	}
	if n < 2 || *points[n-1][0]-*points[n-2][0] >= float64(steps)/mostPoints {
		return append(points, next)
	}
	next[2] = cmp.Or(next[2], points[n-1][2])
	return append(points[:n-1:n-1], next)
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
