package render

import (
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/report/figure"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// textRows is how many networks people look at one by one in a text.
const textRows = 200

// Sections is the report in reading order, without the networks that nobody
// would look at one by one.
func Sections(r *report.Report) []Section {
	r = r.Shown(textRows)
	all := []Section{
		{Text: append([]string{text.Plain(r.About), "Asked: " + r.Asked, "Answer: " + r.Answer.Sentence}, r.Answer.More...)},
		{Title: "What was done", Facts: r.Setup},
		resultsSection(r),
		classesSection(r),
		Shifts(r),
		Sure(r),
		costsSection(r),
		{Title: "Every seed", Tables: []Table{seedsTable(r)}},
		trainingSection(r),
		Differences(r),
		publishedSection(r),
		Certificate(r),
		Lacking(r),
		Cautions(r),
		Machines(r),
		nextSection(r),
		definitionsSection(r),
	}
	var out []Section
	for _, s := range all {
		s.Text = nonEmpty(s.Text)
		if len(s.Text)+len(s.Facts)+len(s.Figures)+len(s.Tables)+len(s.List) > 0 {
			out = append(out, s)
		}
	}
	r.Noun.All(&out)
	return out
}

func nonEmpty(lines []string) []string {
	var out []string
	for _, l := range lines {
		if l != "" {
			out = append(out, l)
		}
	}
	return out
}

func resultsSection(r *report.Report) Section {
	s := Section{Title: "Accuracy and size", Text: []string{LeftOut(r)}, Tables: []Table{Results(r)}}
	for _, f := range figure.List(r) {
		if f.Name != figure.Training && f.Name != figure.Shifts {
			s.Figures = append(s.Figures, f)
		}
	}
	return s
}

func trainingSection(r *report.Report) Section {
	if f := figuresNamed(r, figure.Training); len(f) > 0 {
		return Section{Title: "Training", Figures: f}
	}
	return Section{}
}

func figuresNamed(r *report.Report, name string) (out []figure.Figure) {
	for _, f := range figure.List(r) {
		if f.Name == name {
			out = append(out, f)
		}
	}
	return out
}

func publishedSection(r *report.Report) Section {
	t := Beside(r)
	if len(t.Rows) == 0 {
		return Section{}
	}
	return Section{Title: "Beside published figures", Tables: []Table{t}}
}

func Differences(r *report.Report) Section {
	if r.Pairs == nil {
		return Section{}
	}
	verb := "differ"
	if r.Pairs.Different == 1 {
		verb = "differs"
	}
	precision := ""
	if r.JudgesInt8() {
		precision = " of the float32 networks"
	}
	s := Section{Title: "Which differences are real", Text: []string{fmt.Sprintf(
		"Of %s, %d %s beyond what seeds and images explain (%s accuracy%s, corrected p below 5 %%).",
		text.Count(len(r.Pairs.Pairs), "pair"), r.Pairs.Different, verb, r.Pairs.Split, precision)}}
	if t, ok := pairsTable(r); ok {
		s.Tables = append(s.Tables, t)
	}
	return s
}

// maxNamed is how many trials are named one by one.
const maxNamed = 20

func Lacking(r *report.Report) Section {
	m := &r.Missing
	s := Section{Title: "What is missing"}
	for i := range r.Rows {
		for _, t := range r.Rows[i].Trials {
			if t.Status != result.Failed && t.Status != result.Diverged || len(s.List) == maxNamed {
				continue
			}
			s.List = append(s.List, strings.TrimSuffix(fmt.Sprintf("%s/seed-%d %s: %s", r.Rows[i].ID, t.Seed, t.Status, text.Plain(t.Reason)), ": "))
		}
	}
	if n := len(m.Failed) + len(m.Diverged); n > maxNamed {
		s.List = append(s.List, fmt.Sprintf("and %d more that failed or diverged", n-maxNamed))
	}
	if n := len(m.Trials); n > 0 {
		s.List = append(s.List, fmt.Sprintf("%s without a result: %s", text.Count(n, "trial"), keys(m.Trials)))
		if m.Command != "" {
			s.List = append(s.List, "To train what is missing, in the run folder: `"+m.Command+"`")
		}
	}
	if len(m.Skipped) > 0 {
		s.List = append(s.List, fmt.Sprintf("%s left out by the search, which answers without them", text.Count(len(m.Skipped), "trial")))
	}
	if len(m.Failed) > 0 && m.Retry != "" {
		s.List = append(s.List, "To retry what failed, in the run folder: `"+m.Retry+"`")
	}
	return s
}

// keys names some trials and counts the rest.
func keys(all []result.Key) string {
	var names []string
	for _, k := range all[:min(3, len(all))] {
		names = append(names, text.Plain(k.String()))
	}
	s := strings.Join(names, ", ")
	if len(all) > 3 {
		s += fmt.Sprintf(" and %d more", len(all)-3)
	}
	return s
}

func Cautions(r *report.Report) Section {
	s := Section{Title: "Warnings"}
	for _, w := range r.Warnings {
		line := text.Plain(w.Text)
		if len(w.Trials) > 0 {
			line = fmt.Sprintf("%s: %s (%s)", text.Count(len(w.Trials), "trial"), line, keys(w.Trials))
		}
		s.List = append(s.List, line)
	}
	return s
}

func Machines(r *report.Report) Section {
	if len(r.Machines) == 0 {
		return Section{}
	}
	t := Table{Name: "environment", Caption: "Where the trials ran", Columns: []Column{{Head: "trials", Right: true},
		{Head: "CPU"}, {Head: "device"}, {Head: "threads", Right: true}, {Head: "TensorFlow"}, {Head: "slimfit"}, {Head: "Go"}, {Head: "system"}, {Head: "host"}}}
	for _, m := range r.Machines {
		t.Rows = append(t.Rows, []string{fmt.Sprint(m.Trials), text.Plain(m.CPU), deviceText(m.Environment), fmt.Sprint(m.Threads),
			text.Plain(m.TensorFlow), text.Plain(m.Slimfit), text.Plain(m.Go), text.Plain(m.OS), text.Plain(m.Host)})
	}
	return Section{Title: "Environment", Tables: []Table{t}}
}

func deviceText(e result.Environment) string {
	parts := nonEmpty([]string{text.Plain(e.Device), prefixed("driver ", text.Plain(e.Driver)), prefixed("CUDA ", text.Plain(e.CUDA)),
		prefixed("cuDNN ", text.Plain(e.CuDNN))})
	return strings.Join(parts, ", ")
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// classesSection shows the chosen network class by class.
func classesSection(r *report.Report) Section {
	var s Section
	for _, by := range r.ByClass {
		s.Title = "Class by class: " + by.Label
		t := Table{Name: "classes-" + string(by.Split), Caption: "Recall in percent on the " + string(by.Split) + " images" + r.InPrecision(),
			Columns: []Column{{Head: "class"}, {"images", true}, {"recall", true}, {"worst seed", true}, {Head: "most often taken for"}}}
		floors := slices.ContainsFunc(by.Classes, func(c report.ClassScore) bool { return c.Floor > 0 })
		if floors {
			t.Columns = append(t.Columns, Column{"floor", true})
		}
		for _, c := range by.Classes {
			line := []string{text.Plain(c.Class), text.Whole(float64(c.Images)), orNone(c.Images > 0, text.Percentage(c.Recall)),
				orNone(c.Images > 0, text.Percentage(c.Least)),
				orNone(c.Taken != "", text.Plain(c.Taken)+" ("+text.Percentage(c.Share)+" %)")}
			if floors {
				line = append(line, orNone(c.Floor > 0, text.Percentage(c.Floor)))
			}
			t.Rows = append(t.Rows, line)
		}
		s.Tables = append(s.Tables, t)
	}
	return s
}

func orNone(known bool, s string) string {
	if !known {
		return None
	}
	return s
}

func nextSection(r *report.Report) Section {
	if r.Answer.Next == "" {
		return Section{}
	}
	return Section{Title: "What comes next", List: []string{"`" + r.Answer.Next + "`", "This is said " + r.NextPlace() + "."}}
}

const definitionsTitle = "Definitions"

func definitionsSection(r *report.Report) Section {
	s := Section{Title: definitionsTitle}
	for _, n := range r.Notes {
		s.Facts = append(s.Facts, report.Fact{Name: n.Term, Value: n.Text})
	}
	return s
}

// LeftOut says that rows are not shown; "" where all are.
func LeftOut(r *report.Report) string {
	if r.LeftOut == 0 {
		return ""
	}
	return fmt.Sprintf("Shown are %s of %s networks: the answer, the baseline, the front, then the cheapest and the most accurate. All of "+
		"them are in configurations.csv and results.csv.",
		text.Whole(float64(len(r.Rows))), text.Whole(float64(len(r.Rows)+r.LeftOut)))
}
