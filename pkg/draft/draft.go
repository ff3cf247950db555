package draft

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"slimfit/pkg/dataset"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// Templates are the kinds of experiments that there are words for.
func Templates() []string { return []string{"images", "inspection", "meter", "series", "paper"} }

//go:embed templates
var files embed.FS

// Draft is what is chosen for an experiment, and what it was chosen from.
type Draft struct {
	Template string // one of Templates
	File     string // that the experiment is written to
	Name     string
	Path     string // of the data, as the file names it
	Series   bool
	Seen     []string // what was seen of the data, a line each; empty where there is none

	Resize                        string // "" where the images have one size already
	Fit, Channels, Groups, Accept string
	Skip                          bool
	Test                          int // images held back to test with; 0: as the data has it
	Classes                       int

	Stages        []Stage
	Widths        string
	Batch, Epochs int

	Accuracy float64
	Shows    string // what the test images can show
	Guess    string // what is right without looking
	Balanced bool   // by the balanced accuracy, where one class outnumbers the others
	Weights  []Weight
	Floors   []Floor
}

// Weight is of a class in the loss.
type Weight struct {
	Name   string
	Weight float64
	Of     int // training images
}

// Stage is a convolution and what makes its output smaller.
type Stage struct {
	Filters string
	Strided bool // by the convolution itself, else by a pool
}

// Floor is the least recall of a class.
type Floor struct {
	Name  string
	Least float64
	Of    int // test images
}

// Text writes the experiment.
func (d *Draft) Text() ([]byte, error) {
	name := "images.yaml"
	if d.Template == "paper" {
		name = d.Template + ".yaml"
	}
	t, err := template.New(name).Funcs(template.FuncMap{"percent": text.Threshold, "quote": strconv.Quote, "printable": text.Printable}).
		ParseFS(files, "templates/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", d.File, err)
	}
	var b, out bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, d); err != nil || !d.Series {
		return b.Bytes(), err
	}
	for line := range strings.Lines(b.String()) { // what people read is to speak of series, paths stay
		code, comment, _ := strings.Cut(line, "#")
		if comment != "" && !strings.Contains(code, "path:") {
			line = code + "#" + text.NounOf("series").Of(comment)
		}
		out.WriteString(line)
	}
	return out.Bytes(), nil
}

// Empty is a draft of a template for data that is not there yet.
func Empty(kind, file string) *Draft {
	d := &Draft{Template: kind, File: file, Name: nameOf(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))), Path: "my-pictures",
		Classes: 10, Accuracy: 0.9}
	if kind == "series" {
		d.Path, d.Series = "my-series.npz", true
		d.network(1, 64)
		d.recipe(2000)
		return d
	}
	h, w := 32, 32
	if kind == "meter" {
		w = 20
	}
	d.Resize = fmt.Sprintf("[%d, %d]", h, w)
	d.network(h, w)
	d.recipe(2000)
	return d
}

// Of looks at the data in a folder and chooses.
func Of(folder, kind, file string) (*Draft, error) {
	kind = cmp.Or(kind, "images")
	name := filepath.Base(folder)
	if dataset.IsTable(folder) {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	if dataset.IsSeries(folder) {
		kind = "series"
	}
	if kind == "paper" {
		return nil, errors.New("template paper is about MNIST: leave --data out, or take another template")
	}
	d := &Draft{Template: kind, File: file, Name: nameOf(name), Path: pathFrom(file, folder)}
	set, ref, err := dataset.Examine(folder)
	if kind == "series" {
		ref = dataset.Ref{Path: folder, Kind: dataset.KindSeries}
		set, err = dataset.Load(ref, "")
		d.Series = true
	}
	if err != nil {
		return nil, err
	}
	size := [2]int{set.Data.Input.H, set.Data.Input.W}
	if pictures := set.Found.Pictures; len(pictures) > 0 {
		size = d.fit(pictures, &ref)
		if set.Data.Input.C == 3 {
			d.colour(set, &ref)
		}
		if n := len(pictures); set.Data.Test < 1000 && n < 5000 {
			ref.Test, d.Test = n/5, n/5
		}
		ref.SkipUnreadable = set.Found.Unreadable > 0
	}
	if set, err = dataset.Load(ref, ""); err != nil { // as the experiment will have it
		return nil, err
	}
	d.Groups, d.Skip, d.Classes = ref.Groups, ref.SkipUnreadable, set.Data.Classes
	var accept []string
	for _, a := range []struct {
		n   int
		key string
	}{{set.Found.TwoClasses, "duplicates"}, {set.Found.Constant, "constant"}, {set.Found.Dark, "dark"}} {
		if a.n > 0 {
			accept = append(accept, a.key)
		}
	}
	d.Accept = strings.Join(accept, ", ")
	d.look(set, ref)
	d.network(size[0], size[1])
	d.recipe(set.Data.Train)
	d.target(set)
	return d, nil
}

// pathFrom is the data's path as the experiment file names it: relative where
// that is short.
func pathFrom(file, folder string) string {
	abs, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return folder
	}
	rel, err := filepath.Rel(abs, folder)
	if err != nil || strings.HasPrefix(rel, filepath.Join("..", "..")) {
		return folder
	}
	return rel
}

