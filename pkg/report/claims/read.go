package claims

import (
	"math"
	"strings"

	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	yk "slimfit/pkg/yamlkeys"
)

// File is a file of claims.
type File struct {
	Title     string   // of the document
	About     []string // paragraphs for its top
	Questions []Question
}

// Question is what some claims answer together.
type Question struct {
	Text   string // "" for claims that stand by themselves
	Answer string // what to make of the verdicts, in the author's words; without figures, which the claims have
	Claims []Claim
}

// Claim is one statement. All accuracies are on the report's images, as
// fractions.
type Claim struct {
	Line      int // in the file
	Text      string
	Source    string
	Note      string // what to make of it, in the author's words
	Ours      bool   // made here, to test something; not a claim of the source
	Check     Check
	Accuracy  Figure              // of those checks that need one
	Published bool                // instead of Accuracy each cell's published figure
	Least     float64             // of bound
	Margin    float64             // of same, in accuracy; of spread, a factor
	Cost      string              // of ratio
	Times     Figure              // of ratio
	Cells     []map[string]string // each names one configuration, see report.Find
	Than      []map[string]string // of gains: what each cell is held against
}

// Figure is a number as somebody printed it.
type Figure struct {
	Value    float64
	Rounding float64 // half a unit of its last printed digit
}

// Read reads a file of claims, strictly. What is wrong comes back as
// yamlkeys.Errors, all of it at once.
func Read(b []byte, file string) (*File, error) {
	p := yk.New(file, yk.Document{What: "file of claims", Keys: "title, questions and claims", One: "one file is one list of claims",
		Empty: "want `claims:` or `questions:`, a list", References: "a file of claims has no matrix"})
	root := p.Parse(b)
	if root == nil {
		return nil, p.Err()
	}
	v := p.Check(root, &yk.Key{Forms: yk.Forms(yk.Mapping(keys()...))}, "")
	if err := p.Err(); err != nil {
		return nil, err
	}
	out := &File{Title: v.Str("title", "Claims"), About: v.Strs("about")}
	if q := v.Get("questions"); q != nil {
		for _, item := range q.Items {
			text := trimmed(item, "question")
			if text == "" {
				p.Add(item.Get("question").Node, "no `question:`, its words")
			}
			out.Questions = append(out.Questions, Question{Text: text, Answer: trimmed(item, "answer"), Claims: claims(p, item.Get("claims"))})
		}
	}
	if c := v.Get("claims"); c != nil {
		out.Questions = append(out.Questions, Question{Claims: claims(p, c)})
	}
	if len(out.Questions) == 0 {
		p.Add(root, "no `claims:`, want a list of at least one")
	}
	return out, p.Err()
}

func trimmed(v *yk.Value, key string) string { return strings.TrimSpace(v.Str(key, "")) }

func claims(p *yk.Reader, list *yk.Value) (all []Claim) {
	for _, v := range list.Items {
		c := Claim{Line: v.Node.Line, Text: trimmed(v, "claim"), Source: v.Str("source", ""), Note: trimmed(v, "note"),
			Check: Check(v.Str("check", "")), Accuracy: figure(v.Get("accuracy")), Published: v.Str("accuracy", "") == "published",
			Least: v.Float("least", 0), Margin: v.Float("margin", 0), Cost: v.Str("cost", ""), Times: figure(v.Get("times")),
			Cells: places(v.Get("cells")), Than: places(v.Get("than"))}
		if ours := v.Get("ours"); ours != nil {
			c.Ours = ours.Truth
		}
		has := func(key string) bool { return v.Get(key) != nil }
		if err := c.valid(given{accuracy: has("accuracy"), times: has("times"), least: has("least"), margin: has("margin")}); err != nil {
			p.Add(v.Node, "%v", err)
		}
		all = append(all, c)
	}
	return all
}

