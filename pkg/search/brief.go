package search

import (
	"io"

	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// WriteBrief writes what a person at a terminal wants to know of a certificate:
// its figures, and the verdict last. WriteText has the method and the promises.
func WriteBrief(w io.Writer, c *result.Certificate) error {
	t := &sheet{}
	t.candidates(c)
	t.openings(c)
	if c.Winner != nil {
		t.winner(c)
	}
	e := c.Effort
	if e.Stopped > 0 {
		t.line("\nStopped early, by projections: %d of these trials.", e.Stopped)
	}
	t.line("\nTrained: %d of the grid's %d trials, %.1f %% of its steps.", e.Trials, e.GridTrials, 100*e.Share)
	if c.Space != nil {
		t.line("%s", sampledText(c.Assumption))
	}
	t.list("What this promises", c.Promises)
	for _, warning := range c.Warnings {
		t.WriteString(text.Wrap("Warning: "+warning, lineWidth, "", "  "))
	}
	t.line("")
	if n := c.Nearest; n != nil {
		t.WriteString(text.Wrap("Nearest miss: "+n.ConfigID+" ("+assignmentText(n.Assignment)+"): "+n.Reason+"."+wayOut(c), lineWidth, "", "  "))
	}
	t.front(c)
	t.line("Target: %s.", targetText(c))
	t.line("%s", c.Summary)
	_, err := io.WriteString(w, t.String())
	return err
}
