package store

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"slimfit/models"
	"slimfit/pkg/result"
)

// briefReader reads results without their long lists, and fast: what results
// have in common (a configuration's model and footprint, a host's environment)
// is decoded once, and known again by its bytes. That works on the layout of
// EncodeResult; any other is read the plain way.
type briefReader struct {
	mu      sync.RWMutex
	decoded map[string]any // by raw JSON
}

func newBriefReader() *briefReader { return &briefReader{decoded: map[string]any{}} }

// read reads the result of trial k from path, with all checks of ReadResult.
// Wrong and Confusion stay nil.
func (r *briefReader) read(path string, k result.Key) (result.Result, error) {
	b, err := readEvidence(path)
	if err != nil {
		return result.Result{}, fmt.Errorf("read result: %w", err)
	}
	out, wrong, ok := r.known(b)
	if ok && (out.Checksum == "" || intact(b)) && checkBrief(out, k, func(s result.Split) int { return wrong[s] }) == "" {
		return out, nil
	}
	out, err = decodeResult(path, b, k) // another layout, or it says what is wrong
	out.Wrong, out.Confusion = result.Wrong{}, result.Confusion{}
	return out, err
}

// known reads the layout of EncodeResult. The wrong images are only counted: a
// bad network has thousands.
func (r *briefReader) known(b []byte) (out result.Result, wrong map[result.Split]int, ok bool) {
	b, begins := bytes.CutPrefix(b, []byte("{\n"))
	b, ends := bytes.CutSuffix(b, []byte("\n}\n"))
	head, lists, found := bytes.Cut(b, []byte(",\n  \"wrong\": "))
	if !begins || !ends || !found || r.decode(head, &out) != nil {
		return out, wrong, false
	}
	list, confusion, found := bytes.Cut(lists, []byte(",\n  \"confusion\": "))
	if !found || bytes.Count(confusion, []byte("[")) != bytes.Count(confusion, []byte("]")) || bytes.Count(lists, []byte(`"`)) != 10 {
		return out, wrong, false // ten quotes: of the keys that belong there, and no others
	}
	validation, test, found := bytes.Cut(list, []byte(`,"test":`))
	validation, begins = bytes.CutPrefix(validation, []byte(`{"validation":`))
	test, ends = bytes.CutSuffix(test, []byte("}"))
	v, vFits := countPairs(validation)
	t, tFits := countPairs(test)
	return out, map[result.Split]int{result.Validation: v, result.Test: t}, found && begins && ends && vFits && tFits
}

// countPairs is the length of a list such as [[3,9],[12,0]]; -1 for null. Its
// brackets and commas say whether it can be one: decoding the lists of 100,000
// results would take as long as all the rest.
func countPairs(list []byte) (n int, fits bool) {
	if string(list) == "null" {
		return -1, true
	}
	pairs := bytes.Count(list, []byte("[")) - 1
	return pairs, pairs >= 0 && bytes.Count(list, []byte("]")) == pairs+1 && bytes.Count(list, []byte(",")) == max(0, 2*pairs-1)
}

// decode reads the lines of an object that EncodeResult wrote, without its
// braces.
func (r *briefReader) decode(lines []byte, out *result.Result) error {
	small := make([]byte, 0, 1024) // an object of the keys that every result has its own of
	seen := 0                      // of the others, a bit each
	small = append(small, '{')
	for len(lines) > 0 {
		line, rest, _ := bytes.Cut(lines, []byte("\n"))
		key, value, ok := bytes.Cut(line, []byte(": "))
		if !ok {
			return errors.New("no key")
		}
		value = bytes.TrimSuffix(value, []byte(","))
		if !bytes.HasPrefix(key, []byte(`  "`)) || !bytes.HasSuffix(key, []byte(`"`)) || bytes.ContainsRune(key, '\\') {
			return errors.New("another layout")
		}
		var err error
		bit := 0
		switch string(key) {
		case `  "assignment"`:
			bit, err = 1, share(r, value, &out.Assignment)
		case `  "model"`:
			bit, err = 2, share(r, value, &out.Model)
		case `  "train"`:
			bit, err = 4, share(r, value, &out.Train)
		case `  "dataset"`:
			bit, err = 8, share(r, value, &out.Dataset)
		case `  "footprint"`:
			bit, err = 16, share(r, value, &out.Footprint)
		case `  "environment"`:
			bit, err = 32, share(r, value, &out.Environment)
		default:
			if !jsontext.Value(value).IsValid() {
				return errors.New("more than a value")
			}
			small = append(append(append(append(small, key...), ':'), value...), ',')
		}
		if err == nil && seen&bit != 0 {
			err = errors.New("a doubled key")
		}
		if err != nil {
			return err
		}
		seen, lines = seen|bit, rest
	}
	small = append(bytes.TrimSuffix(small, []byte(",")), '}')
	return models.UnmarshalStrict(small, out)
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
	if err := models.UnmarshalStrict(raw, out); err != nil {
		return err
	}
	r.mu.Lock()
	r.decoded[string(raw)] = *out
	r.mu.Unlock()
	return nil
}
