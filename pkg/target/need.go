package target

import (
	"fmt"
	"math"
	"sort"

	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// Need is what test images can show of an accuracy or a recall, before any of
// them is looked at.
type Need struct {
	Images int     `json:"images"`          // that judge it
	Class  string  `json:"class,omitempty"` // whose recall it is; "": the accuracy
	Share  float64 `json:"share"`           // that is asked for
	Alpha  float64 `json:"alpha"`           // chance of error
	Right  int     `json:"right"`           // fewest right answers whose lower bound reaches Share; Images + 1: not even all
	Most   float64 `json:"most"`            // the lower bound of as many right answers as there are images
	Least  int     `json:"least"`           // fewest images that can show Share; 0: no number can
	// of a balanced accuracy: the recall that shows it where every class has it, to a thousandth; Right and Least
	// are then of such recalls, and of as many images in each class
	Recall  float64 `json:"recall,omitempty"`
	Classes int     `json:"classes,omitempty"`
}

// NewNeed fails where there is no image, or alpha is no chance.
func NewNeed(images int, share, alpha float64) (Need, error) {
	n := Need{Images: images, Share: share, Alpha: alpha, Right: images + 1}
	var err error
	if n.Most, err = stats.LowerBound(images, images, 1-alpha); err != nil || share >= 1 {
		return n, err
	}
	if share <= 0 {
		n.Right, n.Least = 0, 1
		return n, nil
	}
	n.Least = int(math.Ceil(math.Log(alpha) / math.Log(share)))
	n.Right, _, err = stats.CorrectNeeded(share, images, 1-alpha)
	return n, err
}

// newBalancedNeed is NewNeed of a balanced accuracy; perClass counts the images
// of each class.
func (t *Target) newBalancedNeed(perClass []int, alpha float64) (Need, error) {
	n := Need{Share: t.Accuracy, Alpha: alpha, Classes: len(perClass)}
	for _, images := range perClass {
		n.Images += images
	}
	with := func(recall float64) (right int, low float64, err error) {
		all := Network{Confusion: make([][]int, len(perClass))}
		for class, images := range perClass {
			row := make([]int, len(perClass)+1)
			row[class] = int(math.Ceil(recall * float64(images)))
			row[len(perClass)] = images - row[class]
			all.Confusion[class], right = row, right+row[class]
		}
		low, err = t.Lower(all, 1-alpha)
		return right, low, err
	}
	_, most, err := with(1)
	if n.Most = most; err != nil {
		return n, err
	}
	per := alpha / float64(n.Classes)
	n.Right, n.Least = n.Images+1, n.Classes*int(math.Ceil(math.Log(per)/math.Log(n.Share)))
	const steps = 1000
	if k := sort.Search(steps+1, func(k int) bool { _, low, _ := with(float64(k) / steps); return low >= n.Share }); k <= steps {
		n.Recall = float64(k) / steps
		n.Right, _, err = with(n.Recall)
	}
	return n, err
}

// Possible says whether the images can show it at all.
func (n Need) Possible() bool { return n.Right <= n.Images }

// String says what is needed, such as "with 129 test images the first opening
// (alpha 0.025) needs 123 right for 90 %; above 97.1 % nothing can be
// certified; 36 images are the fewest for 90 %".
func (n Need) String() string {
	who, share := "", text.Threshold(n.Share)
	if n.Class != "" {
		who, share = " of class "+text.Plain(n.Class), "a recall of "+share
	}
	if n.Classes > 0 {
		share += " balanced accuracy"
	}
	s := fmt.Sprintf("with %s%s the first opening (alpha %.4g) ", text.Count(n.Images, "test image"), who, n.Alpha)
	switch {
	case n.Possible() && n.Classes > 0:
		s += fmt.Sprintf("needs a recall of %s in each of %d classes for %s", text.Threshold(n.Recall), n.Classes, share)
	case n.Possible():
		s += fmt.Sprintf("needs %d right for %s", n.Right, share)
	default:
		s += "cannot show " + share + ", even with all of them right"
	}
	s += fmt.Sprintf("; above %.1f %% nothing can be certified", math.Floor(1000*n.Most)/10)
	if n.Least > 0 {
		s += fmt.Sprintf("; %d images are the fewest for %s", n.Least, share)
	}
	if n.Least > 0 && n.Classes > 0 {
		s += ", as many of each class"
	}
	return s
}

// OpeningAlpha is the chance of error of each bound in an opening that may err
// by alpha: a tolerance gives half of it to the spread over seeds.
func (t *Target) OpeningAlpha(alpha float64) float64 {
	if t.Rule == Tolerance {
		return alpha / 2
	}
	return alpha
}

// Needs is what an opening that may err by alpha needs: for the accuracy, and
// for each floor. perClass counts the test images of each class; nil where that
// is not known.
func (t *Target) Needs(test int, perClass []int, names []string, alpha float64) ([]Need, error) {
	first, err := NewNeed(test, t.Accuracy, t.OpeningAlpha(alpha))
	if t.Balanced() && perClass != nil {
		first, err = t.newBalancedNeed(perClass, alpha)
	}
	if err != nil {
		return nil, err
	}
	all := []Need{first}
	for class, images := range perClass {
		floor := t.Floor(class)
		if floor == 0 || images == 0 {
			continue
		}
		n, err := NewNeed(images, floor, alpha)
		if err != nil {
			return nil, err
		}
		n.Class = names[class]
		all = append(all, n)
	}
	return all, nil
}

// SeedsShow says what as many seeds can show of seeds to come, by the rule, at
// the chance of error of an opening.
func (t *Target) SeedsShow(seeds int, alpha float64) string {
	if alpha <= 0 {
		alpha = (1 - t.Confidence) / 2
	}
	n := text.Count(seeds, "seed")
	switch t.Rule {
	case Mean:
		e := stats.MeanEstimate{SeedSE: 1, Seeds: seeds}
		low, err := e.LowerOfSeeds(1 - alpha)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s: a mean is certified %.1f standard errors above the target", n, -low)
	case Tolerance:
		k, err := stats.ToleranceFactor(seeds, Coverage, 1-t.OpeningAlpha(alpha))
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s: a mean is certified %.1f standard deviations over seeds above the target, for %s of further seeds", n, k,
			text.Threshold(Coverage))
	}
	conf, err := stats.MinimumConfidence(seeds, Coverage)
	if err != nil {
		return err.Error()
	}
	more, err := stats.RunsNeeded(Coverage, 0.95)
	if err != nil {
		return err.Error()
	}
	words := fmt.Sprintf("%s: that each passes speaks of %s of further seeds with a confidence of %.0f %%", n,
		text.Threshold(Coverage), 100*conf)
	if seeds < more {
		words += fmt.Sprintf(" only; %d seeds make it 95 %%", more)
	}
	return words
}
