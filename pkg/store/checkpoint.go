package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/result"
)

// A checkpoint file is a header, little-endian, and the payload:
//
//	offset  0  magic, 8 bytes
//	        8  version, uint32
//	       12  step, uint64
//	       20  length of the payload in bytes, uint64
//	       28  SHA-256 of bytes 0 to 28 and the payload
//	       60  payload
const (
	checkpointMagic   = "slimfit\x1a"
	checkpointVersion = 1
	checkpointHeader  = 60

	checkpointDir = "checkpoint"
	weightsName   = "weights.bin"
	stepPrefix    = "step-"
	stepSuffix    = ".bin"
	kept          = 2 // checkpoints of a trial: members of a pack can go back to a step that all of them have
)

// DamageError names checkpoint files that do not have the content that was
// written: cut short, altered, or not a checkpoint at all.
type DamageError struct {
	Files   []string
	Reasons []string // one a file
}

func (e *DamageError) Error() string {
	var parts []string
	for i, f := range e.Files {
		parts = append(parts, fmt.Sprintf("damaged checkpoint %s: %s", f, e.Reasons[i]))
	}
	return strings.Join(parts, "; ")
}

// SaveCheckpoint writes the payload as the trial's checkpoint after step steps.
// dir is the trial's folder, token the fencing token of its lease (0: no lease
// is checked). The file is synced and read back before it takes its name; the
// checkpoint before it stays, older ones are removed. A caller that holds the
// lease no longer gets ErrFenced, and nothing is written.
func SaveCheckpoint(dir string, token uint64, step int, payload []byte) error {
	if step < 0 {
		return fmt.Errorf("save checkpoint: step %d is negative", step)
	}
	if err := saveBlob(dir, token, checkpointPath(dir, step), step, payload); err != nil {
		return err
	}
	steps, err := checkpointSteps(dir)
	if err != nil {
		return err
	}
	// Only what is older than this one: a paused former owner must not remove
	// what the new owner has written since.
	older := slices.DeleteFunc(steps, func(s int) bool { return s >= step })
	for _, s := range older[min(kept-1, len(older)):] {
		if err := os.Remove(checkpointPath(dir, s)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove an old checkpoint: %w", err)
		}
	}
	return nil
}

// Checkpoints lists the steps that the trial in dir has whole checkpoints for,
// newest first. Damaged ones are set aside as <name>.damaged-<n>, and the
// error is a *DamageError that names them; steps are good all the same. The
// caller holds the trial's lease.
func Checkpoints(dir string) (steps []int, err error) {
	all, err := checkpointSteps(dir)
	if err != nil {
		return nil, err
	}
	var damage DamageError
	for _, step := range all {
		_, err := LoadCheckpointAt(dir, step)
		var d *DamageError
		switch {
		case err == nil:
			steps = append(steps, step)
		case errors.As(err, &d):
			aside, err := setAside(checkpointPath(dir, step))
			if err != nil {
				return nil, err
			}
			damage.Files = append(damage.Files, d.Files...)
			damage.Reasons = append(damage.Reasons, d.Reasons[0]+", set aside as "+filepath.Base(aside))
		default:
			return nil, err
		}
	}
	if len(damage.Files) > 0 {
		return steps, &damage
	}
	return steps, nil
}

// RemoveCheckpoints removes the trial's checkpoints, though not its weights.
func RemoveCheckpoints(dir string, token uint64) error {
	if err := CheckLease(dir, token); err != nil {
		return err
	}
	steps, err := checkpointSteps(dir)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := os.Remove(checkpointPath(dir, s)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a checkpoint: %w", err)
		}
	}
	return nil
}

// RemoveWeights removes the trial's weights, if there are any, and the
// checkpoint folder with them when nothing is left in it.
func RemoveWeights(dir string) error {
	if wantDir(filepath.Join(dir, checkpointDir)) != nil {
		return nil // nothing of ours is behind a link
	}
	if err := os.Remove(WeightsPath(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove weights: %w", err)
	}
	os.Remove(filepath.Join(dir, checkpointDir)) // fails, as it should, unless empty
	return nil
}

// LoadCheckpointAt reads the trial's checkpoint after step steps. The error is
// fs.ErrNotExist or a *DamageError where that is the reason.
func LoadCheckpointAt(dir string, step int) (payload []byte, err error) {
	return loadBlob(checkpointPath(dir, step), step)
}

// SaveWeights writes a trained trial's weights to checkpoint/weights.bin, as
// SaveCheckpoint does.
func SaveWeights(dir string, token uint64, payload []byte) error {
	return saveBlob(dir, token, WeightsPath(dir), 0, payload)
}

// LoadWeights reads what SaveWeights wrote. The error is fs.ErrNotExist or a
// *DamageError where that is the reason.
func LoadWeights(dir string) (payload []byte, err error) { return loadBlob(WeightsPath(dir), 0) }

// WeightsPath is the file of a trial's trained weights.
func WeightsPath(dir string) string { return filepath.Join(dir, checkpointDir, weightsName) }

func checkpointPath(dir string, step int) string {
	return filepath.Join(dir, checkpointDir, fmt.Sprintf("%s%012d%s", stepPrefix, step, stepSuffix))
}

// LastCheckpoint is the step of the trial's newest checkpoint; 0 without one.
func (f *Folder) LastCheckpoint(k result.Key) int {
	steps, err := checkpointSteps(f.TrialDir(k))
	if err != nil || len(steps) == 0 {
		return 0
	}
	return steps[0]
}

// checkpointSteps lists the steps that the trial has checkpoint files for,
// newest first, whole or not.
func checkpointSteps(dir string) ([]int, error) {
	if err := wantDir(filepath.Join(dir, checkpointDir)); err != nil {
		return nil, fmt.Errorf("look for checkpoints: %w", err)
	}
	names, err := readNames(filepath.Join(dir, checkpointDir))
	if err != nil {
		return nil, err
	}
	var steps []int
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, stepPrefix)
		digits, ok2 := strings.CutSuffix(digits, stepSuffix)
		if n, err := strconv.Atoi(digits); ok && ok2 && err == nil && n >= 0 {
			steps = append(steps, n)
		}
	}
	slices.SortFunc(steps, func(a, b int) int { return b - a })
	return steps, nil
}

