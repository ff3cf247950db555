package report

import (
	"fmt"

	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// ByClass is how the networks of the chosen row do on each class of a split.
type ByClass struct {
	Split   Split        `json:"split"`
	ID      string       `json:"config_id"`
	Label   string       `json:"label"`
	Classes []ClassScore `json:"classes"` // by number
}

// ClassScore is of one class. Fractions are of its images.
type ClassScore struct {
	Class  string  `json:"class"`
	Images int     `json:"images"`
	Recall float64 `json:"recall"`              // over the seeds that are done
	Least  float64 `json:"least"`               // of these seeds
	Floor  float64 `json:"floor,omitempty"`     // that the target asks for
	Taken  string  `json:"taken_for,omitempty"` // what its mistakes are most often taken for
	Share  float64 `json:"share,omitempty"`     // of its images that are taken for it
}

// byClass looks at the chosen row; nil where no confusion matrix is known.
func (r *decided) byClass() []ByClass {
	at := r.Chosen()
	if at < 0 {
		return nil
	}
	var out []ByClass
	for _, s := range result.Splits() {
		var matrices [][][]int
		for i := range r.Rows[at].Trials {
			if m := r.judgedConfusion(&r.Rows[at].Trials[i], s); len(m) > 0 {
				matrices = append(matrices, m)
			}
		}
		if len(matrices) > 0 {
			out = append(out, ByClass{s, r.Rows[at].ID, r.Rows[at].Label, r.classScores(matrices)})
		}
	}
	return out
}

func (r *decided) classScores(matrices [][][]int) []ClassScore {
	out := ScoreClasses(r.Classes, matrices...)
	for class := range out {
		if r.Target != nil {
			out[class].Floor = r.Target.asked.Floor(class)
		}
	}
	return out
}

// ScoreClasses sums confusion matrices of one size, of a seed each.
func ScoreClasses(names []string, matrices ...[][]int) []ClassScore {
	var sum [][]int
	for _, m := range matrices {
		sum = result.AddConfusion(sum, m)
	}
	var out []ClassScore
	for class, row := range sum {
		right, all := target.ClassImages(row, class)
		c := ClassScore{Class: text.Class(names, class), Images: all / len(matrices), Least: 1}
		per := float64(max(1, all))
		c.Recall = stats.Round(float64(right) / per)
		for _, m := range matrices {
			right, all := target.ClassImages(m[class], class)
			c.Least = min(c.Least, stats.Round(float64(right)/float64(max(1, all))))
		}
		most := 0
		for guess, n := range row {
			if guess != class && n > most {
				most, c.Taken, c.Share = n, text.Class(names, guess), stats.Round(float64(n)/per)
			}
		}
		out = append(out, c)
	}
	return out
}

// Guess is what always answering the class of most images gets right.
type Guess struct {
	Class string  `json:"class"`
	Share float64 `json:"share"`
}

// guess marks networks that accuracy flatters: they never answer a class, or do
// no better than always answering the largest.
func (r *filled) guess() {
	for i := range r.Rows {
		row := &r.Rows[i]
		for j := range row.Trials {
			g := target.GuessOf(r.judgedConfusion(&row.Trials[j], r.Split))
			if r.Guess == nil && g.Images > 0 {
				r.Guess = &Guess{text.Class(r.Classes, g.Class), stats.Round(g.Share())}
			}
			if words := g.Words(r.Classes); words != "" {
				row.Guesses = append(row.Guesses, words)
				r.warn("The network "+words+" on the "+string(r.Split)+" images.", row.Trials[j].key(row))
			}
		}
	}
}

// guessed qualifies the answer where the row's networks are such.
func (r *decided) guessed(row *Row) {
	if n := len(row.Guesses); n > 0 {
		r.Answer.More = append(r.Answer.More, fmt.Sprintf("Beware: in %d of %s it %s, which its accuracy does not show; %s.", n,
			text.Count(row.Counts.Done, "seed"), row.Guesses[0], target.GuessRemedy))
	}
}
