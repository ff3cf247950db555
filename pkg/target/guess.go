package target

import (
	"fmt"
	"strings"

	"slimfit/pkg/text"
)

// Guess is what a confusion matrix shows of a network that an accuracy hides.
type Guess struct {
	Class  int   // that most images show, the lowest of equals
	Most   int   // images of it: what always answering it gets right
	Images int   // of all classes; 0: there is no matrix, and nothing to say
	Right  int   // by the network
	Never  []int // classes with images that the network never answers
}

// GuessOf reads a confusion matrix, [true class][predicted class].
func GuessOf(confusion [][]int) Guess {
	var g Guess
	answers := make([]int, len(confusion))
	for class, row := range confusion {
		right, all := ClassImages(row, class)
		if all > g.Most {
			g.Class, g.Most = class, all
		}
		g.Images, g.Right = g.Images+all, g.Right+right
		for guess, n := range row[:min(len(row), len(answers))] {
			answers[guess] += n
		}
	}
	for class, row := range confusion {
		if _, all := ClassImages(row, class); all > 0 && answers[class] == 0 {
			g.Never = append(g.Never, class)
		}
	}
	return g
}

// Share is what always answering the largest class gets right, a fraction.
func (g Guess) Share() float64 { return float64(g.Most) / float64(max(1, g.Images)) }

// Words are what is wrong with the network, after "it"; "" for nothing.
func (g Guess) Words(classes []string) string {
	var words []string
	if g.Images > 0 && g.Right <= g.Most {
		words = append(words, fmt.Sprintf("does no better than always answering %s (%s)", text.Class(classes, g.Class), text.Percent(g.Share())))
	}
	if n := len(g.Never); n > 0 {
		const named = 3
		var names []string
		for _, class := range g.Never[:min(n, named)] {
			names = append(names, text.Class(classes, class))
		}
		if n > named {
			names = append(names, fmt.Sprintf("%d more classes", n-named))
		}
		words = append(words, "never answers "+text.List(names))
	}
	return strings.Join(words, " and ")
}

// GuessRemedy is what to do about such a network.
const GuessRemedy = "ask for floors, such as target: {recall: {all: 0.5}}, or by target: {metric: balanced_accuracy}"
