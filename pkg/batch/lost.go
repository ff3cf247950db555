package batch

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"

	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// filter keeps the trials that pass.
func filter(names []string, pass func(result.Key) bool) []string {
	kept := []string{}
	for _, name := range names {
		if k, err := result.ParseKey(name); err == nil && pass(k) {
			kept = append(kept, name)
		}
	}
	return kept
}

// lost lists elements with trials that are gone, each trial at its latest
// submission.
func lost(ctx context.Context, subs []Submission, held []Held, gone func(result.Key) bool) []LostElement {
	states := map[string]string{}
	for _, h := range held {
		states[h.Task()] = h.State
	}
	var all []LostElement
	var ids []string
	seen := map[string]bool{}
	for _, s := range slices.Backward(subs) {
		jobs := s.jobIDs()
		for n, e := range s.Tasks.Elements {
			trials := filter(e.Trials, gone)
			trials = slices.DeleteFunc(trials, func(name string) bool { return seen[name] })
			if len(trials) == 0 {
				continue
			}
			for _, name := range trials {
				seen[name] = true
			}
			a := s.Tasks.array(n)
			l := LostElement{Submission: s.Number, Element: n, Trials: trials, Log: s.LogPath(n)}
			if id := jobs[a.Job]; id != "" {
				l.Task = fmt.Sprintf("%s_%d", id, n-a.First)
				if !slices.Contains(ids, id) && states[l.Task] == "" {
					ids = append(ids, id)
				}
			}
			l.LastLine = lastLine(l.Log)
			all = append(all, l)
		}
	}
	earlier := accounted(ctx, ids)
	for i := range all {
		l := &all[i]
		l.State = cmp.Or(states[l.Task], earlier[l.Task])
	}
	slices.SortFunc(all, func(a, b LostElement) int {
		return cmp.Or(cmp.Compare(a.Submission, b.Submission), cmp.Compare(a.Element, b.Element))
	})
	return all
}

// logTail is how much of a log's end is looked at, in bytes.
const logTail = 4 << 10

// lastLine is the last line of the file that says something.
func lastLine(file string) string {
	b, err := store.Tail(file, logTail)
	if err != nil {
		return ""
	}
	b = bytes.TrimSpace(b)
	return string(bytes.TrimSpace(b[bytes.LastIndexByte(b, '\n')+1:]))
}

// Latest finds the element that a trial was given to last.
func Latest(f *store.Folder, k result.Key) (s Submission, element int, err error) {
	subs, err := Submissions(f)
	if err != nil {
		return s, 0, err
	}
	for _, s := range slices.Backward(subs) {
		for n, e := range s.Tasks.Elements {
			if slices.Contains(e.Trials, k.String()) {
				return s, n, nil
			}
		}
	}
	return s, 0, fmt.Errorf("%s was never submitted: %w", k, fs.ErrNotExist)
}
