// The generated parts of the documents, the table of keys in experiments/README.md
// and the rooms in pkg/README.md, are held to the code, and filled by
//
//	go test ./scripts/docs -update
package docs

import (
	"bufio"
	"cmp"
	"flag"
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
	"testing"

	"slimfit/pkg/experiment"
)

var (
	update  = flag.Bool("update", false, "fill the generated parts anew")
	picture = flag.String("picture", "", "FROM.png,TO.png: write the first with fewer bytes to the second, for README.md")
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
		{"experiments/records/README.md", "front", frontTable},
		{"experiments/records/README.md", "paper", paperTable},
		{"experiments/records/README.md", "others", othersTable},
		{"experiments/records/README.md", "tasks", tasksTable},
		{"experiments/records/README.md", "tiles", tilesTable},
	}
}

// how the generated parts are made.
const how = "go test ./scripts/docs -update"

// fill is the document with what belongs between its marks.
func (p part) fill(root, text string) (string, error) {
	head, rest, ok := strings.Cut(text, "<!-- "+p.name+": "+how+" -->\n")
	_, tail, closed := strings.Cut(rest, "<!-- end of "+p.name+" -->")
	if !ok || !closed {
		return "", fmt.Errorf("%s: no marks of %s", p.file, p.name)
	}
	content, err := p.make(root)
	if err != nil {
		return "", fmt.Errorf("%s: %w", p.file, err)
	}
	return head + "<!-- " + p.name + ": " + how + " -->\n" + strings.TrimSpace(content) + "\n<!-- end of " + p.name + " -->" +
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
	number := func(c color.RGBA) int { return int(c.R)<<16 | int(c.G)<<8 | int(c.B) }
	slices.SortFunc(all, func(a, b color.RGBA) int { return cmp.Or(count[b]-count[a], number(a)-number(b)) })
	var p color.Palette
	for _, c := range all[:min(256, len(all))] {
		p = append(p, c)
	}
	return p
}

// TestPicture makes README.md's picture small where it is asked to.
func TestPicture(t *testing.T) {
	if from, to, ok := strings.Cut(*picture, ","); ok {
		if err := shrink(from, to); err != nil {
			t.Fatal(err)
		}
	}
}

// The generated parts are what is generated.
func TestGeneratedParts(t *testing.T) {
	for _, p := range parts() {
		file := filepath.Join(root, p.file)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := p.fill(root, string(b))
		switch {
		case err != nil:
			t.Error(err)
		case string(b) == want:
		case !*update:
			t.Errorf("%s: the part %s is old: %s", p.file, p.name, how)
		default:
			if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
				t.Error(err)
			}
		}
	}
}
