package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"slimfit/pkg/text"
)

const (
	maxDepth     = 8       // folders below the data's own
	maxFiles     = 5 << 20 // pictures of one set
	formatsOfOwn = "want four idx files, CIFAR-10's data_batch_*.bin and test_batch.bin, or pictures in one sub-folder a class"
)

// tree is a folder without its hidden files and scrap.
type tree struct {
	name, path string
	files      []string
	dirs       []*tree
}

// readTree lists a folder and the folders below it. Links are followed.
func readTree(path string, depth int, left *int) (*tree, error) {
	names, err := listNames(path)
	if err != nil {
		return nil, err
	}
	t := &tree{name: filepath.Base(path), path: path}
	if *left -= len(names); *left < 0 {
		return nil, fmt.Errorf("%s: more than %d files", path, maxFiles)
	}
	for _, n := range names {
		full := filepath.Join(path, n)
		if st, err := os.Stat(full); err != nil || !st.IsDir() {
			t.files = append(t.files, n) // what cannot be opened is told when it is read
			continue
		}
		if depth == 0 {
			return nil, fmt.Errorf("%s: more than %d folders deep", full, maxDepth)
		}
		d, err := readTree(full, depth-1, left)
		if err != nil {
			return nil, err
		}
		t.dirs = append(t.dirs, d)
	}
	return t, nil
}

// pictures are the files of t and the folders below it that can be pictures.
func (t *tree) pictures() int {
	n := 0
	for _, f := range t.files {
		if !isSidecar(f) {
			n++
		}
	}
	for _, d := range t.dirs {
		n += d.pictures()
	}
	return n
}

// isSidecar tells the texts and tables that lie beside pictures, by their names.
func isSidecar(name string) bool {
	return slices.Contains([]string{".txt", ".csv", ".tsv", ".json", ".xml", ".md", ".html", ".pdf", ".log", ".yaml", ".yml", ".ini", ".py",
		".ipynb"},
		strings.ToLower(filepath.Ext(name)))
}

// isScrap tells what systems and programs leave behind.
func isScrap(name string) bool {
	return strings.HasPrefix(name, ".") || slices.ContainsFunc([]string{"Thumbs.db", "ehthumbs.db", "desktop.ini", "__MACOSX", "@eaDir",
		"$RECYCLE.BIN", "System Volume Information", "lost+found", "Icon\r"}, func(s string) bool { return strings.EqualFold(s, name) })
}

// The parts that folders of a divided data set are for; images is the one of
// data that is not divided.
const (
	roleImages     = "images"
	roleTrain      = "train"
	roleValidation = "validation"
	roleTest       = "test"
)

// roleOf tells the part by a folder's usual name; "" is none.
func roleOf(name string) string {
	switch strings.ToLower(name) {
	case "train", "training":
		return roleTrain
	case "val", "valid", "validation", "dev":
		return roleValidation
	case "test", "testing":
		return roleTest
	}
	return ""
}

// layout is where the class folders of each part lie.
type layout struct {
	parts map[string]*tree // by role
	notes []string
}

// findLayout tells by the names of folders what they are for.
func findLayout(root *tree) (layout, error) {
	top := root
	for root.pictures() > 0 && len(root.dirs) == 1 && len(root.dirs[0].dirs) > 0 && !root.ownPictures() {
		root = root.dirs[0]
	}
	l := layout{parts: map[string]*tree{}}
	if root != top {
		l.notes = append(l.notes, "the class folders are taken from "+root.path)
	}
	switch {
	case len(root.dirs) == 0 && len(root.files) == 0:
		return l, fmt.Errorf("%s is empty: %s", root.path, formatsOfOwn)
	case root.pictures() == 0:
		return l, fmt.Errorf("%s holds no pictures: %s", root.path, formatsOfOwn)
	case root.ownPictures() && len(root.dirs) == 0:
		return l, fmt.Errorf("%s: a file where only folders are expected: the class of a picture is the folder that it lies in; %s",
			filepath.Join(root.path, root.files[0]), formatsOfOwn)
	case root.ownPictures():
		i := slices.IndexFunc(root.files, func(f string) bool { return !isSidecar(f) })
		return l, fmt.Errorf("%s: a file where only folders are expected: it lies beside the class folders; move it into one of them, or "+
			"elsewhere",
			filepath.Join(root.path, root.files[i]))
	}
	if len(root.files) > 0 {
		l.notes = append(l.notes, fmt.Sprintf("%s beside the class folders, not read: %s", text.Count(len(root.files), "file"),
			shorten(root.files)))
	}
	return l, l.divide(root)
}

func (t *tree) ownPictures() bool {
	return slices.ContainsFunc(t.files, func(f string) bool { return !isSidecar(f) })
}