// figure reads a number with the digits that it was printed with.
func figure(v *yk.Value) Figure {
	if v == nil || v.Kind != yk.NumberKind {
		return Figure{}
	}
	f := Figure{Value: v.Num, Rounding: report.Rounding(v.Node.Value)}
	if f.Rounding == 0 && !strings.ContainsAny(v.Node.Value, "eE.") {
		f.Rounding = 0.5 // a whole number
	}
	return f
}

func places(v *yk.Value) []map[string]string {
	if v == nil {
		return nil
	}
	all := make([]map[string]string, len(v.Items))
	for i, cell := range v.Items {
		all[i] = map[string]string{}
		for _, q := range cell.Pairs {
			all[i][q.Name] = report.ValueText(q.Any)
		}
	}
	return all
}

// maxCells bounds the work that one claim can cause.
const maxCells = 100

// keys are those of a file of claims.
func keys() []yk.Key {
	text := yk.Form{Kind: yk.TextKind, Max: 10_000}
	claims := yk.Forms(yk.List(1, 1000, yk.Key{Forms: yk.Forms(yk.Mapping(claimKeys(text)...))}))
	question := yk.Mapping(
		yk.Key{Name: "question", Required: true, Forms: yk.Forms(text), Doc: "Its words."},
		yk.Key{Name: "answer", Forms: yk.Forms(text), Doc: "What to make of the verdicts, without figures."},
		yk.Key{Name: "claims", Required: true, Forms: claims, Doc: "What answers the question."})
	return []yk.Key{
		{Name: "title", Forms: yk.Forms(text), Default: "Claims", Doc: "Of the document."},
		{Name: "about", Forms: yk.Forms(yk.List(0, 100, yk.Key{Forms: yk.Forms(text)})), Doc: "Paragraphs for its top."},
		{Name: "questions", Forms: yk.Forms(yk.List(1, 1000, yk.Key{Forms: yk.Forms(question)})), Doc: "Claims that answer a question together."},
		{Name: "claims", Forms: claims, Doc: "Claims that stand by themselves."},
	}
}

func claimKeys(text yk.Form) []yk.Key {
	fraction := yk.Number("[", 0, 1, "]")
	cell := yk.Table(yk.NamePattern, "experiment or an axis", "experiment and axes to values", yk.Key{Forms: yk.Forms(yk.Any())})
	cells := yk.Forms(yk.List(1, maxCells, yk.Key{Forms: yk.Forms(cell)}))
	return []yk.Key{
		{Name: "claim", Required: true, Forms: yk.Forms(text), Doc: "The statement in words."},
		{Name: "source", Forms: yk.Forms(text), Doc: "Who says so, and where."},
		{Name: "note", Forms: yk.Forms(text), Doc: "What to make of it."},
		{Name: "ours", Forms: yk.Forms(yk.Truth()), Default: "false", Doc: "Made here to test something; not a claim of the source."},
		{Name: "check", Required: true, Forms: yk.Forms(yk.Named(names())), Doc: "What it says of its cells."},
		{Name: "accuracy", Fraction: true, Forms: yk.Forms(yk.Choice("published"), fraction), Doc: "As printed; published: each cell's own."},
		{Name: "least", Fraction: true, Forms: yk.Forms(fraction), Doc: "Of bound: what all such images give."},
		{Name: "margin", Forms: yk.Forms(yk.Number("(", 0, math.Inf(1), "]")), Doc: "Of same, in accuracy; of spread, a factor."},
		{Name: "cost", Forms: yk.Forms(yk.Named(footprint.Costs())), Doc: "Of ratio."},
		{Name: "times", Forms: yk.Forms(yk.Number("(", 0, math.Inf(1), "]")), Doc: "Of ratio, as printed."},
		{Name: "cells", Required: true, Forms: cells, Doc: "The configurations that it speaks of, such as {experiment: name, kernel: 5}."},
		{Name: "than", Forms: cells, Doc: "Of gains: each cell's partner."},
	}
}
