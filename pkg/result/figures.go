package result

import (
	"fmt"
	"math"
	"slices"

	"slimfit/models"
)

// Split names a part of the images that networks are judged on.
type Split string

const (
	Validation Split = "validation" // held back from training, to choose by
	Test       Split = "test"       // seen by nobody until the end
)

// Splits are all of them, in the order of use.
func Splits() []Split { return []Split{Validation, Test} }

// Images is how many the split has in the data set.
func (s Split) Images(d models.Data) int {
	if s == Test {
		return d.Test
	}
	return d.Validation
}

// Figures is how one network did on the images of one split; what was not
// measured or kept is nil.
type Figures struct {
	Accuracy  *float64 // Correct over all images
	Correct   *int
	Wrong     [][2]int // [index, predicted class], by rising index
	Confusion [][]int  // [true class][predicted class]
	Distinct  *Distinct
}

// On returns what the result says of a split.
func (r *Result) On(s Split) Figures { return r.accounts().on(s) }

// SetOn replaces what the result says of a split; Figures{} takes it out.
func (r *Result) SetOn(s Split, f Figures) { r.accounts().set(s, f) }

// On returns what q says of a split.
func (q *Int8) On(s Split) Figures { return q.accounts().on(s) }

// SetOn replaces what q says of a split; Figures{} takes it out.
func (q *Int8) SetOn(s Split, f Figures) { q.accounts().set(s, f) }

// accounts are the parts of a file that hold its figures: JSON has them by kind,
// then by split.
type accounts struct {
	accuracy  *Pair[float64]
	correct   *Pair[int]
	wrong     *Wrong
	confusion *Confusion
	distinct  **Distinct
}

func (r *Result) accounts() accounts {
	return accounts{&r.Accuracy, &r.Correct, &r.Wrong, &r.Confusion, &r.Distinct}
}

func (q *Int8) accounts() accounts {
	return accounts{&q.Accuracy, &q.Correct, &q.Wrong, &q.Confusion, &q.Distinct}
}

func (a accounts) on(s Split) Figures {
	f := Figures{*a.accuracy.At(s), *a.correct.At(s), *a.wrong.At(s), *a.confusion.At(s), nil}
	if s == Test {
		f.Distinct = *a.distinct
	}
	return f
}

func (a accounts) set(s Split, f Figures) {
	*a.accuracy.At(s), *a.correct.At(s), *a.wrong.At(s), *a.confusion.At(s) = f.Accuracy, f.Correct, f.Wrong, f.Confusion
	if s == Test {
		*a.distinct = f.Distinct
	}
}

// square is an empty confusion matrix.
func square(classes int) [][]int {
	m := make([][]int, classes)
	for i := range m {
		m[i] = make([]int, classes)
	}
	return m
}

// AddConfusion sums confusion matrices of one size; another size is ignored.
func AddConfusion(sum, m [][]int) [][]int {
	if sum == nil {
		for _, line := range m {
			sum = append(sum, slices.Clone(line))
		}
		return sum
	}
	for i := range min(len(sum), len(m)) {
		for j := range min(len(sum[i]), len(m[i])) {
			sum[i][j] += m[i][j]
		}
	}
	return sum
}

// Found are the right answers of each class.
func Found(confusion [][]int) (right []int) {
	for class, row := range confusion {
		n := 0
		if class < len(row) {
			n = row[class]
		}
		right = append(right, n)
	}
	return right
}

// Score compares predicted classes with the labels of the same images.
func Score[T int | int32](predicted []T, labels []uint8, classes int) Figures {
	f := Figures{Accuracy: new(float64), Correct: new(int), Wrong: [][2]int{}, Confusion: square(classes)}
	for i, label := range labels {
		p := int(predicted[i])
		if int(label) < classes && p >= 0 && p < classes {
			f.Confusion[label][p]++
		}
		if p == int(label) {
			*f.Correct++
		} else {
			f.Wrong = append(f.Wrong, [2]int{i, p})
		}
	}
	if len(labels) > 0 {
		*f.Accuracy = float64(*f.Correct) / float64(len(labels))
	}
	return f
}

// LeaveOut notes what f is without the images that repeat others: the figures
// that bounds are of. labels are of all images.
func (f *Figures) LeaveOut(repeats []bool, labels []uint8) {
	d := &Distinct{Confusion: square(len(f.Confusion))}
	wrong := map[int]int{}
	for _, w := range f.Wrong {
		wrong[w[0]] = w[1]
	}
	for i, label := range labels {
		if repeats[i] {
			d.Left = append(d.Left, i)
			continue
		}
		guess, ok := wrong[i]
		if d.Test++; !ok {
			d.Correct++
			guess = int(label)
		}
		if int(label) < len(d.Confusion) && guess < len(d.Confusion) {
			d.Confusion[label][guess]++
		}
	}
	if f.Distinct = nil; len(d.Left) > 0 {
		f.Distinct = d
	}
}

