package lab

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// Evaluation is how a model does on labelled images.
type Evaluation struct {
	Model     string              `json:"model"`
	Runtime   string              `json:"runtime"`
	Data      string              `json:"data"` // in words: which images
	Accuracy  export.Accuracy     `json:"accuracy"`
	Balanced  *report.Balanced    `json:"balanced_accuracy,omitempty"` // nil where a class has no image
	Classes   []string            `json:"classes"`
	Recall    []report.ClassScore `json:"recall"`    // by class
	Confusion [][]int             `json:"confusion"` // [true class][answer]
	Guess     string              `json:"guess,omitempty"`
	Wrong     []Mistake           `json:"wrong"`
	Seconds   float64             `json:"seconds"` // of all images, reading and loading not counted

	Predictions *Predictions `json:"-"`
	Labels      []uint8      `json:"-"`
}

// Mistake is an image that the model takes for another class.
type Mistake struct {
	Image       string  `json:"image"`
	Class       string  `json:"class"`
	Answer      string  `json:"answer"`
	Probability float32 `json:"probability"` // of the answer
}

// labelled are images to evaluate on.
type labelled struct {
	dataset.Images
	values     []float32 // of series, in place of pixels
	classNames []string
	files      []string // of each image; nil: part[3]
	sizes      []dataset.PictureFact
	words      string // what they are
	part       string
	key        string // of the test images in the ledger; "" where they are nobody's
}

// Evaluate runs the model on a data set: the test images of a known one, or of the
// folder that the model was trained on, or all pictures of another folder.
func (l *Lab) Evaluate(m *Model, data string) (*Evaluation, error) {
	if _, err := dataset.Lookup(data); err == nil {
		set, err := dataset.Load(dataset.Ref{Name: data, Channels: channelsFor(m.input)}, l.Cache)
		if err != nil {
			return nil, exit.Failed(err)
		}
		return l.evaluate(m, testOf(set, "", fmt.Sprintf("the test images of %s", data)))
	}
	if st, err := os.Stat(data); err != nil || !st.IsDir() && !m.Series() {
		return nil, exit.Usagef("evaluate: %s is neither a known data set (%s) nor a folder", data, strings.Join(dataset.Names(), ", "))
	}
	e, p, err := l.PredictFolder(m, data)
	if err == nil && e == nil {
		return nil, exit.Usagef("evaluate: %s holds %d images without classes: which each shows is not known; `slimfit predict` says what "+
			"the network answers", data, len(p.Images))
	}
	return e, err
}

func channelsFor(in models.Shape) string {
	return map[int]string{1: dataset.ChannelsGrey, 3: dataset.ChannelsColour}[in.C]
}

// PredictFolder is Evaluate for a folder; of pictures that lie side by side,
// without class folders, it gives the predictions alone.
func (l *Lab) PredictFolder(m *Model, folder string) (*Evaluation, *Predictions, error) {
	path, err := filepath.Abs(folder)
	if err != nil {
		return nil, nil, exit.Failed(err)
	}
	if m.data.Digest != "" && m.data.Test > 0 { // what it was trained on?
		if set, err := dataset.LoadData(m.data, models.Source{Cache: l.Cache, Path: path}); err == nil {
			e, err := l.evaluate(m, testOf(set, path, "the test images that were held back when it was trained"))
			return e, nil, err
		}
	}
	if m.Series() {
		return l.predictSeries(m, folder)
	}
	if own, err := dataset.HasOwnFiles(path); err != nil {
		return nil, nil, exit.Failed(fmt.Errorf("%s: %w", folder, err))
	} else if own {
		set, err := dataset.Load(dataset.Ref{Path: path, Channels: channelsFor(m.input), Accept: dataset.AcceptAll()}, "")
		if err != nil {
			return nil, nil, exit.Usagef("%w", err)
		}
		e, err := l.evaluate(m, testOf(set, path, "the test images of "+folder))
		return e, nil, err
	}
	g, err := dataset.ReadGallery(folder, m.input, m.data.Fit)
	if err != nil {
		return nil, nil, exit.Usagef("%w", err)
	}
	for _, n := range g.Notes {
		l.Note("%s", n)
	}
	in := labelled{Images: g.Images, classNames: g.ClassNames, files: g.Files, sizes: g.Sizes,
		words: "the pictures of " + folder}
	if g.ClassNames == nil {
		p, err := l.predictAll(m, in)
		return nil, p, err
	}
	l.Note("all %d pictures of %s are taken: a network does better on those that it was trained on", g.N(), folder)
	e, err := l.evaluate(m, in)
	return e, nil, err
}

