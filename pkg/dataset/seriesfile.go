package dataset

import (
	"archive/zip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/npy"
)

// readSeries reads series from a NumPy archive or array, a CSV, or a folder of
// such: x_train and y_train (and of test), x and y, or train.csv and test.csv.
func readSeries(path string, labels bool) (*Series, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &Series{}
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case st.IsDir():
		err = s.folder(path, labels)
	case ext == ".csv":
		err = s.csv(path, "")
	case ext == ".npz":
		err = s.archive(path, labels)
	case ext == ".npy" && !labels:
		err = s.arrays("", func(string) ([]byte, error) { return readNPY(path) }, false)
	default:
		err = errors.New("want a .npz or .csv file, or a folder of x_train.npy, y_train.npy, ... or of train.csv and test.csv")
	}
	if err == nil && len(s.all) == 0 {
		err = errors.New("holds no series")
	}
	return s, err
}

func (s *Series) folder(dir string, labels bool) error {
	names, err := listNames(dir)
	if err != nil {
		return err
	}
	if slices.Contains(names, "train.csv") {
		err := s.csv(filepath.Join(dir, "train.csv"), roleTrain)
		if err == nil && slices.Contains(names, "test.csv") {
			err = s.csv(filepath.Join(dir, "test.csv"), roleTest)
		}
		return err
	}
	return s.parts(names, func(name string) ([]byte, error) { return readNPY(filepath.Join(dir, name)) }, labels)
}

// archive reads a .npz file, whose entries say how long they are only when they
// are read.
func (s *Series) archive(path string, labels bool) error {
	f, size, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zip.NewReader(f, size)
	if err != nil {
		return fmt.Errorf("no NumPy archive: %w", err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return s.parts(names, func(name string) ([]byte, error) { return readEntry(z, name) }, labels)
}

// readEntry reads an entry of a .npz file, of at most maxLoose values.
func readEntry(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 4*maxLoose + npy.MaxHeader
	b, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(b) > most {
		err = errors.New(aboveLoose)
	}
	return b, err
}

// parts reads the arrays that are there by their usual names.
func (s *Series) parts(names []string, read func(string) ([]byte, error), labels bool) error {
	has := func(name string) bool { return slices.Contains(names, name+".npy") }
	open := func(name string) ([]byte, error) {
		if !has(name) {
			return nil, os.ErrNotExist
		}
		return read(name + ".npy")
	}
	switch {
	case has("x_train"):
		if err := s.arrays("_train", open, true); err != nil || !has("x_test") {
			return err
		}
		return s.arrays("_test", open, true)
	case has("x_test") && !labels:
		return s.arrays("_test", open, false)
	case has("x"):
		return s.arrays("", open, labels)
	case len(names) == 0:
		return errors.New("an empty archive or folder: want arrays x_train, y_train, x_test, y_test; or x and y")
	}
	return fmt.Errorf("holds %s: want arrays x_train, y_train, x_test, y_test; or x and y", shorten(names))
}

// arrays reads x, y and group of a part.
func (s *Series) arrays(part string, open func(string) ([]byte, error), labels bool) error {
	load := func(name string) ([]float64, []int, error) {
		b, err := open(name + part)
		if err != nil {
			return nil, nil, err
		}
		v, shape, err := npy.Numbers(b)
		if err != nil {
			err = fmt.Errorf("%s%s: %w", name, part, err)
		}
		return v, shape, err
	}
	x, shape, err := load("x")
	if err != nil {
		return err
	}
	channels := 1
	switch {
	case len(shape) == 3:
		channels = shape[2]
	case len(shape) == 1: // one series
		shape = []int{1, shape[0]}
	case len(shape) == 4:
		return fmt.Errorf("x%s has the shape %v, of pictures: save them as uint8 from 0 to 255 in a .npz, as PNG, a folder a class, or as idx "+
			"files; series are [series, time] or [series, time, channels]", part, shape)
	case len(shape) != 2:
		return fmt.Errorf("x%s has the shape %v: want [series, time] or [series, time, channels]", part, shape)
	}
	n, length := shape[0], shape[1]
	if n == 0 || length == 0 || channels == 0 {
		return fmt.Errorf("x%s has the shape %v, and no values", part, shape)
	}
	if s.channels != 0 && s.channels != channels {
		return fmt.Errorf("x%s has %d channels, x_train %d", part, channels, s.channels)
	}
	if channels > length {
		return fmt.Errorf("x%s has the shape %v, more channels than times: want [series, time, channels]; turn the last two axes", part, shape)
	}
	if len(shape) == 3 && length == channels && channels >= leastEdge && part != "_test" {
		s.notes = append(s.notes, fmt.Sprintf("x%s has the shape %v: it is read as series of %d points in time and %d channels; if these are "+
			"pictures, save them as uint8 from 0 to 255", part, shape, length, channels))
	}
	columns := map[string][]float64{}
	for _, name := range []string{"y", "group"} {
		v, dims, err := load(name)
		switch {
		case errors.Is(err, os.ErrNotExist) && (name == "group" || !labels):
			continue
		case errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("there is no y%s: the class of each series", part)
		case err != nil:
			if !labels { // of one loose array
				continue
			}
			return err
		case len(v) != n:
			return fmt.Errorf("%s%s has the shape %v, but there are %d series in x%s", name, part, dims, n, part)
		}
		columns[name] = v
	}
	s.channels = channels
	for i := range n {
		one := oneSeries{name: fmt.Sprintf("x%s[%d]", part, i), role: roleImages, values: make([]float32, length*channels)}
		if part != "" {
			one.role = part[1:]
		}
		for k, v := range x[i*length*channels : (i+1)*length*channels] {
			if err := one.set(k, v); err != nil {
				return err
			}
		}
		if y := columns["y"]; y != nil {
			one.label = strconv.FormatFloat(y[i], 'g', -1, 64)
		}
		if g := columns["group"]; g != nil {
			one.group = strconv.FormatFloat(g[i], 'g', -1, 64)
		}
		s.all = append(s.all, one)
	}
	return nil
}

func (o *oneSeries) set(k int, v float64) error {
	if f := float32(v); !math.IsNaN(v) && !math.IsInf(float64(f), 0) {
		o.values[k] = f
		return nil
	}
	return fmt.Errorf("%s: value %d is %v, which is no number of a series; fill it in, or leave the series out", o.name, k, v)
}

// Columns of a CSV that are no values, by what they may be called.
var columnNames = map[string][]string{"label": {"label", "class", "y", "target"}, "part": {"part", "split", "set"},
	"group": {"group", "groups", "subject"}, "id": {"id", "series", "series_id"}, "time": {"time", "t", "timestamp"}}

// maxCSV is the most bytes of a CSV that are read.
const maxCSV = 1 << 30

// csv reads a table with a line of names: a series a line; or, with a column id,
// a point in time a line.
func (s *Series) csv(path, role string) error {
	f, size, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if size > maxCSV {
		return fmt.Errorf("%s has more than %d GiB; split it, or save it as .npz", filepath.Base(path), maxCSV>>30)
	}
	r := csv.NewReader(io.LimitReader(f, maxCSV))
	r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = -1, true, true
	head, err := r.Read()
	head = slices.Clone(head)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	t := table{s: s, role: role, at: map[string]int{}, open: map[string]int{}}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		t.values = append(t.values, i)
		for key, names := range columnNames {
			if _, have := t.at[key]; slices.Contains(names, name) && !have {
				t.at[key], t.values = i, t.values[:len(t.values)-1]
			}
		}
	}
	_, err = strconv.ParseFloat(strings.TrimSpace(head[0]), 64)
	if err == nil {
		return fmt.Errorf("%s: the first line is numbers: want names, such as label, v1, v2, ...; or id, label, x, y for a point a line",
			filepath.Base(path))
	}
	for {
		record, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err) // which names the line
		}
		line, _ := r.FieldPos(0)
		if err := t.line(record, head, line); err != nil {
			return fmt.Errorf("%s: line %d: %w", filepath.Base(path), line, err)
		}
	}
}

