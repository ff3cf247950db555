package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"slimfit/pkg/result"
)

// Doubts names what is wrong with the files beside a finished trial's result:
// a history.csv that is missing or another than the result is of, and damaged
// weights. Their sizes are compared, with deep every byte. Weights that are not
// there were not kept; results of earlier versions do not know their history.
func (f *Folder) Doubts(r result.Result, deep bool) (doubts []string, err error) {
	dir := f.TrialDir(r.Key())
	for _, check := range []func(dir string, r *result.Result, deep bool) error{historyDoubt, weightsDoubt} {
		err := check(dir, &r, deep)
		var bad *FileError
		switch {
		case errors.As(err, &bad):
			doubts = append(doubts, bad.Error())
		case err != nil:
			return nil, err
		}
	}
	return doubts, nil
}

// AllDoubts are the Doubts of results, in their order, each below the run folder.
func (f *Folder) AllDoubts(results []result.Result, deep bool) (doubts []string, err error) {
	all, errs := make([][]string, len(results)), make([]error, len(results))
	each(len(results), func(i int) { all[i], errs[i] = f.Doubts(results[i], deep) })
	for i, some := range all {
		if errs[i] != nil {
			return nil, errs[i]
		}
		for _, d := range some {
			doubts = append(doubts, strings.TrimPrefix(d, f.Dir+string(filepath.Separator)))
		}
	}
	return doubts, nil
}

func historyDoubt(dir string, r *result.Result, _ bool) error {
	if r.HistorySHA == "" {
		return nil
	}
	path := filepath.Join(dir, historyName)
	b, err := ReadFile(path, MaxJSON)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &FileError{path, "it is missing"}
	case err != nil:
		return err
	case result.SHA256(b) != r.HistorySHA:
		return &FileError{path, "it is not what was written: its SHA-256 is not the result's"}
	}
	return nil
}

func weightsDoubt(dir string, r *result.Result, deep bool) error {
	path := WeightsPath(dir)
	f, info, err := openFile(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var head [checkpointHeader]byte
	if _, err := io.ReadFull(f, head[:]); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	want := binary.LittleEndian.Uint64(head[20:])
	if got := info.Size() - checkpointHeader; !bytes.HasPrefix(head[:], []byte(checkpointMagic)) || got < 0 || uint64(got) != want {
		return &FileError{path, "it is no whole file of weights; the trained weights are lost"}
	}
	if !deep {
		return nil
	}
	payload, err := LoadWeights(dir)
	if bad, ok := errors.AsType[*DamageError](err); ok {
		return &FileError{path, fmt.Sprintf("%s; the trained weights are lost", bad.Reasons[0])}
	}
	if err == nil && r.WeightsSHA != "" && result.SHA256(payload) != r.WeightsSHA {
		return &FileError{path, "it holds other weights than the result is of"}
	}
	return err
}
