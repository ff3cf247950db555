package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"slimfit/pkg/result"
)

// briefReader reads results without their long lists, and fast: what results
// have in common (a configuration's model and footprint, a host's environment)
// is decoded once, and known again by its bytes. That works on the layout of
// encodeResult; any other is read the plain way.
type briefReader struct {
	mu      sync.RWMutex
	decoded map[string]any // by raw JSON
}

func newBriefReader() *briefReader { return &briefReader{decoded: map[string]any{}} }

// headSize holds a result.json up to its lists, unless the model is very long.
const headSize = 6 << 10

// read reads the result of trial k from path. Wrong and Confusion stay nil.
func (r *briefReader) read(path string, k result.Key) (result.Result, error) {
	b, err := readHead(path)
	if err != nil {
		return result.Result{}, err
	}
	var out result.Result
	if head, ok := bytes.CutPrefix(b, []byte("{\n")); !ok || r.decode(head, &out) != nil {
		out = result.Result{}
		if err := json.Unmarshal(b, &out); err != nil {
			return result.Result{}, &ResultError{path, err.Error()}
		}
		out.Wrong, out.Confusion = result.Wrong{}, result.Confusion{}
	}
	if reason := checkHead(out, k); reason != "" {
		return result.Result{}, &ResultError{path, reason}
	}
	return out, nil
}

// readHead reads a result.json up to the long lists, and closes the object
// there. A file that ends before its time is an error.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	b := make([]byte, min(headSize, info.Size()))
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("read result %s: %w", path, err)
	}
	lists := bytes.Index(b, listsMark())
	if lists < 0 { // another layout, or a very long head
		rest, err := io.ReadAll(f)
		if err != nil {
			return nil, fmt.Errorf("read result %s: %w", path, err)
		}
		b = append(b, rest...)
		if lists = bytes.Index(b, listsMark()); lists < 0 {
			return b, nil
		}
	}
	end := make([]byte, 3)
	if _, err := f.ReadAt(end, info.Size()-3); err != nil {
		return nil, fmt.Errorf("read result %s: %w", path, err)
	}
	if string(end) != "\n}\n" {
		return nil, &ResultError{path, "cut short"}
	}
	return append(b[:lists], "\n}\n"...), nil
}

// listsMark is where encodeResult begins the long lists. JSON strings have no
// line breaks, so nothing else can look like it.
func listsMark() []byte { return []byte(",\n  \"wrong\": ") }

// decode reads the lines of an object that encodeResult wrote, without the
// first one.
func (r *briefReader) decode(lines []byte, out *result.Result) error {
	small := make([]byte, 0, 1024) // an object of the keys that every result has its own of
	small = append(small, '{')
	for {
		line, rest, ok := bytes.Cut(lines, []byte("\n"))
		if !ok {
			return errors.New("no end")
		}
		if string(line) == "}" {
			small = append(bytes.TrimSuffix(small, []byte(",")), '}')
			return json.Unmarshal(small, out)
		}
		key, value, ok := bytes.Cut(line, []byte(": "))
		if !ok {
			return errors.New("no key")
		}
		value = bytes.TrimSuffix(value, []byte(","))
		var err error
		switch string(key) {
		case `  "assignment"`:
			err = share(r, value, &out.Assignment)
		case `  "model"`:
			err = share(r, value, &out.Model)
		case `  "train"`:
			err = share(r, value, &out.Train)
		case `  "dataset"`:
			err = share(r, value, &out.Dataset)
		case `  "footprint"`:
			err = share(r, value, &out.Footprint)
		case `  "environment"`:
			err = share(r, value, &out.Environment)
		default:
			small = append(append(append(append(small, key...), ':'), value...), ',')
		}
		if err != nil {
			return err
		}
		lines = rest
	}
}

// share decodes raw into out, or copies what the same raw gave before.
func share[T any](r *briefReader, raw []byte, out *T) error {
	r.mu.RLock()
	was, ok := r.decoded[string(raw)].(T)
	r.mu.RUnlock()
	if ok {
		*out = was
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return err
	}
	r.mu.Lock()
	r.decoded[string(raw)] = *out
	r.mu.Unlock()
	return nil
}
