package search

import (
	"fmt"
	"math"
	"slices"

	"slimfit/pkg/result"
)

// Account sums up the looks at test images to a question that may err by total:
// those before its first own opening, what is left after all of them, the day on
// which test figures were first shown, and the lines that say so; the chance of
// error of its first opening, which may err with so large a share of what is left;
// and the least fresh seed.
func Account(looks []result.Look, question string, total, share float64) (out *result.Looks, first float64, fresh int64) {
	out = &result.Looks{Left: total}
	last := 0 // of Lines, after this question's last
	for _, l := range looks {
		own := l.Question == question && question != ""
		out.Left -= l.Alpha
		if shows := l.Alpha == 0 && out.Seen == "" && last == 0; own || l.Alpha > 0 || shows {
			out.Lines = append(out.Lines, l)
		}
		if own {
			if last == 0 {
				first = l.Alpha
			}
			last = len(out.Lines)
		}
		if last > 0 {
			continue
		}
		switch {
		case l.Alpha > 0:
			out.Before++
			out.AlphaBefore += l.Alpha
		case out.Seen == "":
			out.Seen = l.Time.Format("2006-01-02")
		}
		for _, s := range l.Seeds {
			fresh = max(fresh, s+1)
		}
	}
	switch {
	case last > 0:
		out.Lines = out.Lines[:last]
	case out.Left >= LeastAlpha:
		first = out.Left * share
	}
	return out, first, fresh
}

// checkLooks holds what a certificate says of looks at its test images against
// the lines in it, and against the ledger where that knows its question.
func (e Evidence) checkLooks(c *result.Certificate, p *Problem) []Fault {
	if c.Format == 1 {
		return nil // which counted nothing
	}
	question := p.Question()
	var faults []Fault
	if c.Looks != nil && c.Looks.Lines != nil {
		faults = heldTo(c, question, "looks.lines", c.Looks.Lines)
	}
	if e.Ledger == nil || len(c.Openings) == 0 {
		return faults
	}
	if looks := e.Ledger(question); len(looks) > 0 {
		faults = append(faults, heldTo(c, question, "the ledger", looks)...)
	}
	return faults
}

// heldTo names what a certificate says otherwise than a list of looks, which is
// called where.
func heldTo(c *result.Certificate, question, where string, looks []result.Look) []Fault {
	var faults []Fault
	differ := func(at string, given, said any) {
		a, aIs := given.(float64)
		b, bIs := said.(float64)
		if same := given == said || aIs && bIs && math.Abs(a-b) <= alphaSlack; !same {
			faults = append(faults, Fault{at, fmt.Sprintf("it says %v, %s says %v", given, where, said)})
		}
	}
	said, _, _ := Account(looks, question, 1-c.Target.Confidence, HalfAlpha)
	var had result.Looks
	if c.Looks != nil {
		had = *c.Looks
	}
	differ("looks.before", had.Before, said.Before)
	differ("looks.alpha_before", had.AlphaBefore, said.AlphaBefore)
	differ("looks.seen", had.Seen, said.Seen)
	for i, o := range c.Openings {
		at := fmt.Sprintf("test_openings[%d]", i)
		k := slices.IndexFunc(looks, func(l result.Look) bool { return l.Question == question && slices.Contains(l.ConfigIDs, o.ConfigID) })
		if k < 0 {
			faults = append(faults, Fault{at, where + " has no line of it"})
			continue
		}
		differ(at+".alpha", o.Alpha, looks[k].Alpha)
		if o.Left > 0 { // not of one that spends nothing
			differ(at+".alpha_left", o.Left, looks[k].AlphaLeft)
		}
	}
	if had.Lines == nil {
		return faults
	}
	given, errA := plainJSON(had.Lines)
	want, errB := plainJSON(said.Lines)
	if errA != nil || errB != nil || len(unequal(given, want)) > 0 {
		faults = append(faults, Fault{"looks.lines", fmt.Sprintf("they are not those of %s that it rests on", where)})
	}
	return faults
}
