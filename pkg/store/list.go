package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"slimfit/pkg/parallel"
	"slimfit/pkg/result"
)

// Detail says how much of each result is read.
type Detail bool

const (
	Brief Detail = false // all but Wrong and Confusion, which stay nil though they are checked: fast with 100,000 results
	Full  Detail = true
)

// Results reads every result in the folder, by configuration ID, then seed.
// damaged names the files that could not be believed and are left out; `run`
// sets them aside and trains their trials again. Brief results share their
// maps and slices with each other: they are to be read only.
func (f *Folder) Results(d Detail) (results []result.Result, damaged []*ResultError, err error) {
	keys, err := f.Keys()
	if err != nil {
		return nil, nil, err
	}
	return f.ResultsOf(keys, d)
}

// ResultsOf reads the results of these trials, in their order; those without
// one are left out.
func (f *Folder) ResultsOf(keys []result.Key, d Detail) (results []result.Result, damaged []*ResultError, err error) {
	all := make([]result.Result, len(keys))
	errs := make([]error, len(keys))
	brief := newBriefReader()
	each(len(keys), func(i int) {
		if d == Full {
			all[i], errs[i] = f.ReadResult(keys[i])
		} else {
			all[i], errs[i] = brief.read(f.ResultPath(keys[i]), keys[i])
		}
	})
	n := 0
	for i, err := range errs {
		var bad *ResultError
		switch {
		case err == nil:
			all[n] = all[i]
			n++
		case errors.As(err, &bad):
			damaged = append(damaged, bad)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, nil, err
		}
	}
	return all[:n:n], damaged, nil
}

// each calls do(0) to do(n-1), several at a time: the time goes into waiting
// for the disk or the network.
func each(n int, do func(i int)) {
	parallel.Each(context.Background(), n, max(8, 2*runtime.GOMAXPROCS(0)), func(i int) error {
		do(i)
		return nil
	})
}

// EachResult reads the results of these trials, with their lists, and calls do
// with each; err is ReadResult's. Calls come from several goroutines, in no
// order.
func (f *Folder) EachResult(keys []result.Key, do func(i int, r result.Result, err error)) {
	each(len(keys), func(i int) {
		r, err := f.ReadResult(keys[i])
		do(i, r, err)
	})
}

// Stamp tells a file's content from an earlier one without reading it.
type Stamp struct {
	Written int64 // nanoseconds since 1970, as whoever wrote it may have set it
	Changed int64 // likewise, as the system notes it
	Size    int64
}

// Stamps are those of these trials' result files, in their order; zero where
// there is none.
func (f *Folder) Stamps(keys []result.Key) []Stamp {
	out := make([]Stamp, len(keys))
	each(len(keys), func(i int) {
		if info, err := os.Lstat(f.ResultPath(keys[i])); err == nil {
			out[i] = Stamp{Written: info.ModTime().UnixNano(), Size: info.Size()}
			if s, ok := info.Sys().(*syscall.Stat_t); ok {
				out[i].Changed = s.Ctim.Nano()
			}
		}
	})
	return out
}
