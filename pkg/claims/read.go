package claims

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
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
	var root struct {
		Title     string      `yaml:"title"`
		About     []string    `yaml:"about"`
		Questions []yaml.Node `yaml:"questions"`
		Claims    []yaml.Node `yaml:"claims"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s:1: empty: want `claims:` or `questions:`, a list", file)
		}
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	out := &File{Title: root.Title, About: root.About}
	if out.Title == "" {
		out.Title = "Claims"
	}
	var faults []error
	fault := func(line int, err error) { faults = append(faults, fmt.Errorf("%s:%d: %w", file, line, err)) }
	claims := func(nodes []yaml.Node) (all []Claim) {
		for i := range nodes {
			c, err := readClaim(&nodes[i])
			if err != nil {
				fault(nodes[i].Line, err)
				continue
			}
			all = append(all, c)
		}
		return all
	}
	for i := range root.Questions {
		q, nodes, err := readQuestion(&root.Questions[i])
		if err != nil {
			fault(root.Questions[i].Line, err)
			continue
		}
		q.Claims = claims(nodes)
		out.Questions = append(out.Questions, q)
	}
	if len(root.Claims) > 0 {
		out.Questions = append(out.Questions, Question{Claims: claims(root.Claims)})
	}
	if len(out.Questions) == 0 && len(faults) == 0 {
		return nil, fmt.Errorf("%s:1: no `claims:`, want a list of at least one", file)
	}
	return out, errors.Join(faults...)
}

func readQuestion(node *yaml.Node) (Question, []yaml.Node, error) {
	var raw struct {
		Question string      `yaml:"question"`
		Answer   string      `yaml:"answer"`
		Claims   []yaml.Node `yaml:"claims"`
	}
	if err := unknownKey(node, "question", "question", "answer", "claims"); err != nil {
		return Question{}, nil, err
	}
	if err := node.Decode(&raw); err != nil {
		return Question{}, nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	q := Question{Text: strings.TrimSpace(raw.Question), Answer: strings.TrimSpace(raw.Answer)}
	switch {
	case q.Text == "":
		return q, nil, errors.New("no `question:`, its words")
	case len(raw.Claims) == 0:
		return q, nil, errors.New("no `claims:`, which answer the question")
	}
	return q, raw.Claims, nil
}

func readClaim(node *yaml.Node) (Claim, error) {
	var raw struct {
		Claim, Source, Note string
		Ours                bool
		Check               Check
		Accuracy, Times     yaml.Node
		Least, Margin       float64
		Cost                string
		Cells, Than         []map[string]any
	}
	if err := unknownKey(node, "claim", "claim", "source", "note", "ours", "check", "accuracy", "least", "margin", "cost", "times", "cells", "than"); err != nil {
		return Claim{}, err
	}
	if err := node.Decode(&raw); err != nil {
		return Claim{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	c := Claim{Line: node.Line, Text: strings.TrimSpace(raw.Claim), Source: raw.Source, Note: strings.TrimSpace(raw.Note), Ours: raw.Ours,
		Check: raw.Check, Least: raw.Least, Margin: raw.Margin, Cost: raw.Cost, Cells: places(raw.Cells), Than: places(raw.Than)}
	var err error
	if c.Published = raw.Accuracy.Value == "published"; !c.Published {
		if c.Accuracy, err = figure(&raw.Accuracy); err != nil {
			return c, fmt.Errorf("accuracy %q: want a fraction, such as 0.9581 for 95.81 %%", raw.Accuracy.Value)
		}
	}
	if c.Times, err = figure(&raw.Times); err != nil {
		return c, fmt.Errorf("times %q: want a number, such as 19.5", raw.Times.Value)
	}
	return c, c.valid(given{accuracy: !raw.Accuracy.IsZero(), times: !raw.Times.IsZero(), least: keyOf(node, "least"), margin: keyOf(node, "margin")})
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

func unknownKey(node *yaml.Node, what string, known ...string) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("a %s is a mapping with the keys %s", what, strings.Join(known, ", "))
	}
	for i := 0; i < len(node.Content); i += 2 {
		if k := node.Content[i]; !slices.Contains(known, k.Value) {
			return fmt.Errorf("unknown key %q, want one of %s", k.Value, strings.Join(known, ", "))
		}
	}
	return nil
}
