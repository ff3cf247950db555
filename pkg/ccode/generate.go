package ccode

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"slimfit/models"
	"slimfit/pkg/tflite"
)

//go:embed network.tmpl
var networkTemplate string

// network is what the template writes.
type network struct {
	Options
	Input      models.Shape
	Outputs    int // classes
	Images     int // golden
	ArenaBytes int
	Steps      []step

	GoldenPixels  []int64
	GoldenOutputs string // C
	Slack         string // by how much a float32 output may differ

	model *tflite.Model
	plan  arena
	part  bool   // its input is whatever the step reads
	whole string // what it is a part of: the steps' C
	// shifts are those that the whole's calls of a function have.
	shifts map[string]map[int]bool
	index  string // "": as large as it has to be
}

var templates = template.Must(template.New("").Funcs(template.FuncMap{"upper": strings.ToUpper, "oneLine": oneLine, "quoted": cString,
	"array": array, "rows": rows, "columns": columns,
	"loop": func(name string, n int) string {
		return fmt.Sprintf("for (%[1]s = 0; %[1]s < %[2]d; %[1]s++) {", name, n)
	},
}).Parse(networkTemplate))

// seriesChannel is what a channel's levels stand for, as C.
type seriesChannel struct{ Mean, Unit string }

// Series are the channels of a network for series; nil for images.
func (n *network) Series() (all []seriesChannel) {
	if s := n.model.Scaling; s.Series() {
		for c, mean := range s.Mean {
			all = append(all, seriesChannel{fmt.Sprintf("%.9ef", mean), fmt.Sprintf("%.9ef", s.SD[c]*s.Step)})
		}
	}
	return all
}

// Taken is the type of classify's input: pixels, or the levels of a series.
func (n *network) Taken() string {
	if n.model.Scaling.Series() {
		return "int8_t"
	}
	return "uint8_t"
}

// write fills in the template of the name. It indents C by its braces, as the
// template's own tabs follow the template's branches.
func (n *network) write(name string) ([]byte, error) {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, name, n); err != nil || name == "h" {
		return []byte(b.String()), err
	}
	var out []byte
	depth := 0
	for line := range strings.Lines(b.String()) {
		line = strings.TrimLeft(line, "\t")
		if strings.HasPrefix(line, "}") {
			depth--
		}
		if line != "\n" {
			out = append(out, strings.Repeat("    ", depth)...)
		}
		out = append(out, line...)
		if strings.HasSuffix(line, "{\n") {
			depth++
		}
	}
	return out, nil
}

// golden writes what the network says of the golden pixels.
func (n *network) golden() error {
	if len(n.Golden) == 0 {
		return nil
	}
	n.GoldenPixels = wide(n.Golden)
	if n.Series() != nil {
		for i := range n.GoldenPixels {
			n.GoldenPixels[i] -= 128
		}
	}
	if !n.Real() {
		scores, err := n.model.Scores(n.Golden, 1)
		n.GoldenOutputs = array("int8_t", "golden_scores", wide(scores))
		return err
	}
	out, err := n.model.Run(n.Golden, 1)
	if err != nil {
		return err
	}
	n.Slack = real(RealSlack * max(1, slices.Max(out.Logits), -slices.Min(out.Logits)))
	n.GoldenOutputs = reals("golden_scores", out.Logits)
	return nil
}

// array is an array in flash.
func array(ctype, name string, values []int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "static const %s %s[%d] FLASH = {\n", ctype, name, len(values))
	for row := range slices.Chunk(values, 20) {
		words := make([]string, len(row))
		for i, v := range row {
			words[i] = literal(v)
		}
		b.WriteString(strings.Join(words, ", ") + ",\n")
	}
	b.WriteString("};\n")
	return b.String()
}

// wide makes integers of one type of an array.
func wide[T int | int8 | int32 | uint8](values []T) []int64 {
	w := make([]int64, len(values))
	for i, v := range values {
		w[i] = int64(v)
	}
	return w
}

// literal is an integer constant of at most 32 bits; C has no negative
// constants, so the smallest one is a difference.
func literal(x int64) string {
	if x == -1<<31 {
		return "-2147483647 - 1"
	}
	return fmt.Sprint(x)
}

// Index is the type that holds every index.
func (n *network) Index() string {
	if n.index != "" {
		return n.index
	}
	most := max(n.Input.Elements(), len(n.Golden))
	for _, s := range n.Steps {
		most = max(most, s.Size, len(s.Weights), len(s.Reals), s.OutH*s.OutW*s.OutC)
	}
	if most > 65535 {
		return "uint32_t"
	}
	return "uint16_t"
}

// Real says whether it computes in float32.
func (n *network) Real() bool { return !n.model.Quantized() }

func (n *network) Element() string {
	return (&step{Stage: tflite.Stage{Real: n.Real()}}).Element()
}

func (n *network) ArenaElements() int { return n.plan.bytes }

// Clamps, Scales and Rounds say which helpers the steps use.
func (n *network) Clamps() bool {
	return !n.Real() && slices.ContainsFunc(n.Steps, func(s step) bool {
		return s.Kind != "table" && (s.Op.Code != tflite.MaxPool2D || s.Lo > -128 || s.Hi < 127)
	})
}

func (n *network) Scales() bool {
	return slices.ContainsFunc(n.Steps, func(s step) bool { return len(s.Scale) > 0 && len(s.Exact) == 0 })
}

func (n *network) Rounds() bool {
	return slices.ContainsFunc(n.Steps, func(s step) bool { return len(s.Exact) > 0 })
}

// Factor is the type of their multipliers.
func (n *network) Factor() string {
	if slices.ContainsFunc(n.Steps, func(s step) bool { return s.factor != 0 }) {
		return "int64_t"
	}
	return "int32_t"
}

// Shares says whether more than one place of the network that this is a part of
// calls the function: then compilers do not fit it to one.
func (n *network) Shares(call string) bool { return strings.Count(n.whole, call) > 1 }

// OthersShift is C for the shift of those calls: compilers fit a function to one
// that all calls have.
func (n *network) OthersShift(call string) string {
	if all := slices.Collect(maps.Keys(n.shifts[call])); len(all) == 1 {
		return fmt.Sprint(all[0])
	}
	return "shift"
}

// Places is C for where a step's inputs and its result lie.
func (n *network) Places(s step) string {
	var places []string
	for _, t := range append(s.reads(), s.out) {
		at, stored := n.plan.offset[t]
		switch {
		case n.part && t != s.out:
			places = append(places, "(const void *)pixels")
		case t == n.model.Input && n.Real() && n.Series() != nil:
			places = append(places, "input")
		case t == n.model.Input:
			places = append(places, "pixels")
		case stored:
			places = append(places, fmt.Sprintf("arena + %d", at))
		default:
			places = append(places, "scores")
		}
	}
	return strings.Join(places, ", ")
}

// oneLine keeps text inside a comment's line.
func oneLine(s string) string {
	printable := func(r rune) rune {
		if r < ' ' || r > '~' || r == '\\' || r == '*' {
			return ' '
		}
		return r
	}
	return strings.Join(strings.Fields(strings.Map(printable, s)), " ")
}

// cString is a C string literal in ASCII; octal escapes end after three digits.
func cString(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '?' {
			fmt.Fprintf(&b, "\\%03o", c)
		} else {
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}
