package dataset

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// splitSeed decides which pictures of a folder are held back. It is fixed:
// all trials of all experiments must be judged on the same images.
const splitSeed = 0

// picture is one file of an image folder.
type picture struct {
	path  string
	role  string // the part that its folder is for
	class int
	group string            // sub-folder of the class's; "" is none
	at    int               // its place in the pixels
	sum   [sha256.Size]byte // of the file's bytes
	key   [sha256.Size]byte // of the seed and sum: a random rank that only content decides
}

// folder is a listed and hashed image folder.
type folder struct {
	classNames []string
	train      []picture // all pictures, where there are no folders for parts
	validation []picture
	test       []picture
	divided    bool // there are folders for train and others
	byGroup    bool
	turned     bool // pictures with an EXIF orientation were turned
	notes      []string
}

// readFolder reads a folder of pictures with one sub-folder a class, or such
// folders for the parts: train, validation and test, under their usual names.
// Validation and test, where they have no folder, take their share of each
// class, or whole groups; which pictures, and the order of all of them, depends
// on the files' content alone, so a copy with other file names trains the same.
func readFolder(ref Ref) (*Set, error) {
	f, all, err := listFolder(ref)
	if err != nil {
		return nil, err
	}
	c, err := collect(ref, all, f.classNames)
	if err != nil {
		return nil, err
	}
	f.turned = c.orientations > 0
	for _, p := range c.good {
		f.put(p)
	}
	digest, testKey := f.digest(), f.testKey()
	var n counts
	var folds []int
	if ref.Folds > 0 {
		n, folds, err = f.arrangeFolds(ref)
	} else {
		n, err = f.arrange(ref)
	}
	if err != nil {
		return nil, err
	}
	images := c.permute(slices.Concat(f.train, f.test))
	cut := len(f.train) * c.input.Elements()
	set := content{
		input: c.input, classes: len(f.classNames), classNames: f.classNames, digest: digest, testKey: testKey,
		train: Images{images.Pixels[:cut:cut], images.Labels[:len(f.train)]},
		test:  Images{images.Pixels[cut:], images.Labels[len(f.train):]},
		notes: slices.Concat(f.notes, c.notes()), lost: c.lost,
	}.part(ref, n)
	if set.Folds = folds; ref.Folds > 0 && ref.Fold == 0 {
		set.Data.Train = n.validation - slices.Max(folds)
	}
	for _, p := range c.good {
		set.Found.Pictures = append(set.Found.Pictures, PictureFact{c.found[p.at].h, c.found[p.at].w})
	}
	set.ValidationFiles, set.TestFiles = within(ref.Path, f.train[:n.validation]), within(ref.Path, f.test[:n.test])
	set.Found.Unreadable = len(c.all) - len(c.good)
	return set, nil
}

// put adds a picture to the part that it is for.
func (f *folder) put(p picture) {
	switch p.role {
	case roleTest:
		f.test = append(f.test, p)
	case roleValidation:
		f.validation = append(f.validation, p)
	default:
		f.train = append(f.train, p)
	}
}

// within names pictures as they lie in the folder, with slashes.
func within(folder string, pictures []picture) []string {
	var names []string
	for _, p := range pictures {
		name, err := filepath.Rel(folder, p.path)
		if err != nil { // both begin alike
			name = p.path
		}
		names = append(names, filepath.ToSlash(name))
	}
	return names
}

// listFolder finds the parts, their classes and every picture.
func listFolder(ref Ref) (folder, []picture, error) {
	f := folder{byGroup: ref.Groups == GroupsSubfolder}
	left := maxFiles
	root, err := readTree(ref.Path, maxDepth, &left)
	if err != nil {
		return f, nil, err
	}
	l, err := findLayout(root)
	if err != nil {
		return f, nil, err
	}
	f.notes, f.divided = l.notes, l.parts[roleImages] == nil
	var all []picture
	first := ""
	for _, role := range []string{roleImages, roleTrain, roleValidation, roleTest} {
		part := l.parts[role]
		if part == nil {
			continue
		}
		classes, err := classFolders(part, ref.older)
		if err != nil {
			return f, nil, err
		}
		if !f.byGroup {
			if err := checkNesting(classes); err != nil {
				return f, nil, err
			}
		}
		var names []string
		for class, c := range classes {
			if !utf8.ValidString(c.name) {
				return f, nil, fmt.Errorf("the class folder %s is not UTF-8, which results could not name: rename it", filepath.Join(part.path, c.name))
			}
			names = append(names, c.name)
			if all, err = c.list(class, role, all); err != nil {
				return f, nil, err
			}
		}
		if first == "" {
			first, f.classNames = part.name, names
		} else if !slices.Equal(f.classNames, names) {
			return f, nil, fmt.Errorf("%s has the classes %s, but %s has %s%s", first, shorten(f.classNames), part.name, shorten(names),
				difference(f.classNames, names))
		}
	}
	deeper := 0
	for _, p := range all {
		if p.group != "" {
			deeper++
		}
	}
	switch {
	case f.byGroup && deeper < len(all):
		return f, nil, fmt.Errorf("groups is subfolder, but %d of %d pictures lie in no sub-folder of their class's, such as %s",
			len(all)-deeper, len(all), ungrouped(all))
	case deeper > 0 && !f.byGroup:
		f.notes = append(f.notes, fmt.Sprintf("%d pictures lie in sub-folders of the class folders and count as the class's; groups: "+
			"subfolder keeps each sub-folder in one part", deeper))
	}
	if f.byGroup {
		err = checkGroups(all)
	}
	return f, all, err
}