// table is a CSV that is being read.
type table struct {
	s      *Series
	role   string
	at     map[string]int // columns by what they are
	values []int          // the other columns
	open   map[string]int // in long form: where each id's series is
}

func (t *table) word(record []string, key string) string {
	if i, ok := t.at[key]; ok && i < len(record) {
		return strings.TrimSpace(record[i])
	}
	return ""
}

func (t *table) line(record, head []string, line int) error {
	one := oneSeries{name: fmt.Sprintf("line %d", line), label: t.word(record, "label"), group: t.word(record, "group"), role: t.role}
	if x, err := strconv.ParseFloat(one.label, 64); err == nil { // 1 and 1.0 are one class
		one.label = strconv.FormatFloat(x, 'g', -1, 64)
	}
	if _, has := t.at["label"]; has && one.label == "" {
		return errors.New("it has no label")
	}
	if part := t.word(record, "part"); part != "" {
		if one.role = roleOf(part); one.role == "" {
			return fmt.Errorf("part is %q: want train or test", part)
		}
	}
	fields := t.values
	_, long := t.at["id"]
	for len(fields) > 0 && !long && (fields[len(fields)-1] >= len(record) || strings.TrimSpace(record[fields[len(fields)-1]]) == "") {
		fields = fields[:len(fields)-1] // a shorter series
	}
	one.values = make([]float32, len(fields))
	for k, i := range fields {
		if i >= len(record) {
			return fmt.Errorf("it has %d fields, the first line %d", len(record), len(head))
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(record[i]), 64)
		if err != nil {
			return fmt.Errorf("%s is %q, which is no number", head[i], record[i])
		}
		if err := one.set(k, v); err != nil {
			return fmt.Errorf("%s is %v, which is no number of a series; fill it in, or leave the series out", head[i], v)
		}
	}
	if len(one.values) == 0 {
		return errors.New("it has no values")
	}
	if !long {
		t.s.channels, t.s.all = 1, append(t.s.all, one)
		return nil
	}
	t.s.channels = len(t.values)
	id := t.word(record, "id")
	if i, ok := t.open[id]; ok {
		have := &t.s.all[i]
		if have.label != one.label || have.group != one.group || have.role != one.role {
			return fmt.Errorf("series %s has another label, group or part than in its lines before", id)
		}
		have.values = append(have.values, one.values...)
		return nil
	}
	one.name, t.open[id] = "series "+id, len(t.s.all)
	t.s.all = append(t.s.all, one)
	return nil
}