func saveBlob(dir string, token uint64, path string, step int, payload []byte) error {
	if err := CheckLease(dir, token); err != nil {
		return err
	}
	// Not MkdirAll: a trial's folder that was deleted under the run must not
	// come back without its lease.
	if err := makeDir(filepath.Dir(path)); err != nil {
		return lostFolder(fmt.Errorf("save checkpoint: %w", err))
	}
	header := blobHeader(step, payload)
	return file{
		path:    path,
		durable: true,
		write: func(w io.Writer) error {
			if _, err := w.Write(header); err != nil {
				return err
			}
			_, err := w.Write(payload)
			return err
		},
		verify: func(tmp string) error { _, err := loadBlob(tmp, step); return err },
		fence:  func() error { return CheckLease(dir, token) },
	}.replace()
}

func blobHeader(step int, payload []byte) []byte {
	h := make([]byte, 0, checkpointHeader)
	h = append(h, checkpointMagic...)
	h = binary.LittleEndian.AppendUint32(h, checkpointVersion)
	h = binary.LittleEndian.AppendUint64(h, uint64(step))
	h = binary.LittleEndian.AppendUint64(h, uint64(len(payload)))
	return append(h, blobSum(h, payload)...)
}

func blobSum(head, payload []byte) []byte {
	sum := sha256.New()
	sum.Write(head)
	sum.Write(payload)
	return sum.Sum(nil)
}

func loadBlob(path string, step int) ([]byte, error) {
	damaged := func(format string, args ...any) ([]byte, error) {
		return nil, &DamageError{Files: []string{path}, Reasons: []string{fmt.Sprintf(format, args...)}}
	}
	b, err := ReadFile(path, maxBlob)
	if bad, ok := errors.AsType[*FileError](err); ok {
		return damaged("%s", bad.Reason)
	}
	if err != nil {
		return nil, fmt.Errorf("load checkpoint: %w", err)
	}
	if len(b) < checkpointHeader {
		return damaged("%d bytes, the header alone has %d", len(b), checkpointHeader)
	}
	if !bytes.HasPrefix(b, []byte(checkpointMagic)) {
		return damaged("it does not start like a checkpoint")
	}
	payload := b[checkpointHeader:]
	if v := binary.LittleEndian.Uint32(b[8:]); v != checkpointVersion {
		return damaged("version %d, this program reads %d", v, checkpointVersion)
	}
	if n := binary.LittleEndian.Uint64(b[20:]); n != uint64(len(payload)) {
		return damaged("%d bytes of %d", len(payload), n)
	}
	if !bytes.Equal(b[28:checkpointHeader], blobSum(b[:28], payload)) {
		return damaged("its SHA-256 does not fit its content")
	}
	if s := binary.LittleEndian.Uint64(b[12:]); s != uint64(step) {
		return damaged("it holds step %d, its name says %d", s, step)
	}
	return payload, nil
}

// KeepBestWeights removes the weights of a configuration's trials, but for the
// one with the best validation accuracy, the lowest seed in a tie. Trials without a
// result, or without a validation accuracy, are left alone.
func (f *Folder) KeepBestWeights(configID string) error {
	seeds, err := f.seeds(configID)
	if err != nil {
		return err
	}
	var keys []result.Key
	for _, s := range seeds {
		keys = append(keys, result.Key{ConfigID: configID, Seed: s})
	}
	results, _, err := f.ResultsOf(keys, Brief)
	if err != nil {
		return err
	}
	best := -1
	for i, r := range results {
		if a := r.Accuracy.Validation; a != nil && (best < 0 || *a > *results[best].Accuracy.Validation) {
			best = i
		}
	}
	for i, r := range results {
		if i == best || r.Accuracy.Validation == nil {
			continue
		}
		if err := RemoveWeights(f.TrialDir(r.Key())); err != nil {
			return err
		}
	}
	return nil
}
