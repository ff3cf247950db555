package dataset

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"slimfit/models"
)

// KindSeries is Data.Kind of series: 1 x time x channels, each value a level of
// models.Scaling.
const KindSeries = "series"

// GroupsColumn keeps the series of one value of the column or array "group" in one
// part.
const GroupsColumn = "column"

// Series are some, as a file has them.
type Series struct {
	channels int
	all      []oneSeries
	notes    []string
}

type oneSeries struct {
	name   string // for messages: x_train[3], or line 4
	values []float32
	label  string
	group  string
	role   string // as of picture
}

// IsSeries says whether a path is a file, or a folder of nothing but files, that
// series are read from.
func IsSeries(path string) bool {
	if IsTable(path) {
		return !isPictures(path)
	}
	entries, err := os.ReadDir(path)
	return err == nil && !slices.ContainsFunc(entries, os.DirEntry.IsDir) && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return slices.Contains([]string{"train.csv", "x_train.npy", "x.npy"}, e.Name())
	})
}

// IsTable says whether a path is a file of series or of arrays of pictures.
func IsTable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && slices.Contains([]string{".npz", ".npy", ".csv"}, strings.ToLower(filepath.Ext(path)))
}

// readSeriesSet reads series as a data set. Parts that are not there are held back
// as of pictures: by content alone, in each class its share, whole groups together.
// Windows of one series count as a group.
func readSeriesSet(ref Ref) (*Set, error) {
	for _, k := range []struct {
		key string
		set bool
	}{{"resize", ref.Resize != nil}, {"fit", ref.Fit != ""}, {"channels", ref.Channels != ""}, {"skip_unreadable", ref.SkipUnreadable},
		{"groups: subfolder", ref.Groups == GroupsSubfolder}, {"normalize", ref.Normalize != ""}} {
		if k.set {
			return nil, fmt.Errorf("%s is not for series, which are always standardised; leave it out", k.key)
		}
	}
	s, err := readSeries(ref.Path, true)
	if err != nil {
		return nil, err
	}
	f := folder{byGroup: ref.Groups == GroupsColumn}
	if f.byGroup && slices.ContainsFunc(s.all, func(o oneSeries) bool { return o.group == "" }) {
		return nil, errors.New("groups is column, but not every series has a group: want a column or array of that name")
	}
	length, err := s.cut(ref.Window, &f)
	if err != nil {
		return nil, err
	}
	if f.classNames, err = s.classes(); err != nil {
		return nil, err
	}
	f.sort(s)
	return f.series(ref, s, models.Shape{H: 1, W: length, C: s.channels})
}

// cut makes windows of all series, or sees to it that all have one length.
func (s *Series) cut(w *models.Window, f *folder) (length int, err error) {
	if len(s.all) == 0 {
		return 0, errors.New("holds no series")
	}
	lengths := func(o oneSeries) int { return len(o.values) / s.channels }
	least := slices.MinFunc(s.all, func(a, b oneSeries) int { return cmp.Compare(lengths(a), lengths(b)) })
	most := slices.MaxFunc(s.all, func(a, b oneSeries) int { return cmp.Compare(lengths(a), lengths(b)) })
	switch {
	case w == nil && lengths(least) != lengths(most):
		return 0, fmt.Errorf("series of unequal length: %s has %d values, %s %d; cut or pad them, or set window: {length: %d}", least.name,
			lengths(least), most.name, lengths(most), lengths(least))
	case w == nil:
		return lengths(least), nil
	case lengths(least) < w.Length:
		return 0, fmt.Errorf("window.length is %d, but %s has %d values; set a shorter one, or leave that series out", w.Length, least.name,
			lengths(least))
	}
	windows := int64(0)
	for _, o := range s.all {
		windows += int64((lengths(o)-w.Length)/w.Step + 1)
	}
	if err := s.room(windows, w.Length); err != nil {
		return 0, fmt.Errorf("%w; set a larger window.step", err)
	}
	var all []oneSeries
	for i, o := range s.all {
		for at := 0; at+w.Length <= lengths(o); at += w.Step {
			part := o
			part.name = fmt.Sprintf("%s from %d", o.name, at)
			part.values = o.values[at*s.channels : (at+w.Length)*s.channels]
			if part.group == "" || f != nil && !f.byGroup {
				part.group = strconv.Itoa(i)
			}
			all = append(all, part)
		}
	}
	if s.all = all; f != nil {
		f.byGroup = true
	}
	return w.Length, nil
}

// room fails where so many series are more than is taken into memory.
func (s *Series) room(n int64, length int) error {
	if n > maxFiles {
		return fmt.Errorf("%d series, more than %d", n, maxFiles)
	}
	if n > maxBytes/int64(length*s.channels) {
		return fmt.Errorf("%d series of %d times and %d channels are more than %d GiB", n, length, s.channels, maxBytes>>30)
	}
	return nil
}

// classes are the labels: numbers by size, else by name.
func (s *Series) classes() ([]string, error) {
	var names []string
	seen := map[string]bool{}
	for _, o := range s.all {
		if !seen[o.label] {
			seen[o.label], names = true, append(names, o.label)
		}
	}
	if len(names) < 2 || len(names) > MaxClasses {
		return nil, fmt.Errorf("classes by their labels: %d, want 2 to %d", len(names), MaxClasses)
	}
	number := func(n string) float64 {
		x, err := strconv.ParseFloat(n, 64)
		if err != nil {
			return math.NaN()
		}
		return x
	}
	numbers := !slices.ContainsFunc(names, func(n string) bool { return math.IsNaN(number(n)) })
	slices.SortFunc(names, func(a, b string) int {
		if numbers {
			return cmp.Or(cmp.Compare(number(a), number(b)), strings.Compare(a, b))
		}
		return strings.Compare(a, b)
	})
	return names, nil
}

