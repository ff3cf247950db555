package ccode

import (
	"fmt"
	"strings"
)

// classify writes the function that runs the steps.
func (g *generator) classify() (string, error) {
	var t text
	classes := g.model.Classes()
	if len(g.options.Classes) > 0 {
		t.line("const char *const %s[%d] = {", g.name("names"), classes)
		for _, name := range g.options.Classes {
			t.line("    %s,", cString(name))
		}
		t.line("};")
		t.line("")
	}
	t.open("int %s(const uint8_t *pixels, int8_t *scores)", g.name("classify"))
	t.line("index_t c;")
	t.line("int best = 0;")
	for i, s := range g.steps {
		var places []string
		for _, t := range append(s.reads(), s.out) {
			places = append(places, g.place(t))
		}
		t.line("step%d(%s);", i, strings.Join(places, ", "))
	}
	t.open("for (c = 1; c < %d; c++)", classes)
	t.open("if (scores[c] > scores[best])")
	t.line("best = (int)c;")
	t.close(2)
	t.line("return best;")
	t.close(1)
	return t.String(), nil
}

// place is C for where a tensor lies.
func (g *generator) place(tensor int) string {
	if tensor == g.model.Input {
		return "pixels"
	}
	if at, ok := g.plan.offset[tensor]; ok {
		return fmt.Sprintf("arena + %d", at)
	}
	return "scores"
}

// cString is a C string literal in ASCII; octal escapes end after three digits.
func cString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '?' {
			fmt.Fprintf(&b, "\\%03o", c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// images is the number of golden images.
func (g *generator) images() int { return len(g.options.Golden) / g.model.InputShape().Elements() }

// golden writes the self-test: images and the scores they must have.
func (g *generator) golden() (string, error) {
	var t text
	size, classes := g.model.InputShape().Elements(), g.model.Classes()
	t.line("")
	if len(g.options.Golden) == 0 {
		t.open("int %s(void)", g.name("selftest"))
		t.line("return 0;")
		t.close(1)
		return t.String(), nil
	}
	scores, err := g.model.Scores(g.options.Golden, 1)
	if err != nil {
		return "", err
	}
	flash := g.flash // test images are not of the network
	integers(g, &t, "uint8_t", "golden_pixels", g.options.Golden, 1)
	integers(g, &t, "int8_t", "golden_scores", scores, 1)
	g.flash = flash
	t.line("")
	t.open("int %s(void)", g.name("selftest"))
	t.line("static uint8_t pixels[%d];", size)
	t.line("int8_t scores[%d];", classes)
	t.line("index_t i, k;")
	t.loop("i", g.images())
	t.loop("k", size)
	t.line("pixels[k] = (uint8_t)READ8(&golden_pixels[(index_t)(i * %d + k)]);", size)
	t.close(1)
	t.line("(void)%s(pixels, scores);", g.name("classify"))
	t.loop("k", classes)
	t.open("if (scores[k] != READ8(&golden_scores[(index_t)(i * %d + k)]))", classes)
	t.line("return (int)(i + 1);")
	t.close(3)
	t.line("return 0;")
	t.close(1)
	return t.String(), nil
}
