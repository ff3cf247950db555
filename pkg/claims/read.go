package claims

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"slimfit/pkg/report"
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

// maxCells bounds the work that one claim can cause.
const maxCells = 100

// Read reads a file of claims, strictly. Errors are "file:line: what is wrong",
// all of them at once.
func Read(b []byte, file string) (*File, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, syntaxError(file, err)
	}
	if doc.IsZero() {
		return nil, fmt.Errorf("%s:1: empty: want `claims:` or `questions:`, a list", file)
	}
	var root struct {
		Title     string
		About     []string
		Questions []yaml.Node
		Claims    []yaml.Node
	}
	r := &reader{file: file}
	if !r.decode(doc.Content[0], "a file of claims", []key{{"title", words}, {"about", wordList}, {"questions", list}, {"claims", list}}, &root) {
		return nil, errors.Join(r.faults...)
	}
	out := &File{Title: root.Title, About: root.About}
	if out.Title == "" {
		out.Title = "Claims"
	}
	for i := range root.Questions {
		if q, ok := r.question(&root.Questions[i]); ok {
			out.Questions = append(out.Questions, q)
		}
	}
	if len(root.Claims) > 0 {
		out.Questions = append(out.Questions, Question{Claims: r.claims(root.Claims)})
	}
	if len(out.Questions) == 0 && len(r.faults) == 0 {
		return nil, fmt.Errorf("%s:1: no `claims:`, want a list of at least one", file)
	}
	return out, errors.Join(r.faults...)
}

func (r *reader) question(node *yaml.Node) (Question, bool) {
	var raw struct {
		Question string
		Answer   string
		Claims   []yaml.Node
	}
	if !r.decode(node, "a question", []key{{"question", words}, {"answer", words}, {"claims", list}}, &raw) {
		return Question{}, false
	}
	q := Question{Text: strings.TrimSpace(raw.Question), Answer: strings.TrimSpace(raw.Answer)}
	switch {
	case q.Text == "":
		r.fault(node.Line, "no `question:`, its words")
		return q, false
	case len(raw.Claims) == 0:
		r.fault(node.Line, "no `claims:`, which answer the question")
		return q, false
	}
	q.Claims = r.claims(raw.Claims)
	return q, true
}

func (r *reader) claims(nodes []yaml.Node) (all []Claim) {
	for i := range nodes {
		if c, ok := r.claim(&nodes[i]); ok {
			all = append(all, c)
		}
	}
	return all
}

func claimKeys() []key {
	return []key{{"claim", words}, {"source", words}, {"note", words}, {"ours", truth}, {"check", words}, {"accuracy", anything}, {"least", number},
		{"margin", number}, {"cost", words}, {"times", anything}, {"cells", mappings}, {"than", mappings}}
}

func (r *reader) claim(node *yaml.Node) (Claim, bool) {
	var raw struct {
		Claim, Source, Note string
		Ours                bool
		Check               Check
		Accuracy, Times     yaml.Node
		Least, Margin       float64
		Cost                string
		Cells, Than         []map[string]any
	}
	if !r.decode(node, "a claim", claimKeys(), &raw) {
		return Claim{}, false
	}
	c := Claim{Line: node.Line, Text: strings.TrimSpace(raw.Claim), Source: raw.Source, Note: strings.TrimSpace(raw.Note), Ours: raw.Ours,
		Check: raw.Check, Least: raw.Least, Margin: raw.Margin, Cost: raw.Cost, Cells: places(raw.Cells), Than: places(raw.Than)}
	var err error
	if c.Published = raw.Accuracy.Value == "published"; !c.Published {
		if c.Accuracy, err = figure(&raw.Accuracy); err != nil {
			r.fault(node.Line, "accuracy %q: want a fraction, such as 0.9581 for 95.81 %%", raw.Accuracy.Value)
			return c, false
		}
	}
	if c.Times, err = figure(&raw.Times); err != nil {
		r.fault(node.Line, "times %q: want a number, such as 19.5", raw.Times.Value)
		return c, false
	}
	node = resolve(node)
	if err := c.valid(given{accuracy: !raw.Accuracy.IsZero(), times: !raw.Times.IsZero(), least: keyOf(node, "least"), margin: keyOf(node, "margin")}); err != nil {
		r.fault(node.Line, "%w", err)
		return c, false
	}
	return c, true
}

func figure(node *yaml.Node) (Figure, error) {
	if node.IsZero() {
		return Figure{}, nil
	}
	f := Figure{Rounding: report.Rounding(node.Value)}
	if f.Rounding == 0 && !strings.ContainsAny(node.Value, "eE.") {
		f.Rounding = 0.5 // a whole number
	}
	return f, node.Decode(&f.Value)
}

func places(cells []map[string]any) []map[string]string {
	var all []map[string]string
	for _, cell := range cells {
		where := map[string]string{}
		for k, v := range cell {
			where[k] = valueText(v)
		}
		all = append(all, where)
	}
	return all
}

func keyOf(node *yaml.Node, key string) bool {
	for i := 0; i < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return true
		}
	}
	return false
}
