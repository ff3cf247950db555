package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"slimfit/pkg/result"
)

// Int8Path is the trial's int8.json.
func (f *Folder) Int8Path(k result.Key) string { return filepath.Join(f.TrialDir(k), result.Int8Name) }

// ReadInt8 reads a trial's int8.json. The error is fs.ErrNotExist or a
// *ResultError where that is the reason. Whether it was made from the weights
// that result.json is of, the caller asks by Int8.Of.
func (f *Folder) ReadInt8(k result.Key) (result.Int8, error) {
	path := f.Int8Path(k)
	b, err := readEvidence(path)
	if err != nil {
		return result.Int8{}, fmt.Errorf("read the int8 figures: %w", err)
	}
	return decodeInt8(b, path, k)
}

func decodeInt8(b []byte, path string, k result.Key) (result.Int8, error) {
	return decode(path, b, func(q *result.Int8) string { return checkInt8(*q, k) })
}

// WriteInt8 writes a trial's int8.json, whether or not there is one. Test
// figures of the same int8 file that are there stay: another process may have
// added them meanwhile. It takes no lease, as everybody who makes the file from
// the same weights makes the same one.
func (f *Folder) WriteInt8(q result.Int8) error {
	path := f.Int8Path(q.Key())
	if reason := checkInt8(q, q.Key()); reason != "" {
		return fmt.Errorf("write %s: %s", path, reason)
	}
	if old, err := f.ReadInt8(q.Key()); err == nil && q.Correct.Test == nil && old.Correct.Test != nil &&
		old.WeightsSHA == q.WeightsSHA && old.SHA256 == q.SHA256 {
		return nil
	}
	if err := wantDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write the int8 figures: %w", err)
	}
	return writeObject(path, q, nil)
}

// EncodeInt8 is the content of an int8.json. The same figures give the same
// bytes, also after they were read from such a file.
func EncodeInt8(q result.Int8) ([]byte, error) { return encodeObject(q) }

// SetInt8Aside renames a damaged int8.json to int8.json.damaged-<n>.
func (f *Folder) SetInt8Aside(k result.Key) (name string, err error) {
	name, err = setAside(f.Int8Path(k))
	if errors.Is(err, fs.ErrNotExist) { // somebody else was faster
		return "", nil
	}
	return name, err
}

// checkInt8 returns what is wrong with q as the int8 figures of the trial k, ""
// if it can be believed.
func checkInt8(q result.Int8, k result.Key) string {
	switch {
	case q.Key() != k:
		return fmt.Sprintf("it is of %s in the folder of %s", q.Key(), k)
	case !isSHA256(q.WeightsSHA):
		return fmt.Sprintf("weights_sha256 is %q, want 64 hexadecimal digits", q.WeightsSHA)
	case q.Reason == "" && (!isSHA256(q.SHA256) || q.Bytes <= 0):
		return fmt.Sprintf("the int8 file has %d bytes and the SHA-256 %q", q.Bytes, q.SHA256)
	case q.Reason != "" && (q.Correct.Validation != nil || q.Correct.Test != nil):
		return "it has figures of a network that it says has no int8 form"
	}
	for _, s := range result.Splits() {
		f := q.On(s)
		images := len(f.Wrong)
		if f.Correct != nil {
			images += *f.Correct
		}
		if doubts := f.Check(images, len(f.Confusion), result.Whole); len(doubts) > 0 {
			return string(s) + ": " + doubts[0]
		}
	}
	return ""
}

func isSHA256(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// ScoresPath is the trial's scores.json.
func (f *Folder) ScoresPath(k result.Key) string {
	return filepath.Join(f.TrialDir(k), result.ScoresName)
}

// ReadScores reads the scores of a result's network. Where there are none, or
// none of its weights that can be believed, they are empty: they can be made
// anew from the weights.
func (f *Folder) ReadScores(r result.Result) (s result.Scores, err error) {
	b, err := readEvidence(f.ScoresPath(r.Key()))
	var damaged *ResultError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read scores: %w", err)
	}
	if json.Unmarshal(b, &s) != nil || checkScores(s, r) != "" {
		return result.Scores{}, nil
	}
	return s, nil
}

// WriteScores writes the scores of a result's network, with what older ones of
// the same weights have besides. It takes no lease, as WriteInt8.
func (f *Folder) WriteScores(s result.Scores, r result.Result) error {
	path := f.ScoresPath(r.Key())
	if doubt := checkScores(s, r); doubt != "" {
		return fmt.Errorf("write %s: %s", path, doubt)
	}
	old, err := f.ReadScores(r)
	if err != nil {
		return err
	}
	s.Add(old)
	if err := wantDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write scores: %w", err)
	}
	return writeObject(path, s, nil)
}

// checkScores returns what is wrong with s as the scores of r's network.
func checkScores(s result.Scores, r result.Result) string {
	if !s.Of(r) {
		return "it is of another trial, or of other weights"
	}
	return s.Check(func(split result.Split) int { return split.Images(r.Dataset) }, r.Dataset.Classes)
}