// Counted are the figures that intervals, bounds and floors are of, and how many
// images these are: f itself, or what is left of it without repeated images,
// whose numbers are then counted anew.
func (f Figures) Counted(images int) (Figures, int) {
	d := f.Distinct
	if d == nil || f.Correct == nil {
		return f, images
	}
	share := float64(d.Correct) / float64(max(1, d.Test))
	out := Figures{Accuracy: &share, Correct: &d.Correct, Confusion: d.Confusion}
	for _, w := range f.Wrong {
		if at, left := slices.BinarySearch(d.Left, w[0]); !left {
			out.Wrong = append(out.Wrong, [2]int{w[0] - at, w[1]})
		}
	}
	return out, d.Test
}

// Strictness is how far Check trusts figures.
type Strictness int

const (
	Kept  Strictness = iota // parts may be missing, and the accuracy is a decimal that somebody may have cut
	Whole                   // as slimfit writes them: all or nothing, and every account agrees to the last bit
)

// Check lists where the figures contradict one another, or the number of images
// and classes that they are of.
func (f Figures) Check(images, classes int, how Strictness) []string {
	if how == Kept {
		wrong := -1
		if f.Wrong != nil {
			wrong = len(f.Wrong)
		}
		if doubt := f.CheckCounts(images, wrong); doubt != "" {
			return []string{doubt}
		}
		return nil
	}
	if f.Accuracy == nil && f.Correct == nil && f.Wrong == nil && f.Confusion == nil {
		return nil
	}
	if f.Accuracy == nil || f.Correct == nil || f.Confusion == nil || f.Wrong == nil && *f.Correct != images {
		return []string{"accuracy, correct, wrong or confusion is missing"}
	}
	var out []string
	if *f.Correct < 0 || *f.Correct > images || *f.Accuracy != float64(*f.Correct)/float64(images) {
		out = append(out, fmt.Sprintf("accuracy %v is not %d of %d images", *f.Accuracy, *f.Correct, images))
	}
	if len(f.Wrong) != images-*f.Correct {
		out = append(out, fmt.Sprintf("%d wrong images listed, %d of %d are correct", len(f.Wrong), *f.Correct, images))
	}
	if d := f.Distinct; d != nil {
		if len(d.Left)+d.Test != images || !slices.IsSorted(d.Left) || len(d.Left) > 0 && (d.Left[0] < 0 || d.Left[len(d.Left)-1] >= images) {
			return append(out, fmt.Sprintf("%d distinct images and %d left out are not %d", d.Test, len(d.Left), images))
		}
		counted, n := f.Counted(images)
		for _, doubt := range counted.Check(n, classes, how) {
			out = append(out, "distinct: "+doubt)
		}
	}
	predicted, doubt := f.wrongAnswers(images, classes)
	if doubt == "" {
		doubt = f.checkConfusion(images, classes, predicted)
	}
	if doubt != "" {
		out = append(out, doubt)
	}
	return out
}

// CheckCounts is Check of figures that were kept, without the list of wrong
// images: wrong is its length, -1 where there is none.
func (f Figures) CheckCounts(images, wrong int) string {
	switch a, c := f.Accuracy, f.Correct; {
	case a != nil && !(*a >= 0 && *a <= 1):
		return fmt.Sprintf("accuracy %v is not a fraction", *a)
	case c != nil && (*c < 0 || *c > images):
		return fmt.Sprintf("%d of %d images are correct", *c, images)
	case a != nil && c != nil && math.Abs(float64(*c)-*a*float64(images)) > 1e-3:
		return fmt.Sprintf("accuracy %v is not %d of %d images", *a, *c, images)
	case wrong >= 0 && (c == nil || *c+wrong != images):
		return fmt.Sprintf("correct and wrong images do not add up to %d", images)
	}
	return ""
}

// wrongAnswers counts the wrong images by predicted class.
func (f Figures) wrongAnswers(images, classes int) (predicted []int, doubt string) {
	predicted = make([]int, classes)
	for k, w := range f.Wrong {
		if w[0] < 0 || w[0] >= images || k > 0 && w[0] <= f.Wrong[k-1][0] || w[1] < 0 || w[1] >= classes {
			return nil, fmt.Sprintf("entry %d of the wrong images, %v, is out of order or range", k, w)
		}
		predicted[w[1]]++
	}
	return predicted, ""
}

// checkConfusion compares the confusion matrix with the other accounts; wrong
// counts the wrong images by predicted class.
func (f Figures) checkConfusion(images, classes int, wrong []int) string {
	if len(f.Confusion) != classes {
		return fmt.Sprintf("the confusion matrix has %d rows, want %d", len(f.Confusion), classes)
	}
	right, all := 0, 0
	for truth, row := range f.Confusion {
		if len(row) != classes {
			return fmt.Sprintf("row %d of the confusion matrix has %d columns, want %d", truth, len(row), classes)
		}
		for guess, n := range row {
			all += n
			if guess == truth {
				right += n
			} else {
				wrong[guess] -= n
			}
		}
	}
	if right != *f.Correct || all != images {
		return fmt.Sprintf("the confusion matrix counts %d of %d images correct", right, all)
	}
	for class, n := range wrong {
		if n != 0 {
			return fmt.Sprintf("the confusion matrix and the wrong images disagree on answers %d", class)
		}
	}
	return ""
}