// divide finds the folders for training, validation and test, or takes every
// folder for a class.
func (l *layout) divide(root *tree) error {
	var classes, nested, flat []*tree
	for _, d := range root.dirs {
		switch {
		case roleOf(d.name) == "":
			classes = append(classes, d)
		case d.ownPictures() || len(d.dirs) == 0:
			flat = append(flat, d)
		default:
			nested = append(nested, d)
		}
	}
	withPictures := slices.DeleteFunc(slices.Clone(classes), func(t *tree) bool { return t.pictures() == 0 })
	switch {
	case len(nested) == 0 && len(classes) == 0 && len(flat) > 1 && slices.ContainsFunc(flat,
		func(t *tree) bool { return roleOf(t.name) == roleTrain }):
		return fmt.Errorf("%s hold pictures, but no class folders: the class of a picture is the folder that it lies in, such as %s/cat",
			joinNames(flat), flat[0].name)
	case len(nested) == 0 || len(nested) == 1 && len(classes)+len(flat) > 0:
		l.parts[roleImages] = root
		return nil
	case len(flat) > 0:
		return fmt.Errorf("%s has class folders, but %s has pictures without them", joinNames(nested), joinNames(flat))
	case len(withPictures) > 0:
		return fmt.Errorf("%s: a folder of pictures beside %s, which have class folders; move it into them, or elsewhere",
			withPictures[0].path, joinNames(nested))
	}
	for _, d := range nested {
		role := roleOf(d.name)
		if other := l.parts[role]; other != nil {
			return fmt.Errorf("%s and %s are both for %s; keep one, or put their class folders together", other.name, d.name, role)
		}
		l.parts[role] = d
	}
	if l.parts[roleTrain] == nil {
		return fmt.Errorf("has %s, but no folder train", joinNames(nested))
	}
	if l.parts[roleTest] == nil {
		l.notes = append(l.notes, "there is no folder test: test pictures are held back from "+l.parts[roleTrain].name)
	}
	for _, d := range classes {
		l.notes = append(l.notes, d.name+" holds no pictures and is not read")
	}
	return nil
}

func joinNames(dirs []*tree) string {
	var names []string
	for _, d := range dirs {
		names = append(names, d.name)
	}
	return shorten(names)
}

// classFolder is a class with the folders that hold its pictures: more than
// one where a name is there in two Unicode forms.
type classFolder struct {
	name string // in Unicode's composed form (NFC)
	dirs []*tree
}

// classFolders are the classes of a part, in the order of their numbers: by
// name, and where more than ten are all numbers, as numbers (textOrder: by
// name).
func classFolders(part *tree, textOrder bool) ([]classFolder, error) {
	var classes []classFolder
	for _, d := range part.dirs {
		name := norm.NFC.String(d.name)
		if i := slices.IndexFunc(classes, func(c classFolder) bool { return c.name == name }); i >= 0 {
			classes[i].dirs = append(classes[i].dirs, d)
			continue
		}
		classes = append(classes, classFolder{name, []*tree{d}})
	}
	if len(classes) < 2 {
		return nil, fmt.Errorf("%s: %d class folder: want at least two", part.path, len(classes))
	}
	if len(classes) > MaxClasses {
		return nil, fmt.Errorf("%s: %d class folders: at most %d classes", part.path, len(classes), MaxClasses)
	}
	digits := func(c classFolder) bool { return strings.Trim(c.name, "0123456789") == "" }
	if len(classes) > 10 && !textOrder && !slices.ContainsFunc(classes, func(c classFolder) bool { return !digits(c) }) {
		number := func(c classFolder) string { return strings.TrimLeft(c.name, "0") }
		slices.SortStableFunc(classes, func(a, b classFolder) int {
			x, y := number(a), number(b)
			return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
		})
	}
	return classes, nil
}

// checkNesting refuses class folders that all hold the same sub-folders: which
// of the two are the classes, nobody can tell.
func checkNesting(classes []classFolder) error {
	var first []string
	for i, c := range classes {
		var names []string
		for _, d := range c.dirs {
			if d.ownPictures() {
				return nil
			}
			for _, sub := range d.dirs {
				names = append(names, sub.name)
			}
		}
		if i == 0 {
			first = names
		}
		if len(names) < 2 || !slices.Equal(first, names) {
			return nil
		}
	}
	return fmt.Errorf("%s and %s, like all folders there, hold the sub-folders %s: if those are the classes, put them on top (%s/%s); "+
		"if they are people, machines or days, set groups: subfolder", classes[0].name, classes[1].name, shorten(first), first[0],
		classes[0].name)
}

// list appends the pictures of a class; group is the sub-folder below the
// class's own.
func (c classFolder) list(class int, role string, to []picture) ([]picture, error) {
	before := len(to)
	for _, d := range c.dirs {
		to = d.list(picture{class: class, role: role}, "", to)
	}
	if len(to) == before {
		return nil, fmt.Errorf("%s: the class has no pictures", c.dirs[0].path)
	}
	return to, nil
}

func (t *tree) list(like picture, group string, to []picture) []picture {
	for _, f := range t.files {
		if isSidecar(f) {
			continue
		}
		like.path, like.group = filepath.Join(t.path, f), group
		to = append(to, like)
	}
	for _, d := range t.dirs {
		to = d.list(like, filepath.Join(group, norm.NFC.String(d.name)), to)
	}
	return to
}

// listNames returns the names in a folder, sorted, without hidden ones and
// scrap.
func listNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no such folder: %w", err)
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !isScrap(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