// predictSeries is PredictFolder for a file or folder of series.
func (l *Lab) predictSeries(m *Model, path string) (*Evaluation, *Predictions, error) {
	s, err := dataset.ReadSeries(path, m.input, m.data.Window)
	if err != nil {
		return nil, nil, exit.Usagef("%w", err)
	}
	in := labelled{values: s.Values, classNames: s.ClassNames, files: s.Names, words: "the series of " + path}
	if in.Labels = s.Labels; s.Labels == nil {
		p, err := l.predictAll(m, in)
		return nil, p, err
	}
	e, err := l.evaluate(m, in)
	return e, nil, err
}

func testOf(set *dataset.Set, path, words string) labelled {
	in := labelled{Images: set.Test, classNames: set.ClassNames, words: words, part: "test", key: set.TestKey}
	for _, name := range set.TestFiles {
		if !set.Data.Scaling.Series() { // whose names are not files
			name = filepath.Join(path, name)
		}
		in.files = append(in.files, name)
	}
	return in
}

// valuesAtOnce bounds the float32 values that are made at once.
const valuesAtOnce = 1 << 25

func (l *Lab) predictAll(m *Model, in labelled) (*Predictions, error) {
	size := m.input.Elements()
	n, step := (len(in.Pixels)+len(in.values))/size, max(1, valuesAtOnce/size)
	p := &Predictions{Model: m.name, names: m.classNames}
	for from := 0; from < n; from += step {
		to := min(n, from+step)
		some := inputs{}
		if in.values != nil {
			some.values = in.values[from*size : to*size]
		} else {
			some.values = m.data.Scaling.Values(in.Pixels[from*size : to*size])
		}
		for i := from; i < to; i++ {
			name := fmt.Sprintf("%s[%d]", in.part, i)
			if in.files != nil {
				name = in.files[i]
			}
			some.names = append(some.names, name)
		}
		if in.sizes != nil {
			some.sizes = in.sizes[from:to]
		}
		if err := p.add(m, some); err != nil {
			return nil, err
		}
	}
	p.finish(m)
	l.noteFar(p)
	return p, nil
}

func (l *Lab) evaluate(m *Model, in labelled) (*Evaluation, error) {
	if in.N() == 0 {
		return nil, exit.Usagef("evaluate: there are no images in %s", in.words)
	}
	if size := m.input.Elements(); len(in.Pixels)+len(in.values) != in.N()*size {
		return nil, exit.Usagef("evaluate: %s have %d values each, the network takes %s", in.words, len(in.Pixels)/in.N(), m.input)
	}
	labels, err := m.labels(in)
	if err != nil {
		return nil, err
	}
	if err := l.countEvaluation(m, in.key); err != nil {
		return nil, err
	}
	p, err := l.predictAll(m, in)
	if err != nil {
		return nil, err
	}
	return newEvaluation(m, p, labels, in.words)
}

// labels are those of the images by the model's own classes.
func (m *Model) labels(in labelled) ([]uint8, error) {
	known := m.classNames
	if known == nil && len(in.classNames) == m.classes {
		known = in.classNames
	}
	class, err := dataset.ClassesIn(known, in.classNames)
	if errors.Is(err, dataset.ErrClasses) && known == nil {
		err = fmt.Errorf("%d classes, the network has %d, and no %s says what they are called", len(in.classNames), m.classes,
			export.ManifestName)
	}
	if err != nil {
		return nil, exit.Usagef("evaluate: %s: %w", in.words, err)
	}
	labels := make([]uint8, in.N())
	for i, k := range in.Labels {
		labels[i] = uint8(class[k])
	}
	return labels, nil
}

// countEvaluation writes down that test figures are shown, where searches on the
// same images would look.
func (l *Lab) countEvaluation(m *Model, key string) error {
	if _, err := os.Stat(l.Out); err != nil || key == "" {
		return nil
	}
	return exit.Failed(store.LedgerIn(l.Out).Write(key, func([]result.Look) (*result.Look, error) {
		return &result.Look{Experiment: m.experiment, By: result.ByEvaluate, Configurations: 1}, nil
	}))
}

