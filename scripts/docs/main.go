// Command docs fills the generated parts of the documents: the table of keys in
// experiments/README.md, the rooms in pkg/README.md. Its test compares them.
//
//	go run ./scripts/docs
//	go run ./scripts/docs -shrink FROM.png TO.png   a picture of fewer bytes, for README.md
package main

import (
	"bufio"
	"fmt"
	"go/build"
	"go/doc"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"slimfit/pkg/experiment"
)

// part is a generated part of a document.
type part struct {
	file string // from the repository's root
	name string // of its marks: <!-- NAME: ... --> and <!-- end of NAME -->
	make func(root string) (string, error)
}

func parts() []part {
	return []part{
		{"experiments/README.md", "keys", func(string) (string, error) { return experiment.Reference(), nil }},
		{"pkg/README.md", "rooms", rooms},
	}
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "-shrink" {
		return shrink(args[1], args[2])
	}
	for _, p := range parts() {
		if err := p.write("."); err != nil {
			return err
		}
	}
	return nil
}

func (p part) write(root string) error {
	b, err := os.ReadFile(filepath.Join(root, p.file))
	if err != nil {
		return err
	}
	filled, err := p.fill(root, string(b))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, p.file), []byte(filled), 0o666)
}

// fill is the document with what belongs between its marks.
func (p part) fill(root, text string) (string, error) {
	head, rest, ok := strings.Cut(text, "<!-- "+p.name+": go run ./scripts/docs -->\n")
	_, tail, closed := strings.Cut(rest, "<!-- end of "+p.name+" -->")
	if !ok || !closed {
		return "", fmt.Errorf("%s: no marks of %s", p.file, p.name)
	}
	content, err := p.make(root)
	if err != nil {
		return "", fmt.Errorf("%s: %w", p.file, err)
	}
	return head + "<!-- " + p.name + ": go run ./scripts/docs -->\n" + strings.TrimSpace(content) + "\n<!-- end of " + p.name + " -->" +
		tail, nil
}

// rooms is a table of every room that scripts/imports.txt names, and what its
// package's first sentence says.
func rooms(root string) (string, error) {
	f, err := os.Open(filepath.Join(root, "scripts/imports.txt"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b strings.Builder
	b.WriteString("| room | |\n|---|---|\n")
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		room, imports, ok := strings.Cut(line, ":")
		if room = strings.TrimSpace(room); !ok || strings.HasPrefix(room, "scripts/") {
			continue
		}
		about, err := synopsis(filepath.Join(root, room))
		if err != nil {
			return "", err
		}
		if slices.Contains(strings.Fields(imports), "tensorflow") {
			room += " (TensorFlow)"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", room, about)
	}
	return b.String(), nil
}

// synopsis is the first sentence of the package's doc, without its name.
func synopsis(dir string) (string, error) {
	p, err := build.ImportDir(dir, build.ImportComment)
	if err != nil {
		return "", err
	}
	words := new(doc.Package).Synopsis(p.Doc)
	for _, lead := range []string{"Package " + p.Name + " ", "Command " + filepath.Base(dir) + " "} {
		words = strings.TrimPrefix(words, lead)
	}
	if words == "" {
		return "", fmt.Errorf("%s: the package has no doc comment", dir)
	}
	return strings.ReplaceAll(words, "|", `\|`), nil
}

// shrink writes a PNG file with the 256 commonest colours of another.
func shrink(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", from, err)
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	small := image.NewPaletted(m.Bounds(), commonest(m))
	draw.Draw(small, m.Bounds(), m, m.Bounds().Min, draw.Src)
	e := png.Encoder{CompressionLevel: png.BestCompression}
	return e.Encode(out, small)
}

func commonest(m image.Image) color.Palette {
	count := map[color.RGBA]int{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			count[color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)]++
		}
	}
	var all []color.RGBA
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int { return count[b] - count[a] })
	var p color.Palette
	for _, c := range all[:min(256, len(all))] {
		p = append(p, c)
	}
	return p
}
