// Package claims holds statements against results: that accuracy falls along
// some configurations, that one reaches an accuracy, that a published figure
// fits what retraining gives. Each gets a verdict, the figures behind it, and a
// place in the report; one that fails is printed as failed.
package claims

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Check is what a claim says of its cells.
type Check string

const (
	Falls   Check = "falls"   // mean accuracy falls from each cell to the next
	Reaches Check = "reaches" // each cell's mean accuracy is at least Accuracy
	Below   Check = "below"   // each cell's mean accuracy is below Accuracy
	Fits    Check = "fits"    // Accuracy is what one more training of each cell may give
	Same    Check = "same"    // two cells have the same mean accuracy
	Spread  Check = "spread"  // two cells have the same spread over seeds
)

func checks() []Check { return []Check{Falls, Reaches, Below, Fits, Same, Spread} }

// File is a file of claims.
type File struct {
	Title  string   // of the document
	About  []string // paragraphs for its top
	Claims []Claim
}

// Claim is one statement. All accuracies are on the report's images, as
// fractions.
type Claim struct {
	Line     int // in the file
	Text     string
	Source   string
	Note     string // what to make of it, in the author's words
	Check    Check
	Accuracy float64             // of reaches, below and fits
	Rounding float64             // half a unit of Accuracy's last printed digit
	Cells    []map[string]string // each names one configuration, see report.Find
}

// maxCells bounds the work that one claim can cause.
const maxCells = 100

// Read reads a file of claims, strictly. Errors are "file:line: what is wrong",
// all of them at once.
func Read(b []byte, file string) (*File, error) {
	var root struct {
		Title  string      `yaml:"title"`
		About  []string    `yaml:"about"`
		Claims []yaml.Node `yaml:"claims"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s:1: empty: want `claims:`, a list", file)
		}
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(root.Claims) == 0 {
		return nil, fmt.Errorf("%s:1: no `claims:`, want a list of at least one", file)
	}
	out := &File{Title: root.Title, About: root.About}
	if out.Title == "" {
		out.Title = "Claims"
	}
	var faults []error
	for i := range root.Claims {
		c, err := readClaim(&root.Claims[i])
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, root.Claims[i].Line, err))
			continue
		}
		out.Claims = append(out.Claims, c)
	}
	return out, errors.Join(faults...)
}

func readClaim(node *yaml.Node) (Claim, error) {
	var raw struct {
		Claim    string           `yaml:"claim"`
		Source   string           `yaml:"source"`
		Note     string           `yaml:"note"`
		Check    Check            `yaml:"check"`
		Accuracy yaml.Node        `yaml:"accuracy"`
		Cells    []map[string]any `yaml:"cells"`
	}
	if err := unknownKey(node, "claim", "source", "note", "check", "accuracy", "cells"); err != nil {
		return Claim{}, err
	}
	if err := node.Decode(&raw); err != nil {
		return Claim{}, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	c := Claim{Line: node.Line, Text: strings.TrimSpace(raw.Claim), Source: raw.Source, Note: strings.TrimSpace(raw.Note), Check: raw.Check}
	for _, cell := range raw.Cells {
		where := map[string]string{}
		for k, v := range cell {
			where[k] = valueText(v)
		}
		c.Cells = append(c.Cells, where)
	}
	if raw.Accuracy.IsZero() {
		return c, c.valid(false)
	}
	if err := raw.Accuracy.Decode(&c.Accuracy); err != nil {
		return c, fmt.Errorf("accuracy %q: want a fraction, such as 0.9581 for 95.81 %%", raw.Accuracy.Value)
	}
	c.Rounding = rounding(raw.Accuracy.Value)
	return c, c.valid(true)
}

// rounding is half a unit of the last digit after the point: 0.986 stands for
// 98.55 to 98.65 %. It is 0 for a number written otherwise.
func rounding(printed string) float64 {
	_, digits, ok := strings.Cut(printed, ".")
	if !ok || strings.ContainsAny(printed, "eE") {
		return 0
	}
	return 0.5 * math.Pow10(-len(digits))
}

func unknownKey(node *yaml.Node, known ...string) error {
	if node.Kind != yaml.MappingNode {
		return errors.New("a claim is a mapping with the keys claim, check and cells")
	}
	for i := 0; i < len(node.Content); i += 2 {
		if k := node.Content[i]; !slices.Contains(known, k.Value) {
			return fmt.Errorf("unknown key %q, want one of %s", k.Value, strings.Join(known, ", "))
		}
	}
	return nil
}

// valid checks what each kind of claim needs.
func (c Claim) valid(hasAccuracy bool) error {
	n := len(c.Cells)
	figure := c.Check == Reaches || c.Check == Below || c.Check == Fits
	switch {
	case c.Text == "":
		return errors.New("no `claim:`, the statement in words")
	case !slices.Contains(checks(), c.Check):
		return fmt.Errorf("check %q: want one of %v", c.Check, checks())
	case n > maxCells:
		return fmt.Errorf("%d cells, at most %d", n, maxCells)
	case c.Check == Falls && n < 2:
		return errors.New("falls needs two cells or more, in falling order of accuracy")
	case (c.Check == Same || c.Check == Spread) && n != 2:
		return fmt.Errorf("%s compares two cells, not %d", c.Check, n)
	case n == 0:
		return errors.New("no `cells:`, the configurations that it speaks of, such as {experiment: name, kernel: 5}")
	case figure && !hasAccuracy:
		return fmt.Errorf("%s needs an `accuracy:`", c.Check)
	case !figure && hasAccuracy:
		return fmt.Errorf("%s takes no `accuracy:`", c.Check)
	case hasAccuracy && !(c.Accuracy >= 0 && c.Accuracy <= 1):
		return fmt.Errorf("accuracy %v: want a fraction, such as 0.9581 for 95.81 %%", c.Accuracy)
	}
	for i, cell := range c.Cells {
		if cell["experiment"] == "" {
			return fmt.Errorf("cell %d names no experiment", i+1)
		}
	}
	return nil
}
