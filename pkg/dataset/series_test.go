package dataset

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
	"slimfit/pkg/npy"
)

// seriesNPZ writes an archive of arrays: float32 by name, with their shapes.
func seriesNPZ(t *testing.T, arrays map[string][]float32, shapes map[string][]int) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, v := range arrays {
		f, err := z.Create(name + ".npy")
		if err == nil {
			err = npy.Write(f, v, shapes[name]...)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s.npz")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// waves are n series of two channels and 6 points in time; their labels are 1, 3.
func waves(n int) (x, y []float32) {
	g := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		y = append(y, float32(1+2*(i%2)))
		for range 6 {
			x = append(x, float32(g.NormFloat64()), float32(1000+5*g.NormFloat64()))
		}
	}
	return x, y
}

func TestSeriesArchive(t *testing.T) {
	x, y := waves(40)
	xt, yt := waves(10)
	path := seriesNPZ(t, map[string][]float32{"x_train": x, "y_train": y, "x_test": xt, "y_test": yt},
		map[string][]int{"x_train": {40, 6, 2}, "y_train": {40}, "x_test": {10, 6, 2}, "y_test": {10}})
	set, err := Load(Ref{Path: path}, "")
	if err != nil {
		t.Fatal(err)
	}
	d := set.Data
	if d.Kind != KindSeries || d.Input != (models.Shape{H: 1, W: 6, C: 2}) || d.Classes != 2 || d.Train != 36 || d.Validation != 4 ||
		d.Test != 10 || !slices.Equal(set.ClassNames, []string{"1", "3"}) {
		t.Errorf("%+v, %q", d, set.ClassNames)
	}
	if s := d.Scaling; math.Abs(s.Mean[1]-1000) > 3 || math.Abs(s.SD[1]-5) > 1 || math.Abs(s.SD[0]-1) > 0.2 ||
		s.Step < 1.0/127 || s.Step > 8.0/127 {
		t.Errorf("scaling %+v", s)
	}
	// Levels stand for the values, to half a level; all training values are within reach.
	var sorted []float64
	for _, v := range d.Scaling.Values(set.Test.Pixels) {
		sorted = append(sorted, float64(v))
	}
	var want []float64
	for i, v := range xt {
		c := i % 2
		z := (float64(v) - d.Scaling.Mean[c]) / d.Scaling.SD[c] / d.Scaling.Step
		want = append(want, d.Scaling.Mean[c]+min(max(math.Round(z), -128), 127)*d.Scaling.SD[c]*d.Scaling.Step)
	}
	slices.Sort(sorted)
	slices.Sort(want)
	for i := range want {
		if math.Abs(sorted[i]-want[i]) > 1e-3 {
			t.Fatalf("value %v, want %v", sorted[i], want[i])
		}
	}
	if again, err := LoadData(d, models.Source{Path: path}); err != nil || !again.Data.Same(d) {
		t.Errorf("again: %v", err)
	}
	l, err := ReadSeries(path, d.Input, nil)
	if err != nil || len(l.Labels) != 10 || l.Values[1] != xt[1] || l.ClassNames[l.Labels[1]] != "3" {
		t.Errorf("loose: %+v, %v", l, err)
	}
	if far := set.Ranges(); far == nil || !far.Series || far.Far(d.Scaling.Standard(make([]float32, 12)), PictureFact{}) == "" {
		t.Errorf("ranges %+v", far)
	}
}

func TestSeriesTables(t *testing.T) {
	var wide, long strings.Builder
	wide.WriteString("\ufefflabel, group, a, b, c\n")
	long.WriteString("id,label,x\n")
	for i := range 40 {
		fmt.Fprintf(&wide, "%s,g%d,%d,2.5,-1e3\n", []string{"no", "yes"}[i%2], i/4, i)
		for k := range 5 + i%2 {
			fmt.Fprintf(&long, "s%d,%d.0,%d\n", i, i%2, i*k)
		}
	}
	dir := datatest.Write(t, t.TempDir(), map[string][]byte{"wide.csv": []byte(wide.String()), "long.csv": []byte(long.String())})
	set, err := Load(Ref{Path: dir + "/wide.csv", Groups: GroupsColumn}, "")
	if err != nil || set.Data.Input.W != 3 || !slices.Equal(set.ClassNames, []string{"no", "yes"}) || set.Data.Test < 4 ||
		set.Data.Test%4 != 0 {
		t.Errorf("whole groups of four: %+v, %v", set, err)
	}
	set, err = Load(Ref{Path: dir + "/long.csv", Window: &models.Window{Length: 4, Step: 1}, Accept: AcceptAll()}, "")
	if err != nil || set.Data.Input.W != 4 || set.Train.N()+set.Validation.N()+set.Test.N() != 20*2+20*3 {
		t.Fatalf("windows: %+v, %v", set, err)
	}
	part := map[string]string{} // of each series: windows of one are in one part
	for i, f := range set.TestFiles {
		part[strings.Fields(f)[1]] = "test"
		if int(set.Test.Labels[i]) > 1 {
			t.Errorf("label %d", set.Test.Labels[i])
		}
	}
	windows := 0
	for id := range part {
		var n int
		fmt.Sscanf(id, "s%d", &n)
		windows += 2 + n%2
	}
	if windows != len(set.TestFiles) {
		t.Errorf("%d windows of %d series, want %d", len(set.TestFiles), len(part), windows)
	}
}

func TestBadSeries(t *testing.T) {
	row := "label,a,b\n"
	for i := range 30 {
		row += fmt.Sprintf("%d,%d,1\n", i%2, i)
	}
	x, y := waves(20)
	nan := slices.Clone(x)
	nan[13] = float32(math.NaN())
	objects := append([]byte("\x93NUMPY\x01\x00\x46\x00"),
		fmt.Sprintf("%-69s\n", "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }")...)
	files := datatest.Write(t, t.TempDir(), map[string][]byte{
		"unequal.csv": []byte("label,a,b\n0,1,2\n1,3\n"), "nan.csv": []byte(row + "1,NaN,2\n"),
		"word.csv":    []byte(row + "1,two,2\n"),
		"numbers.csv": []byte("1,2,3\n0,1,2\n"), "one.csv": []byte("label,a\n0,1\n0,2\n"), "empty.csv": nil, "head.csv": []byte("label,a\n"),
		"nolabel.csv": []byte("label,a\n,1\n"), "part.csv": []byte("label,part,a\n0,holdout,1\n"),
		"groups.csv": []byte("label,part,group,a\n0,train,p,1\n1,test,p,2\n"),
		"mixed.csv":  []byte("id,label,x\n1,0,1\n1,1,2\n"), "broken.npz": []byte("PK no archive"), "x.npy": objects, "y.npy": objects})
	many := "label,a\n"
	for i := range 1000 {
		many += fmt.Sprintf("%d,%d\n", i, i)
	}
	datatest.Write(t, files, map[string][]byte{"many.csv": []byte(many)})
	shape := func(n int) map[string][]int { return map[string][]int{"x": {n, 6, 2}, "y": {n}} }
	for _, c := range []struct {
		path string
		ref  Ref
		want string
	}{
		{files + "/unequal.csv", Ref{}, "unequal length: line 3 has 1 values, line 2 2; cut or pad them, or set window"},
		{files + "/unequal.csv", Ref{Window: &models.Window{Length: 2, Step: 1}}, "window.length is 2, but line 3 has 1"},
		{files + "/nan.csv", Ref{}, "nan.csv: line 32: a is NaN, which is no number of a series"},
		{files + "/word.csv", Ref{}, `line 32: a is "two", which is no number`},
		{files + "/numbers.csv", Ref{}, "the first line is numbers: want names"},
		{files + "/one.csv", Ref{}, "classes by their labels: 1, want 2 to 256"},
		{files + "/many.csv", Ref{}, "classes by their labels: 1000, want 2 to 256"},
		{files + "/empty.csv", Ref{}, "empty.csv: EOF"},
		{files + "/head.csv", Ref{}, "holds no series"},
		{files + "/nolabel.csv", Ref{}, "line 2: it has no label"},
		{files + "/part.csv", Ref{}, `part is "holdout": want train or test`},
		{files + "/groups.csv", Ref{Groups: GroupsColumn}, "group p is in two parts"},
		{files + "/nan.csv", Ref{Groups: GroupsSubfolder}, "groups: subfolder is not for series"},
		{files + "/mixed.csv", Ref{}, "series 1 has another label"},
		{files + "/broken.npz", Ref{}, "no NumPy archive"},
		{files, Ref{Kind: KindSeries}, "an array of objects, as numpy makes of lists of unequal length"},
		{seriesNPZ(t, nil, nil), Ref{}, "an empty archive or folder: want arrays x_train"},
		{seriesNPZ(t, map[string][]float32{"data": x}, map[string][]int{"data": {20, 12}}), Ref{}, "holds data.npy: want arrays"},
		{seriesNPZ(t, map[string][]float32{"x": nan, "y": y}, shape(20)), Ref{}, "x[1]: value 1 is NaN"},
		{seriesNPZ(t, map[string][]float32{"x": x}, shape(20)), Ref{}, "there is no y"},
		{seriesNPZ(t, map[string][]float32{"x": x, "y": y}, map[string][]int{"x": {20, 3, 2, 2}, "y": {20}}), Ref{}, "[20 3 2 2], of pictures: save them as uint8"},
		{seriesNPZ(t, map[string][]float32{"x": x, "y": y[:3]}, map[string][]int{"x": {20, 6, 2}, "y": {3}}), Ref{}, "but there are 20 series"},
		{seriesNPZ(t, map[string][]float32{"x": x, "y": y}, map[string][]int{"x": {20, 2, 6}, "y": {20}}), Ref{}, "more channels than times"},
		{seriesNPZ(t, map[string][]float32{"x": x, "y": y}, map[string][]int{"x": {20, 2, 2, 1, 3}, "y": {20}}), Ref{}, "want [series, time]"},
		{seriesNPZ(t, map[string][]float32{"x": x, "y": y}, shape(20)), Ref{Resize: &[2]int{1, 1}}, "resize is not for series"},
	} {
		c.ref.Path = c.path
		if _, err := Load(c.ref, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", filepath.Base(c.path), err, c.want)
		}
	}
}

func TestNormalize(t *testing.T) {
	files := map[string][]byte{}
	for i := range 40 {
		files[fmt.Sprintf("%d/%d.png", i%2, i)] = pngBytes(t, 4, 4, color.NRGBA{uint8(5 * i), 40, 200, 255}, uint8(i))
	}
	ref := Ref{Path: datatest.Write(t, t.TempDir(), files), Normalize: NormalizeStandard}
	set, err := Load(ref, "")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Load(Ref{Path: ref.Path}, "")
	if err != nil || plain.Data.Same(set.Data) || plain.Data.Scaling != nil {
		t.Fatalf("it is no part of the identity: %v", err)
	}
	var sum [3][2]float64 // of the training part alone
	n := float64(len(set.Train.Pixels) / 3)
	for i, p := range set.Train.Pixels {
		sum[i%3][0], sum[i%3][1] = sum[i%3][0]+float64(p)/255/n, sum[i%3][1]+float64(p)*float64(p)/255/255/n
	}
	for c, s := range sum {
		if sd := math.Sqrt(s[1] - s[0]*s[0]); math.Abs(set.Data.Scaling.Mean[c]-s[0]) > 1e-9 || math.Abs(set.Data.Scaling.SD[c]-sd) > 1e-9 {
			t.Errorf("channel %d: %+v, want %v and %v", c, set.Data.Scaling, s[0], sd)
		}
	}
	if again, err := LoadData(set.Data, models.Source{Path: ref.Path}); err != nil || !again.Data.Same(set.Data) {
		t.Errorf("again: %v", err)
	}
	other := set.Data
	other.Scaling = &models.Scaling{Mean: []float64{0, 0, 0}, SD: []float64{1, 1, 1}}
	if _, err := LoadData(other, models.Source{Path: ref.Path}); err == nil || !strings.Contains(err.Error(), "plan again") {
		t.Errorf("another scaling: %v", err)
	}
	for _, bad := range []models.Scaling{{}, {Mean: []float64{0}, SD: []float64{0}}, {Mean: []float64{math.NaN()}, SD: []float64{1}}} {
		if bad.Check(1) == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// A window at each point of long series would be more than memory has.
func TestTooManyWindows(t *testing.T) {
	s := &Series{channels: 1}
	for range 20 {
		s.all = append(s.all, oneSeries{values: make([]float32, 60_000), label: "1"})
	}
	if _, err := s.cut(&models.Window{Length: 30_000, Step: 1}, nil); err == nil || !strings.Contains(err.Error(), "larger window.step") {
		t.Error(err)
	}
}

func FuzzSeries(f *testing.F) {
	f.Add([]byte("label,v1,v2\n1,2,3\na\"b,1,2\n"), false)
	f.Add([]byte("id,label,x\n1,a,0\n1,a,1\n2,b,3\n2,b,\n"), false)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := npy.Add(z, "x", []float32{1, 2, 3, 4}, 2, 2); err != nil {
		f.Fatal(err)
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), true)
	f.Fuzz(func(t *testing.T, content []byte, archive bool) {
		path := filepath.Join(t.TempDir(), "s"+map[bool]string{true: ".npz", false: ".csv"}[archive])
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		set, err := readSeriesSet(Ref{Path: path, Window: &models.Window{Length: 2, Step: 1}})
		if err == nil && (set.Train.N() == 0 || set.Data.Scaling.Check(set.Data.Input.C) != nil) {
			t.Errorf("%d series, scaled by %+v", set.Train.N(), set.Data.Scaling)
		}
	})
}

// A pipe in the place of a file is refused, not waited for.
func TestPipesAreRefused(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"train.csv", "a.csv", "a.npz", "a.npy", "a.idx"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := models.Shape{H: 1, W: 4, C: 1}
	for name, read := range map[string]func(string) error{
		"":      func(p string) error { _, err := Load(Ref{Path: p, Kind: KindSeries}, ""); return err },
		"a.csv": func(p string) error { _, err := ReadSeries(p, in, nil); return err },
		"a.npz": func(p string) error { _, err := ReadSeries(p, in, nil); return err },
		"a.npy": func(p string) error { _, err := ReadImages(p, in, false, ""); return err },
		"a.idx": func(p string) error { _, err := readIDX(p, 1); return err },
	} {
		if err := read(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
