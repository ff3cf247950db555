package ccode

import (
	"fmt"
	"strings"

	"slimfit/pkg/tflite"
)

// generator holds what the parts of the C file share.
type generator struct {
	model   *tflite.Model
	options Options
	steps   []step
	plan    arena
	flash   int
}

// text collects lines of C.
type text struct {
	strings.Builder
	depth int
}

// line writes an indented line.
func (t *text) line(format string, args ...any) {
	if format != "" {
		t.WriteString(strings.Repeat("    ", t.depth))
		fmt.Fprintf(t, format, args...)
	}
	t.WriteByte('\n')
}

// open writes a line that begins a block, closed by close.
func (t *text) open(format string, args ...any) {
	t.line(format+" {", args...)
	t.depth++
}

func (t *text) close(n int) {
	for range n {
		t.depth--
		t.line("}")
	}
}

// loop opens a for loop over [0, n); a single turn is a block with a constant.
func (t *text) loop(name string, n int) {
	t.open("for (%[1]s = 0; %[1]s < %[2]d; %[1]s++)", name, n)
}

// integers writes an array in flash and counts its bytes.
func integers[T int8 | int32 | uint8](g *generator, t *text, ctype, name string, values []T, size int) {
	t.line("static const %s %s[%d] FLASH = {", ctype, name, len(values))
	for i := 0; i < len(values); i += 20 {
		row := make([]string, 0, 20)
		for _, v := range values[i:min(i+20, len(values))] {
			row = append(row, literal(int64(v)))
		}
		t.line("    %s,", strings.Join(row, ", "))
	}
	t.line("};")
	g.flash += size * len(values)
}

// literal is an integer constant of at most 32 bits; C has no negative
// constants, so the smallest one is a difference.
func literal(x int64) string {
	if x == -1<<31 {
		return "-2147483647 - 1"
	}
	return fmt.Sprint(x)
}

func (g *generator) name(part string) string { return g.options.Name + "_" + part }

func (g *generator) top() (string, error) {
	in := g.model.InputShape()
	var t text
	t.line("/* A neural network in C99: no runtime, no malloc, no floating point.")
	if about := oneLine(g.options.About); about != "" {
		t.line(" * %s", about)
	}
	t.line(" * Input: %d x %d x %d pixels (height, width, channels), 0 to 255. Scores: %d values of", in.H, in.W, in.C, g.model.Classes())
	t.line(" * int8, the larger the likelier. Not reentrant: activations share one static array of")
	t.line(" * %d bytes. Right shifts of negative integers must keep the sign, as all known", g.plan.bytes)
	t.line(" * compilers do; the type below does not compile otherwise. */")
	t.line("#include \"%s.h\"", g.options.Name)
	t.line("")
	t.line("#ifdef __AVR__")
	t.line("#include <avr/pgmspace.h>")
	t.line("#define FLASH PROGMEM")
	t.line("#define READ8(p) ((int8_t)pgm_read_byte(p))")
	t.line("#define READ32(p) ((int32_t)pgm_read_dword(p))")
	t.line("#else")
	t.line("#define FLASH")
	t.line("#define READ8(p) (*(p))")
	t.line("#define READ32(p) (*(p))")
	t.line("#endif")
	t.line("")
	t.line("typedef %s index_t;", g.index())
	t.line("typedef char shifts_keep_the_sign[(-1 >> 1) == -1 ? 1 : -1];")
	t.line("")
	if g.plan.bytes > 0 {
		t.line("static int8_t arena[%d];", g.plan.bytes)
		t.line("")
	}
	return t.String(), nil
}

// index is the type that holds every index.
func (g *generator) index() string {
	most := max(g.model.InputShape().Elements(), len(g.options.Golden))
	for _, s := range g.steps {
		most = max(most, s.size, len(s.Weights), s.OutH*s.OutW*s.OutC)
	}
	if most > 65535 {
		return "uint32_t"
	}
	return "uint16_t"
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

func (g *generator) header() string {
	in := g.model.InputShape()
	guard := strings.ToUpper(g.options.Name) + "_H"
	var t text
	t.line("#ifndef %s", guard)
	t.line("#define %s", guard)
	t.line("#include <stdint.h>")
	t.line("#ifdef __cplusplus")
	t.line("extern \"C\" {")
	t.line("#endif")
	t.line("")
	t.line("#define %s_PIXELS %d /* %d x %d x %d: height, width, channels */", strings.ToUpper(g.options.Name), in.Elements(), in.H, in.W,
		in.C)
	t.line("#define %s_CLASSES %d", strings.ToUpper(g.options.Name), g.model.Classes())
	t.line("")
	t.line("/* The class of an image, from 0; its scores go to scores[%d]. */", g.model.Classes())
	t.line("int %s_classify(const uint8_t *pixels, int8_t *scores);", g.options.Name)
	t.line("")
	t.line("/* 0, or 1 + the number of the first of %d test images whose scores differ. */", g.images())
	t.line("int %s_selftest(void);", g.options.Name)
	if len(g.options.Classes) > 0 {
		t.line("")
		t.line("/* The classes' names, in UTF-8. */")
		t.line("extern const char *const %s_names[%d];", g.options.Name, len(g.options.Classes))
	}
	t.line("")
	t.line("#ifdef __cplusplus")
	t.line("}")
	t.line("#endif")
	t.line("#endif")
	return t.String()
}
