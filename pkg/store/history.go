package store

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"slimfit/pkg/result"
)

// historyColumns is the first line of history.csv. Nothing in the file comes
// from the clock, and every number reads back to the same bits, so that two
// histories can be compared as files.
func historyColumns() []string { return []string{"step", "loss", "validation_accuracy"} }

// WriteHistory writes a trial's history.csv; an empty validation field was not
// measured. token is the fencing token of its lease; a caller that lost it gets
// ErrFenced.
func (f *Folder) WriteHistory(k result.Key, token uint64, points []result.Point) error {
	return historyFile(f.TrialDir(k), token, points).replace()
}

// SaveHistory writes what there is of a history while its trial, with this folder,
// trains: for who looks on. It is not made to outlast a loss of power.
func SaveHistory(dir string, token uint64, points []result.Point) error {
	f := historyFile(dir, token, points)
	f.durable = false
	return f.replace()
}

func historyFile(dir string, token uint64, points []result.Point) file {
	return content(filepath.Join(dir, historyName), encodeHistory(points), func() error { return CheckLease(dir, token) })
}

// HistorySHA256 is the digest, hex, of the history.csv that WriteHistory makes.
func HistorySHA256(points []result.Point) string { return result.SHA256(encodeHistory(points)) }

func encodeHistory(points []result.Point) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(historyColumns()) // a Buffer takes everything
	for _, p := range points {
		row := []string{strconv.Itoa(p.Step), formatFloat(p.Loss), ""}
		if p.Validation != nil {
			row[2] = formatFloat(*p.Validation)
		}
		w.Write(row)
	}
	w.Flush()
	return b.Bytes()
}

// ReadHistory reads a trial's history.csv. The error is fs.ErrNotExist where
// there is none, and names file and line where a line is no point.
func (f *Folder) ReadHistory(k result.Key) ([]result.Point, error) {
	path := filepath.Join(f.TrialDir(k), historyName)
	b, err := ReadFile(path, MaxJSON)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], historyColumns()) {
		return nil, fmt.Errorf("%s:1: want the columns step,loss,validation_accuracy", path)
	}
	points := make([]result.Point, 0, len(rows)-1)
	for i, row := range rows[1:] {
		p, err := parsePoint(row)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+2, err)
		}
		points = append(points, p)
	}
	return points, nil
}

func parsePoint(row []string) (p result.Point, err error) {
	if p.Step, err = strconv.Atoi(row[0]); err != nil {
		return p, fmt.Errorf("step: %w", err)
	}
	if p.Loss, err = strconv.ParseFloat(row[1], 64); err != nil {
		return p, fmt.Errorf("loss: %w", err)
	}
	if row[2] == "" {
		return p, nil
	}
	v, err := strconv.ParseFloat(row[2], 64)
	if err != nil {
		return p, fmt.Errorf("validation_accuracy: %w", err)
	}
	p.Validation = &v
	return p, nil
}

// formatFloat is the shortest text that reads back to the same float64.
func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