// sort hashes the series and puts them where pictures lie.
func (f *folder) sort(s *Series) {
	for i, o := range s.all {
		p := picture{path: o.name, role: o.role, group: o.group, class: slices.Index(f.classNames, o.label), at: i}
		h := sha256.New()
		binary.Write(h, binary.LittleEndian, o.values)
		h.Sum(p.sum[:0])
		p.key = sha256.Sum256(append([]byte{splitSeed}, p.sum[:]...))
		f.put(p)
	}
	f.divided = len(f.test)+len(f.validation) > 0
}

// series divides the series into parts and makes levels of them, by mean and
// standard deviation of the training part.
func (f *folder) series(ref Ref, s *Series, in models.Shape) (*Set, error) {
	if f.byGroup {
		if err := checkGroups(slices.Concat(f.train, f.validation, f.test)); err != nil {
			return nil, err
		}
	}
	if err := s.room(int64(len(s.all)), in.W); err != nil {
		return nil, err
	}
	digest, testKey := f.digest(), f.testKey()
	n, err := f.arrange(ref)
	if err != nil {
		return nil, err
	}
	scaling := s.standard(f.train[n.validation : n.validation+n.train])
	c := content{input: in, classes: len(f.classNames), classNames: f.classNames, digest: digest, testKey: testKey,
		notes: s.notes}
	c.train, c.test = s.levels(f.train, scaling), s.levels(f.test, scaling)
	for i := range f.classNames {
		if f.classNames[i] != strconv.Itoa(i) {
			c.notes = append(c.notes, fmt.Sprintf("the labels are %s: they are taken as %d classes, numbered from 0", shorten(f.classNames),
				len(f.classNames)))
			break
		}
	}
	set := c.part(ref, n)
	set.Data.Scaling = scaling
	for _, p := range f.train[:n.validation] {
		set.ValidationFiles = append(set.ValidationFiles, p.path)
	}
	for _, p := range f.test[:n.test] {
		set.TestFiles = append(set.TestFiles, p.path)
	}
	return set, nil
}

// mostSpread is how many standard deviations from the mean levels reach at most.
const mostSpread = 8

// standard is the scaling of the training part.
func (s *Series) standard(train []picture) *models.Scaling {
	out, most := &models.Scaling{}, 0.0
	each := func(channel int, do func(v float64)) (n int) {
		for _, p := range train {
			values := s.all[p.at].values
			for i := channel; i < len(values); i += s.channels {
				do(float64(values[i]))
				n++
			}
		}
		return n
	}
	for c := range s.channels {
		sum, squares, far := 0.0, 0.0, 0.0
		n := float64(each(c, func(v float64) { sum += v }))
		mean := sum / n
		each(c, func(v float64) {
			squares += (v - mean) * (v - mean)
			far = max(far, math.Abs(v-mean))
		})
		sd := math.Sqrt(squares / n)
		if !(sd > 1e-9*math.Abs(mean)) || sd == 0 {
			sd = 1 // it never changes
		}
		out.Mean, out.SD, most = append(out.Mean, mean), append(out.SD, sd), max(most, far/sd)
	}
	out.Step = min(max(most, 1), mostSpread) / 127
	return out
}

func (s *Series) levels(order []picture, scaling *models.Scaling) Images {
	var m Images
	for _, p := range order {
		m.Labels = append(m.Labels, uint8(p.class))
		for i, v := range s.all[p.at].values {
			m.Pixels = append(m.Pixels, scaling.Level(float64(v), i%s.channels))
		}
	}
	return m
}

// Labelled are series for a network, in their own unit.
type Labelled struct {
	Values     []float32
	Names      []string // of each series
	Labels     []uint8  // classes of ClassNames; nil where the file has none
	ClassNames []string
}

// ReadSeries reads a file of series for a network of that input: the test part
// where there is one, cut into windows as the network's own were.
func ReadSeries(path string, in models.Shape, w *models.Window) (*Labelled, error) {
	s, err := readSeries(path, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if test := slices.DeleteFunc(slices.Clone(s.all), func(o oneSeries) bool { return o.role != roleTest }); len(test) > 0 {
		s.all = test
	}
	length, err := s.cut(w, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if got := (models.Shape{H: 1, W: length, C: s.channels}); got != in {
		return nil, fmt.Errorf("%s: series of %s, the network takes %s (1 x time x channels)", path, got, in)
	}
	l := &Labelled{}
	for _, o := range s.all {
		l.Values, l.Names = append(l.Values, o.values...), append(l.Names, o.name)
	}
	if slices.ContainsFunc(s.all, func(o oneSeries) bool { return o.label == "" }) {
		return l, nil
	}
	for _, o := range s.all {
		i := slices.Index(l.ClassNames, o.label)
		if i < 0 {
			if i = len(l.ClassNames); i == MaxClasses {
				return nil, fmt.Errorf("%s: more than %d classes", path, MaxClasses)
			}
			l.ClassNames = append(l.ClassNames, o.label)
		}
		l.Labels = append(l.Labels, uint8(i))
	}
	return l, nil
}
