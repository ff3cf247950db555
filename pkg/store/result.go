package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"slimfit/models"
	"slimfit/pkg/result"
)

// ResultError says that a result.json does not hold the result of its trial.
type ResultError struct {
	File   string
	Reason string
}

func (e *ResultError) Error() string { return fmt.Sprintf("damaged result %s: %s", e.File, e.Reason) }

// WriteResult writes a trial's result.json. token is the fencing token of its
// lease; a caller that lost it gets ErrFenced. There is one accepted result a
// trial: with replace false an existing one stays, and the error is
// fs.ErrExist.
func (f *Folder) WriteResult(r result.Result, token uint64, replace bool) error {
	dir := f.TrialDir(r.Key())
	// One of an earlier version keeps its form: certificates name it by its bytes.
	if earlier := r.Checksum == "" && r.HistorySHA == ""; !replace || !earlier {
		r.Checksum = Checksum()
	}
	b, err := EncodeResult(r)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(dir, result.ResultName), err)
	}
	if reason := check(r, r.Key()); reason != "" {
		return fmt.Errorf("write %s: %s", filepath.Join(dir, result.ResultName), reason)
	}
	out := content(filepath.Join(dir, result.ResultName), b, func() error { return CheckLease(dir, token) })
	if replace {
		return out.replace()
	}
	return out.create()
}

// ReadResult reads a trial's result.json. The error is fs.ErrNotExist or a
// *ResultError where that is the reason.
func (f *Folder) ReadResult(k result.Key) (result.Result, error) {
	path := f.ResultPath(k)
	b, err := readEvidence(path)
	if err != nil {
		return result.Result{}, fmt.Errorf("read result: %w", err)
	}
	return decodeResult(path, b, k)
}

// decodeResult decodes and checks the content of a result.json.
func decodeResult(path string, b []byte, k result.Key) (result.Result, error) {
	return decode(path, b, func(r *result.Result) string {
		if reason := check(*r, k); reason != "" || r.Checksum == "" || intact(b) {
			return reason
		}
		return "its checksum does not fit: it was damaged or edited after it was written"
	})
}

// decode decodes the content of a file strictly. The error is a *ResultError where
// that is not possible, or check says what is wrong with it.
func decode[T any](path string, b []byte, check func(*T) string) (v T, err error) {
	var none T
	if err := models.UnmarshalStrict(b, &v); err != nil {
		return none, &ResultError{path, err.Error()}
	}
	if reason := check(&v); reason != "" {
		return none, &ResultError{path, reason}
	}
	return v, nil
}

// SetResultAside renames a damaged result.json to result.json.damaged-<n>. The
// caller holds the trial's lease.
func (f *Folder) SetResultAside(k result.Key) (name string, err error) {
	return setAside(f.ResultPath(k))
}

// TidyResult takes the second name from a result.json whose writer was killed
// between the two steps of making it: nobody leases a finished trial to sweep.
func (f *Folder) TidyResult(k result.Key) error {
	if !linked(f.ResultPath(k)) {
		return nil
	}
	return sweepPrefix(f.TrialDir(k), result.ResultName+tmpMark)
}

// RemoveResult removes a result.json, so that its trial can be trained again.
// The caller holds the trial's lease.
func (f *Folder) RemoveResult(k result.Key) error {
	if err := os.Remove(f.ResultPath(k)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a result: %w", err)
	}
	return nil
}

// setAside renames a damaged file to <name>.damaged-<n>, the first n that is
// free.
func setAside(path string) (name string, err error) {
	for n := 1; ; n++ {
		name = path + ".damaged-" + strconv.Itoa(n)
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return "", fmt.Errorf("set a damaged file aside: %w", err)
		}
	}
	if err := os.Rename(path, name); err != nil {
		return "", fmt.Errorf("set a damaged file aside: %w", err)
	}
	return name, nil
}

// EncodeResult is the content of a result.json: one key of the object a line, in the
// order of the struct, fit for eyes and diff, and the reader of lists can cut it
// short. The same result gives the same bytes, also after it was read from such a
// file. One that has a checksum gets that of its new content.
func EncodeResult(r result.Result) ([]byte, error) {
	sealed := r.Checksum != ""
	r.Checksum = ""
	b, err := encodeObject(r)
	if err != nil || !sealed {
		return b, err
	}
	return slices.Concat([]byte(checksumBegin), []byte(Checksum(b)), []byte(checksumEnd), b[len(objectBegin):]), nil
}

// The first line of a result.json with its checksum.
const (
	objectBegin   = "{\n"
	checksumBegin = objectBegin + `  "checksum": "`
	checksumEnd   = "\",\n"
	checksumSize  = 2 * crc32.Size
)

// Checksum is the CRC-32C of the parts, hex. It tells damage, which a digest
// does not do better, at a tenth of the time: whoever forges a result needs more.
func Checksum(parts ...[]byte) string {
	sum, table := uint32(0), crc32.MakeTable(crc32.Castagnoli)
	for _, b := range parts {
		sum = crc32.Update(sum, table, b)
	}
	return fmt.Sprintf("%08x", sum)
}

// intact says whether a file that begins with its checksum has the content that
// it was made of.
func intact(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte(checksumBegin))
	if !ok || len(rest) < checksumSize {
		return false
	}
	body, ok := bytes.CutPrefix(rest[checksumSize:], []byte(checksumEnd))
	return ok && Checksum([]byte(objectBegin), body) == string(rest[:checksumSize])
}

// writeObject writes a struct as EncodeResult does; fence may be nil.
func writeObject(path string, v any, fence func() error) error {
	b, err := encodeObject(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return content(path, b, fence).replace()
}

// encodeObject is EncodeResult for any struct.
func encodeObject(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil { // {
		return nil, err
	}
	var out bytes.Buffer
	sep := "{\n  "
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%s%q: %s", sep, key, value)
		sep = ",\n  "
	}
	out.WriteString("\n}\n")
	return out.Bytes(), nil
}

// check returns what is wrong with r as the result of the trial k, "" if it can
// be believed.
func check(r result.Result, k result.Key) string {
	count := func(s result.Split) int {
		if wrong := r.On(s).Wrong; wrong != nil {
			return len(wrong)
		}
		return -1
	}
	return checkBrief(r, k, count)
}

// checkBrief is check with the lengths of the lists of wrong images; -1 where
// there is no list.
func checkBrief(r result.Result, k result.Key, wrong func(result.Split) int) string {
	switch {
	case r.ConfigID != k.ConfigID:
		return fmt.Sprintf("config_id is %q in the folder of %q", r.ConfigID, k.ConfigID)
	case r.Seed != k.Seed:
		return fmt.Sprintf("seed is %d in the folder of seed %d", r.Seed, k.Seed)
	case !r.Status.Finished():
		return fmt.Sprintf("status is %q, want done, failed or diverged", r.Status)
	case r.Status != result.Done:
		return ""
	case r.Steps != r.Train.Steps:
		return fmt.Sprintf("status is done after %d of %d steps", r.Steps, r.Train.Steps)
	case r.Accuracy.Validation == nil && r.Dataset.Validation > 0:
		return "status is done without a validation accuracy"
	}
	for _, s := range result.Splits() {
		if doubt := r.On(s).CheckCounts(s.Images(r.Dataset), wrong(s)); doubt != "" {
			return string(s) + ": " + doubt
		}
	}
	return ""
}

// ResultPath is the trial's result.json.
func (f *Folder) ResultPath(k result.Key) string {
	return filepath.Join(f.TrialDir(k), result.ResultName)
}
