package docs

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// documents are the repository's own Markdown files.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() && (strings.HasPrefix(name, ".") && name != ".." || name == "runs" || name == "testdata" || name == "results") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		all[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "experiments/README.md", "pkg/README.md",
		"pkg/search/README.md",
		"pkg/store/README.md", "scripts/bench/README.md", "scripts/slurm/README.md", "scripts/tflite/README.md"} {
		if all[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	return all
}

var (
	word   = regexp.MustCompile("`([a-z0-9_]+)`")
	link   = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
	named  = regexp.MustCompile("`((?:pkg|cmd|models|scripts|experiments)/[A-Za-z0-9_./-]*[A-Za-z0-9_])`")
	target = regexp.MustCompile("`?\\bmake ([a-z][a-z-]+)\\b`?")
)

// Every key of the files of a run and of a certificate is in its table, and
// nothing else is.
func TestFilesAreDescribed(t *testing.T) {
	for file, doc := range map[string]string{"result": "pkg/store/README.md", "int8": "pkg/store/README.md", "stopped": "pkg/store/README.md",
		"certificate": "pkg/search/README.md"} {
		b, err := os.ReadFile(filepath.Join(root, "pkg/result/testdata", file+".json"))
		if err != nil {
			t.Error(err)
			continue
		}
		var keys map[string]any
		if err := json.Unmarshal(b, &keys); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(root, doc))
		if err != nil {
			t.Error(err)
			continue
		}
		_, rest, ok := strings.Cut(string(text), "| key of "+file+".json | |\n")
		table, _, _ := strings.Cut(rest, "\n\n")
		if !ok {
			t.Errorf("%s: no table with the head `key of %s.json`", doc, file)
		}
		described := map[string]bool{}
		for line := range strings.Lines(table) {
			first := strings.Split(line, "|")
			for _, m := range word.FindAllStringSubmatch(first[1], -1) {
				described[m[1]] = true
				if _, ok := keys[m[1]]; !ok {
					t.Errorf("%s: %s.json has no %s", doc, file, m[1])
				}
			}
		}
		for key := range keys {
			if !described[key] {
				t.Errorf("%s: no line for %s of %s.json", doc, key, file)
			}
		}
	}
}

// Links, paths in backquotes and make's targets are there.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for file, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			checked++
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: a link to %s, which is not there", file, m[1])
			}
		}
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			checked++
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", file, m[1])
			}
		}
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "`make ") && !strings.HasPrefix(line, "    make ") {
				continue
			}
			for _, m := range target.FindAllStringSubmatch(line, -1) {
				checked++
				if !strings.Contains(string(makefile), "\n"+m[1]+":") {
					t.Errorf("%s: `make %s` is no target", file, m[1])
				}
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d names found", checked)
	}
}

// The first page stays a page.
func TestReadmeIsShort(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 9<<10 {
		t.Errorf("README.md has %d bytes, at most %d: move what is not for a first look to the document beside what it describes", len(b), 9<<10)
	}
}