// nameOf makes a name of an experiment of any word.
func nameOf(word string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(word))
	if name = strings.Trim(name[:min(len(name), 64)], "-"); name == "" {
		return "my-experiment"
	}
	return name
}

// fit chooses one size for all pictures: the usual size below their own, in
// their own shape.
func (d *Draft) fit(pictures []dataset.PictureFact, ref *dataset.Ref) [2]int {
	var hs, ws []int
	var shapes []float64
	for _, p := range pictures {
		hs, ws = append(hs, p.H), append(ws, p.W)
		shapes = append(shapes, math.Log(float64(p.H)/float64(p.W)))
	}
	slices.Sort(hs)
	slices.Sort(ws)
	slices.Sort(shapes)
	n := len(pictures)
	h, w, last := hs[n/2], ws[n/2], n-1
	one := hs[0] == hs[last] && ws[0] == ws[last]
	sizes := fmt.Sprintf("%dx%d pixels (height x width)", h, w)
	if !one {
		sizes = fmt.Sprintf("%d to %d pixels high and %d to %d wide, in the middle %dx%d", hs[0], hs[last], ws[0], ws[last], h, w)
	}
	d.Seen = append(d.Seen, fmt.Sprintf("%s of %s", text.Count(n, "picture"), sizes))
	if one && max(h, w) <= 48 {
		ref.Resize = nil
		return [2]int{h, w}
	}
	long := 16
	for _, usual := range []int{24, 28, 32, 48, 64} {
		if usual <= max(h, w) {
			long = usual
		}
	}
	size := [2]int{long, long}
	if share := float64(min(h, w)) / float64(max(h, w)); share < 0.8 {
		short := max(8, int(math.Round(share*float64(long)/4))*4)
		if size[1] = short; h < w {
			size = [2]int{short, long}
		}
	}
	if spread := shapes[n*9/10] - shapes[n/10]; spread > math.Log(1.5) {
		d.Fit, ref.Fit = dataset.FitPad, dataset.FitPad
	}
	ref.Resize = &size
	d.Resize = fmt.Sprintf("[%d, %d]", size[0], size[1])
	return size
}

// network is a family of convolutions with twice the filters at half the size.
func (d *Draft) network(h, w int) {
	edge := min(h, w)
	if d.Series {
		edge = w
	}
	stages := min(max(int(math.Round(math.Log2(float64(edge)/7))), 1), 4)
	for i := range stages {
		s := Stage{Filters: "$width", Strided: i == 0 && !d.Series && edge >= 48}
		if i > 0 {
			s.Filters = fmt.Sprintf("%d*$width", 1<<i)
		}
		d.Stages = append(d.Stages, s)
	}
	d.Widths = "[2, 4, 8, 16, 32]"
	if stages > 2 {
		d.Widths = "[2, 4, 8, 16]"
	}
}

// recipe wants some thousand steps: of few images more rounds; steps on series
// cost little.
func (d *Draft) recipe(images int) {
	d.Batch = min(32, images)
	if images >= 20_000 {
		d.Batch = 100
	} else if images >= 4_000 {
		d.Batch = 64
	}
	steps := 3000
	if d.Series {
		steps = 9000
	}
	d.Epochs = min(max(steps*d.Batch/max(images, 1), 10), 120)
}