func ungrouped(all []picture) string {
	return all[slices.IndexFunc(all, func(p picture) bool { return p.group == "" })].path
}

// difference tells which names only one of two lists has.
func difference(a, b []string) string {
	only := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(n string) bool { return slices.Contains(b, n) })
	}
	var words []string
	if x := only(a, b); len(x) > 0 {
		words = append(words, "only the first has "+shorten(x))
	}
	if x := only(b, a); len(x) > 0 {
		words = append(words, "only the second has "+shorten(x))
	}
	return ": " + strings.Join(words, ", ")
}

// byRank orders pictures by content; equal files by class.
func byRank(a, b picture) int {
	return cmp.Or(slices.Compare(a.key[:], b.key[:]), cmp.Compare(a.class, b.class))
}

// digest identifies the folder's content, whatever is held back from it.
func (f folder) digest() string {
	parts := partsOf(roleImages, f.train)
	if f.divided {
		parts = slices.Concat(partsOf(roleTrain, f.train), partsOf(roleValidation, f.validation), partsOf(roleTest, f.test))
	}
	if f.byGroup { // which picture is in which group
		for _, g := range groupsOf(slices.Concat(f.train, f.validation, f.test)) {
			parts = append(parts, part{hex.EncodeToString(g.key[:]), "group"})
		}
	}
	if f.turned {
		parts = append(parts, part{"orientation", "applied"})
	}
	return sortedDigest(parts)
}

// testKey is TestKey of the folder, before anything is held back from it.
func (f folder) testKey() string {
	if len(f.test) > 0 {
		return sortedDigest(partsOf(roleTest, f.test))
	}
	return sortedDigest(partsOf(roleImages, slices.Concat(f.train, f.validation)))
}

func partsOf(role string, pictures []picture) (parts []part) {
	for _, p := range pictures {
		parts = append(parts, part{hex.EncodeToString(p.sum[:]), fmt.Sprintf("%s/%03d", role, p.class)})
	}
	return parts
}

func sortedDigest(parts []part) string {
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.sum, b.sum)) })
	return contentDigest(parts)
}

// arrange puts the pictures into their final order: f.train starts with the
// validation pictures, f.test holds the test pictures.
func (f *folder) arrange(ref Ref) (counts, error) {
	n, err := f.counts(ref)
	if err != nil {
		return n, err
	}
	if len(f.test) == 0 {
		f.test, f.train, err = f.holdBack(f.train, n.test, "test")
		if err != nil {
			return n, err
		}
		n.test = len(f.test)
	}
	validation, train := f.validation, f.train
	if len(validation) == 0 {
		validation, train, err = f.holdBack(f.train, n.validation, "validation")
	} else if n.validation < len(validation) {
		validation, _, err = f.holdBack(validation, n.validation, "validation")
	}
	if err != nil {
		return n, err
	}
	if n.validation = len(validation); ref.Train == 0 {
		n.train = len(train)
	} else if n.train > len(train) {
		return n, fmt.Errorf("train is %d, but %d images are left after those held back", n.train, len(train))
	}
	for _, part := range [][]picture{validation, train, f.test} {
		slices.SortFunc(part, byRank)
	}
	f.train = slices.Concat(validation, train)
	return n, nil
}

// counts are the sizes of the parts as they were asked for; whole groups can
// make more of them.
func (f folder) counts(ref Ref) (counts, error) {
	images := len(f.train)
	if len(f.test) > 0 && len(f.validation) == 0 {
		if tenth := images / 10; ref.Validation == 0 && tenth > 0 { // one of each class at least
			ref.Validation = min(defaultValidation, max(tenth, len(f.classNames)))
		}
		return ref.split(images, len(f.test))
	}
	n := counts{}
	if len(f.test) > 0 {
		var err error
		if n.test, err = ref.testOf(len(f.test)); err != nil {
			return n, err
		}
	} else if err := f.testShare(ref, &n); err != nil {
		return n, err
	}
	left := images
	if len(f.test) == 0 {
		left -= n.test
	}
	if len(f.validation) == 0 {
		if ref.Validation == 0 {
			ref.Validation = min(defaultValidation, max(images/10, len(f.classNames)))
		}
		return n, ref.splitTraining(&n, left)
	}
	validation := ref.Validation
	ref.Validation = -1
	if err := ref.splitTraining(&n, left); err != nil {
		return n, err
	}
	switch {
	case validation > len(f.validation):
		return n, fmt.Errorf("validation is %d, but its folder has %d pictures", validation, len(f.validation))
	case validation == 0:
		n.validation = len(f.validation)
	case validation > 0:
		n.validation = validation
	}
	return n, nil
}

// testShare is how many pictures are held back for testing.
func (f folder) testShare(ref Ref, n *counts) error {
	if !f.byGroup {
		if err := f.checkClassSizes(ref.Validation != -1 && len(f.validation) == 0); err != nil {
			return err
		}
	}
	images := len(f.train)
	switch n.test = ref.Test; {
	case n.test < 0:
		return fmt.Errorf("test is %d, want at least 1, or 0 for a tenth", n.test)
	case n.test == 0:
		n.test = min(defaultTest, max(images/10, len(f.classNames)))
	}
	if n.test >= images {
		return fmt.Errorf("test is %d of %d images, which leaves none to train on", n.test, images)
	}
	return nil
}