func newEvaluation(m *Model, p *Predictions, labels []uint8, words string) (*Evaluation, error) {
	answers := make([]int, len(p.Images))
	for i := range answers {
		answers[i] = p.Images[i].Class
	}
	f := result.Score(answers, labels, m.classes)
	a, err := export.NewAccuracy("evaluated", *f.Correct, len(labels))
	if err != nil {
		return nil, err
	}
	e := &Evaluation{Model: p.Model, Runtime: p.Runtime, Data: words, Accuracy: *a, Classes: m.classNames, Confusion: f.Confusion,
		Recall: report.ScoreClasses(m.classNames, f.Confusion), Guess: target.GuessOf(f.Confusion).Words(m.classNames), Wrong: []Mistake{},
		Seconds: p.Seconds, Predictions: p, Labels: labels,
		Balanced: report.BalancedOf(f, len(labels), &target.Target{Metric: target.BalancedAccuracy})}
	for _, w := range f.Wrong {
		i := p.Images[w[0]]
		e.Wrong = append(e.Wrong, Mistake{i.Image, p.Class(int(labels[w[0]])), p.Class(i.Class), i.Probability})
	}
	slices.SortStableFunc(e.Wrong, func(a, b Mistake) int { return cmp.Compare(b.Probability, a.Probability) })
	return e, nil
}

// shownWrong is how many mistakes the text lists, those first that the network is
// surest of.
const shownWrong = 20

// Text tells the evaluation in lines of at most width columns; the confusion
// matrix is left out where it is wider.
func (e *Evaluation) Text(width int) (string, error) {
	a := e.Accuracy
	var b strings.Builder
	b.WriteString(text.Wrap(fmt.Sprintf("%s right on %s of %s: %s (95 %% interval %s to %s). They are %s.", text.Printable(e.Model),
		text.Thousands(a.Correct), text.Count(a.Images, "image"), text.Percent(a.Share), text.Percentage(a.Bounds[0]), text.Percent(a.Bounds[1]),
		text.Printable(e.Data)), width, "", ""))
	if v := e.Balanced; v != nil {
		b.WriteString(text.Wrap(fmt.Sprintf("Balanced accuracy (the mean of recalls): %s (95 %% interval %s to %s).", text.Percent(v.Accuracy),
			text.Percentage(v.Interval.Low), text.Percent(v.Interval.High)), width, "", ""))
	}
	if e.Guess != "" {
		fmt.Fprintf(&b, "It %s.\n", text.Printable(e.Guess))
	}
	tables := []text.Table{e.recalls()}
	if t := e.confusion(); text.Width(strings.Join(t.Head, "  ")) < width {
		tables = append(tables, t)
	}
	if len(e.Wrong) > 0 {
		tables = append(tables, e.mistakes())
	}
	for _, t := range tables {
		b.WriteString("\n")
		if err := t.Text(&b); err != nil {
			return "", err
		}
	}
	if n := len(e.Wrong) - shownWrong; n > 0 {
		fmt.Fprintf(&b, "and %s more; --format json lists all\n", text.Thousands(n))
	}
	fmt.Fprintf(&b, "\n%s in %s (%s)\n", text.Count(a.Images, "image"), text.Duration(e.Seconds), e.Runtime)
	return b.String(), nil
}

func (e *Evaluation) recalls() text.Table {
	t := text.Table{Head: []string{"class", "images", "recall", "most often taken for"}, Words: []bool{true, false, false, true}}
	for _, c := range e.Recall {
		recall, taken := "", ""
		if c.Images > 0 {
			recall = text.Percent(c.Recall)
		}
		if c.Taken != "" {
			taken = c.Taken + " (" + text.Percent(c.Share) + ")"
		}
		t.Rows = append(t.Rows, []string{c.Class, text.Thousands(c.Images), recall, taken})
	}
	return t
}

// confusion has a row for each true class.
func (e *Evaluation) confusion() text.Table {
	t := text.Table{Head: []string{"true class"}, Left: 1}
	for class, row := range e.Confusion {
		t.Head = append(t.Head, text.Shorten(e.Predictions.Class(class), 8))
		cells := []string{e.Predictions.Class(class)}
		for _, n := range row {
			cells = append(cells, strconv.Itoa(n))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

func (e *Evaluation) mistakes() text.Table {
	t := text.Table{Head: []string{"wrong image", "is", "answer", "probability"}, Left: 3}
	for _, w := range e.Wrong[:min(len(e.Wrong), shownWrong)] {
		t.Rows = append(t.Rows, []string{text.ShortenMiddle(w.Image, 40), w.Class, w.Answer, text.Percent(float64(w.Probability))})
	}
	return t
}
