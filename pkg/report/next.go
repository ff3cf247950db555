package report

import (
	"fmt"

	"slimfit/pkg/shell"
	"slimfit/pkg/text"
)

// next adds what the histories and the grid suggest, a sentence, and the command
// that comes next.
func (r *decided) next() {
	at := r.Chosen()
	if at < 0 {
		return
	}
	row := &r.Rows[at]
	if s := r.advice(row, r.Answer.Pick == at); s != "" {
		r.Answer.More = append(r.Answer.More, s)
	}
	if r.Answer.Pick >= 0 && !row.missed || r.Target == nil {
		formats := "tflite"
		if r.JudgesInt8() {
			formats = "tflite-int8,c"
		}
		r.Answer.Next = shell.Line("slimfit", "export", r.Name+"/"+row.ID, "--format", formats)
	} else if r.Planned && len(r.Missing.Trials) > 0 {
		r.Answer.Next = r.Missing.Command
	}
}

// NextPlace says where the next command is meant to be given.
func (r *Report) NextPlace() string {
	if r.Answer.Next == r.Missing.Command {
		return "in the run folder"
	}
	return "where runs, or the run folder, lies"
}

// advice is one reasoned sentence on the row that was picked, or came nearest;
// "" where nothing stands out.
func (r *decided) advice(row *Row, picked bool) string {
	if r.Target == nil {
		return ""
	}
	order := r.ByCost(r.Target.Cost)
	first, last := &r.Rows[order[0]], &r.Rows[order[len(order)-1]]
	switch fell, loss := r.lateFall(row); {
	case row.missed:
		for _, i := range order {
			if o := &r.Rows[i]; o.Verdict == Meets && !o.missed && i != r.Answer.Pick {
				if v := r.value(o, Test); v != nil && *v >= r.Target.Accuracy {
					return fmt.Sprintf("Next in size that reaches it there, too: %s (%s %s %%); `slimfit search` would certify one.", o.Label,
						judgedName(r.Target.Rule), text.Percentage(*v))
				}
			}
		}
		return "No other network of the grid reaches it there, either: extend the grid upwards, or ask for less."
	case picked && len(order) > 1 && row == first:
		return "The smallest of the grid won: smaller ones were not tried."
	case picked:
		return ""
	case fell > stillFalling:
		return fmt.Sprintf("The training loss of %s still fell, by %.0f %% over the last fifth of its steps: train longer (train.steps), or "+
			"with a larger train.learning_rate.", row.Label, 100*fell)
	case loss >= 0 && loss < fitted && row.Score(Validation) != nil:
		return fmt.Sprintf("%s overfits: its training loss is %.2g, its validation accuracy %s %%; more data, dropout or weight decay help.",
			row.Label, loss, text.Percentage(row.Score(Validation).Mean))
	case len(order) > 1 && row == last:
		return fmt.Sprintf("%s is the largest of the grid: extend it upwards.", row.Label)
	}
	return ""
}

// A loss that fell by this share over the last fifth of the steps goes on
// falling; one below fitted has little left to learn from.
const (
	stillFalling = 0.1
	fitted       = 0.05
)

// lateFall is by what share the mean training loss of the row's seeds fell from
// the last but one fifth of the steps to the last, and what it was there; -1
// without a history.
func (r *decided) lateFall(row *Row) (fell, loss float64) {
	var sum, n [2]float64
	for _, points := range row.Histories {
		if len(points) < 10 {
			continue
		}
		end := points[len(points)-1].Step
		for _, p := range points {
			if at := 5 * p.Step / (end + 1); at >= 3 {
				sum[at-3] += p.Loss
				n[at-3]++
			}
		}
	}
	if n[0] == 0 || n[1] == 0 || !(sum[0] > 0) {
		return 0, -1
	}
	before, loss := sum[0]/n[0], sum[1]/n[1]
	return 1 - loss/before, loss
}
