package tflite

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// WriteC writes a TensorFlow Lite file as C or C++ source for microcontrollers:
// the bytes as `const unsigned char name[]`, aligned to 16, their number as
// `name_len`, and in comments the operators to register and the arena's size.
// The file is loaded first, so that nothing is written of a bad one.
func WriteC(w io.Writer, name string, file []byte) error {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
		return fmt.Errorf("write the C array: %q is no C identifier: use letters, digits and _, not a digit first", name)
	}
	m, err := Load(file)
	if err != nil {
		return fmt.Errorf("write the C array: %w", err)
	}
	b := bufio.NewWriter(w)
	fmt.Fprint(b, cComment(m))
	fmt.Fprintf(b, `
#ifndef __cplusplus
#include <stdalign.h>
#endif

extern const unsigned char %[1]s[];
extern const unsigned int %[1]s_len;

alignas(16) const unsigned char %[1]s[] = {
`, name)
	const digits = "0123456789abcdef"
	for i, x := range file {
		if i%12 == 0 {
			b.WriteString("   ")
		}
		b.Write([]byte{' ', '0', 'x', digits[x>>4], digits[x&15], ','})
		if i%12 == 11 || i == len(file)-1 {
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(b, "};\nconst unsigned int %s_len = %d;\n", name, len(file))
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the C array: %w", err)
	}
	return nil
}

// cComment says how to use the array with TensorFlow Lite Micro.
func cComment(m *Model) string {
	var s strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&s, "// "+format+"\n", args...) }
	line("A TensorFlow Lite model for TensorFlow Lite Micro.")
	if text := oneLine(m.Description); text != "" {
		line("%s.", text)
	}
	in := m.Tensors[m.Input]
	line("Input: %s %v%s", in.Type, in.Shape, quantText(in.Quant))
	for k, o := range m.Outputs {
		t := m.Tensors[o]
		kind := logitsName
		if m.fromSoftmax(o) {
			kind = probabilitiesName
		}
		line("Output %d: %s, %s %v%s", k, kind, t.Type, t.Shape, quantText(t.Quant))
	}
	line("")
	methods := Resolver(m)
	line("    tflite::MicroMutableOpResolver<%d> resolver;", len(methods))
	for _, method := range methods {
		line("    resolver.%s();", method)
	}
	line("")
	line("Activations take %d bytes of the arena (greedy planner, 16-byte alignment).", ArenaBytes(m))
	line("The runtime's own records and the scratch of optimized kernels come on top:")
	line("start with some kilobytes more and read interpreter.arena_used_bytes().")
	return s.String()
}

// oneLine keeps a file's description inside its comment line.
func oneLine(s string) string {
	printable := func(r rune) rune {
		if r < ' ' || r > '~' || r == '\\' {
			return ' '
		}
		return r
	}
	return strings.TrimRight(strings.Join(strings.Fields(strings.Map(printable, s)), " "), ".")
}

func quantText(q *Quant) string {
	if q == nil {
		return ""
	}
	return fmt.Sprintf(", real = %v * (q - %d)", q.Scale[0], q.ZeroPoint)
}

// Resolver lists the methods of tflite::MicroMutableOpResolver that register
// the model's operators, each once, in the order of first use.
func Resolver(m *Model) []string {
	var methods []string
	for _, op := range m.Ops {
		if method := operators()[op.Code].method; !slices.Contains(methods, method) {
			methods = append(methods, method)
		}
	}
	return methods
}
