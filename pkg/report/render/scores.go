package render

import (
	"fmt"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/report/figure"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// Shifts is how networks do on shifted images: every one in a table, the chosen
// one with its worst class in another.
func Shifts(r *report.Report) Section {
	if len(r.Shifts) == 0 {
		return Section{}
	}
	s := Section{Title: "On shifted images", Figures: figuresNamed(r, figure.Shifts)}
	for _, int8 := range []bool{false, true} {
		all := shiftsTable(r, int8)
		if len(all.Rows) == 0 {
			continue
		}
		s.Tables = append(s.Tables, all)
		if i := r.Chosen(); i >= 0 && len(r.Rows[i].Shifts) > 0 {
			s.Tables = append(s.Tables, shiftTable(r, &r.Rows[i], int8))
		}
	}
	if len(s.Tables) == 0 {
		return Section{}
	}
	return s
}

// score is a network's under a shift: in float32 or in int8.
func score(v *report.Shifted, split report.Split, int8 bool) *report.ShiftScore {
	switch {
	case v == nil:
		return nil
	case int8:
		return v.Int8[split]
	}
	return v.On[split]
}

func ofFiles(int8 bool) string {
	if int8 {
		return " in int8"
	}
	return ""
}

func shiftsTable(r *report.Report, int8 bool) Table {
	names, cells := nameColumns(r)
	all := Table{Name: "shifts" + strings.ReplaceAll(ofFiles(int8), " ", "_"), Columns: append(names, Column{"as they are", true}),
		Caption: "Mean accuracy" + ofFiles(int8) + " in percent on the validation images, as they are and shifted"}
	for _, name := range r.Shifts {
		all.Columns = append(all.Columns, Column{name, true})
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Shifts) == 0 {
			continue
		}
		line, judged := cells(i), false
		for _, name := range append([]string{""}, r.Shifts...) {
			cell := None
			if v := score(row.Shift(name), report.Validation, int8); v != nil {
				cell, judged = text.Percentage(v.Mean), judged || name != ""
			}
			line = append(line, cell)
		}
		if judged || !int8 {
			all.Rows = append(all.Rows, line)
		}
	}
	return all
}

func shiftTable(r *report.Report, row *report.Row, int8 bool) Table {
	t := Table{Name: "shifted" + strings.ReplaceAll(ofFiles(int8), " ", "_"),
		Caption: "Accuracy and worst class of " + text.Plain(row.Label) + ofFiles(int8) + ", in percent",
		Columns: []Column{{Head: "shift"}}}
	var splits []report.Split
	for _, split := range result.Splits() {
		if score(row.Shift(""), split, int8) != nil {
			splits = append(splits, split)
			t.Columns = append(t.Columns, Column{string(split) + " mean", true}, Column{"worst seed", true}, Column{Head: "worst class"},
				Column{"its recall", true})
		}
	}
	for i := range row.Shifts {
		line := []string{row.Shifts[i].Shift}
		if i == 0 {
			line[0] = "as they are"
		}
		for _, split := range splits {
			v := score(&row.Shifts[i], split, int8)
			if v == nil {
				line = append(line, None, None, None, None)
				continue
			}
			class, recall := None, None
			if v.Class >= 0 {
				class, recall = text.Plain(text.Class(r.Classes, v.Class)), text.Percentage(v.Recall)
			}
			line = append(line, text.Percentage(v.Mean), text.Percentage(v.Min), class, recall)
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

// Sure is what the chosen network's errors cost: thresholds of two classes, and
// the accuracy of the answers that it is sure of.
func Sure(r *report.Report) Section {
	s := r.Sure
	if s == nil {
		return Section{}
	}
	out := Section{Title: "What errors cost"}
	of := fmt.Sprintf("%s, %s together", text.Plain(s.Label), text.Count(s.Seeds, "seed"))
	if s.Class >= 0 {
		name := text.Plain(text.Class(r.Classes, s.Class))
		t := Table{Name: "thresholds", Caption: fmt.Sprintf("Answering %s where its score is at least so much: %s, in percent", name, of),
			Columns: []Column{{"score at least", true}}}
		for _, split := range splitsOf(s) {
			t.Columns = append(t.Columns, Column{string(split) + " precision", true}, Column{"recall", true}, Column{"false alarms", true})
		}
		for i := range s.Thresholds {
			line := []string{percentOf(s.Thresholds[i].Score)}
			for _, split := range splitsOf(s) {
				a := s.Thresholds[i].On[split]
				line = append(line, part(a.Found, a.Found+a.False), part(a.Found, a.Found+a.Missed), part(a.False, a.False+a.Quiet))
			}
			t.Rows = append(t.Rows, line)
		}
		out.Text = []string{fmt.Sprintf("Precision: of the images that are answered %s, those that are; recall: of those that are %s, the ones "+
			"answered so; false alarms: of all others, the ones answered %s. Choose on validation; the same thresholds are judged on "+
			"the test images.", name, name, name)}
		out.Tables = append(out.Tables, t)
	}
	if r.JudgesInt8() {
		out.Text = append(out.Text, "All of this is of the float32 networks, not of the int8 ones that are judged.")
	}
	t := Table{Name: "answered", Caption: "Giving only answers whose score is at least so much: " + of + ", in percent",
		Columns: []Column{{"score at least", true}}}
	for _, split := range splitsOf(s) {
		t.Columns = append(t.Columns, Column{string(split) + " answered", true}, Column{"right of these", true})
	}
	for i := range s.Answered {
		line := []string{percentOf(s.Answered[i].Score)}
		for _, split := range splitsOf(s) {
			g := s.Answered[i].On[split]
			line = append(line, part(g.Right+g.Wrong, g.Right+g.Wrong+g.Held), part(g.Right, g.Right+g.Wrong))
		}
		t.Rows = append(t.Rows, line)
	}
	out.Tables = append(out.Tables, t)
	if all := answersTable(r); len(all.Rows) > 1 {
		out.Tables = append(out.Tables, all)
	}
	return out
}

// answersTable has every network's accuracy where only its surest answers are given.
func answersTable(r *report.Report) Table {
	names, cells := nameColumns(r)
	t := Table{Name: "answers", Columns: names, Caption: "Right answers in percent where each network gives about so many of its " +
		"answers, the surest on validation; on the test images by the same scores"}
	parts := []float64{1, 0.95, 0.9, 0.8, 0.5}
	for _, split := range splitsOf(r.Sure) {
		for _, p := range parts {
			t.Columns = append(t.Columns, Column{fmt.Sprintf("%s, of %.0f %%", split, 100*p), true})
		}
	}
	for i := range r.Rows {
		line := cells(i)
		for _, split := range splitsOf(r.Sure) {
			for _, p := range parts {
				cell := None
				if a := r.Answers(&r.Rows[i], p); a != nil {
					g := a[0].On[split]
					cell = part(g.Right, g.Right+g.Wrong)
				}
				line = append(line, cell)
			}
		}
		if line[len(names)] != None {
			t.Rows = append(t.Rows, line)
		}
	}
	return t
}

// splitsOf are the splits that the scores are of.
func splitsOf(s *report.Sure) []report.Split {
	if len(s.Answered[0].On) == 2 {
		return result.Splits()
	}
	return []report.Split{report.Validation}
}

func percentOf(v float64) string { return fmt.Sprintf("%.1f", 100*v) }

func part(n, of int) string {
	if of == 0 {
		return None
	}
	return text.Percentage(float64(n) / float64(of))
}
