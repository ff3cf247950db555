package report

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"slimfit/pkg/result"
	"slimfit/pkg/shell"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// next adds what the histories and the grid suggest, a sentence, and the command
// that comes next.
func (r *decided) next() {
	at := r.Chosen()
	if r.Answer.Pick < 0 && r.unquantized() {
		r.Answer.Next = shell.Line("slimfit", "quantize", r.Name)
	}
	if at < 0 {
		return
	}
	row := &r.Rows[at]
	if r.Answer.Advice = r.advice(row, r.Answer.Pick == at); r.Answer.Advice != "" {
		r.Answer.More = append(r.Answer.More, r.Answer.Advice)
	}
	if r.Answer.Pick >= 0 && !row.missed || r.Target == nil {
		r.Answer.Next = ExportLine(r.Name+"/"+row.ID, r.JudgesInt8(), r.Dataset.Folds)
	} else if r.Searched() {
		r.Answer.Next = r.searchOn()
	} else if r.Answer.Next == "" && r.Planned && len(r.Missing.Trials) > 0 {
		r.Answer.Next = r.Missing.Command
	}
}

// unquantized says whether the target judges int8 networks that nobody has made of
// trials that are done.
func (r *filled) unquantized() bool {
	return r.JudgesInt8() && !r.Searched() && slices.ContainsFunc(r.Rows, func(row Row) bool {
		return slices.ContainsFunc(row.Trials, func(t Trial) bool { return t.Status == result.Done && t.Int8 == nil })
	})
}

// ExportLine is the command that exports a network, judged in int8 or not; or that
// trains one on all images, where it was judged by folds.
func ExportLine(network string, int8 bool, folds int) string {
	if folds > 0 {
		return shell.Line("slimfit", "run", path.Join(path.Dir(network), result.ExperimentName), "--set", "dataset.folds=0", "-o", "whole")
	}
	formats := "tflite"
	if int8 {
		formats = "tflite-int8,c"
	}
	return shell.Line("slimfit", "export", network, "--format", formats)
}

// searchOn is the search that comes next where one named no network; "" where it
// is not known where that was.
func (r *decided) searchOn() string {
	command, c := r.Missing.Command, r.Evidence.Certificate
	if c.Verdict == result.Incomplete {
		command = r.Missing.Retry
	}
	if flags := FlagsAfter(c); command != "" && len(flags) > 0 {
		command += " " + shell.Line(flags...)
	}
	return command
}

// FlagsAfter are the flags with which a search that named no network is asked
// again: to train what failed or what was left out, to observe instead of to
// certify, or for what the nearest one can show.
func FlagsAfter(c *result.Certificate) []string {
	n := c.Nearest
	// then neither less accuracy nor other evidence helps
	floor := n != nil && n.TestBound == nil && strings.Contains(n.Reason, target.BelowFloor)
	switch {
	case c.Winner != nil:
		return nil
	case c.Verdict == result.Incomplete:
		return []string{"--retry-failed"}
	case (c.Verdict == result.Exploratory || n != nil && !floor && (n.TestBound != nil || n.Statistic >= c.Target.Accuracy)) &&
		c.Target.Rule != target.Tolerance:
		return []string{"--set=target.evidence=" + target.Observed}
	case c.Cheaper != nil && c.Cheaper.Stopped+c.Cheaper.Skipped > 0:
		return []string{"--exact"}
	case n != nil && !floor && n.Statistic > lessToAsk:
		return []string{fmt.Sprintf("--set=target.accuracy=%.2f", math.Floor(100*(n.Statistic-lessToAsk))/100)}
	}
	return nil
}

// lessToAsk is by how much less than what was seen is asked for next, at least.
const lessToAsk = 0.005

// NextPlace says where the next command is meant to be given.
func (r *Report) NextPlace() string {
	if strings.HasPrefix(r.Answer.Next, "slimfit export ") || strings.HasPrefix(r.Answer.Next, "slimfit quantize ") {
		return "where runs, or the run folder, lies"
	}
	return "in the run folder"
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
				if v, why := r.seen(o, Test).verdict(r.Target.Accuracy); v == Meets {
					return fmt.Sprintf("Next in size that reaches it there, too: %s (%s); `slimfit search` would certify one.", o.Label, why)
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