// firstAlpha is what a search's first opening may err by, of the usual 0.05.
const firstAlpha = 0.025

// target asks for what these test images can show of a network that errs half
// as often as is asked, and for 95 % at most, which not all data can give.
func (d *Draft) target(set *dataset.Set) {
	n, counts := set.Data.Test, set.Test.Histogram(set.Data.Classes)
	most := slices.Max(counts)
	guess := float64(most) / float64(n)
	if guess > 1.5/float64(len(counts)) {
		d.Guess = fmt.Sprintf("always answering %s is right for %s of them", text.Printable(set.ClassNames[slices.Index(counts, most)]),
			text.Threshold(math.Round(1000*guess)/1000))
	}
	if guess > 0.5 && most > 4*slices.Min(counts) {
		if d.balanced(set, counts); d.Balanced {
			d.floors(set, counts)
			return
		}
	}
	d.Accuracy, d.Shows = 0.9, "so few test images can show next to nothing: add pictures"
	grades := []float64{0.95, 0.92, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5}
	for k := range 2 * len(grades) { // first with errors to spare, then without
		accuracy := grades[k%len(grades)]
		need, can, err := stats.CorrectNeeded(accuracy, n, 1-firstAlpha)
		if err == nil && can && accuracy > guess && (float64(need) <= float64(n)*(1+accuracy)/2 || k >= len(grades)) {
			d.Accuracy, d.Shows = accuracy, fmt.Sprintf("%d of %d test images must be right to certify it; above %s these can show nothing", need, n,
				text.Threshold(math.Floor(1000*math.Pow(firstAlpha, 1/float64(n)))/1000))
			break
		}
	}
	d.floors(set, counts)
}

// balanced asks for the mean of the recalls: for what the test images show of a
// network that finds four in five of every class, and if that is no more than
// guessing, more. Weights grow with the square root, as whole ones take too much
// of the common class.
func (d *Draft) balanced(set *dataset.Set, counts []int) {
	guess := 1 / float64(len(counts))
	for _, recall := range []float64{0.8, 0.9, 1} {
		for percent := 95; float64(percent) > 100*guess && !d.Balanced; percent -= 5 {
			t := target.Target{Metric: target.BalancedAccuracy, Accuracy: float64(percent) / 100}
			needs, err := t.Needs(set.Data.Test, counts, set.ClassNames, firstAlpha)
			if err != nil || !needs[0].Possible() || needs[0].Recall > recall {
				continue
			}
			d.Balanced, d.Accuracy = true, t.Accuracy
			d.Shows = fmt.Sprintf("low, as few test images leave much open: a recall of %s in each class is certified as this,\n"+
				"                                # one of 100 %% as %s at most; by always answering one class it is %s",
				text.Threshold(needs[0].Recall), text.Threshold(math.Floor(1000*needs[0].Most)/1000), text.Threshold(math.Round(1000*guess)/1000))
		}
	}
	train := set.Train.Histogram(set.Data.Classes)
	for class, of := range train {
		if w := math.Round(10*math.Sqrt(float64(slices.Max(train))/float64(of))) / 10; d.Balanced && w > 1 {
			d.Weights = append(d.Weights, Weight{set.ClassNames[class], w, of})
		}
	}
}

// floors sees to it that rare classes are found.
func (d *Draft) floors(set *dataset.Set, counts []int) {
	for class, of := range counts {
		if 2*of*len(counts) < set.Data.Test {
			if least := showable(of); least > 0 {
				d.Floors = append(d.Floors, Floor{set.ClassNames[class], least, of})
			}
		}
	}
}

// showable is a recall that so few test images can show, one in four wrong.
func showable(images int) float64 {
	for wrong := (images + 3) / 4; wrong >= 0; wrong-- {
		for _, least := range []float64{0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1} {
			if need, can, err := stats.CorrectNeeded(least, images, 1-firstAlpha); err == nil && can && need <= images-wrong {
				return least
			}
		}
	}
	return 0
}
