package dataset

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"slimfit/pkg/parallel"
)

// splitSeed decides which pictures of a folder are held back. It is fixed:
// all trials of all experiments must be judged on the same images.
const splitSeed = 0

// picture is one file of an image folder.
type picture struct {
	path  string
	class int
	sum   [sha256.Size]byte // of the file's bytes
	key   [sha256.Size]byte // of the seed and sum: a random rank that only content decides
}

// folder is a listed and hashed image folder.
type folder struct {
	classNames []string
	train      []picture // all pictures, where there are no train and test folders
	test       []picture
	split      bool // there are train and test folders
}

// readFolder reads a folder of PNG and JPEG pictures with one sub-folder a
// class, or two such folders called train and test. Classes are numbered by
// name. Validation, and test where it has no folder, take their share of each
// class; which pictures, and the order of all of them, depends on the files'
// content alone, so a copy with other file names trains the same.
func readFolder(ref Ref) (*Set, error) {
	f, err := listFolder(ref.Path)
	if err != nil {
		return nil, err
	}
	digest := f.digest()
	n, err := f.arrange(ref)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(f.train, f.test)
	decoded, err := decodePictures(all, ref.Resize)
	if err != nil {
		return nil, err
	}
	pixels := decoded.images.Pixels
	cut := len(f.train) * decoded.input.Elements()
	c := content{
		input: decoded.input, classes: len(f.classNames), classNames: f.classNames, digest: digest,
		train: Images{pixels[:cut:cut], decoded.images.Labels[:len(f.train)]},
		test:  Images{pixels[cut:], decoded.images.Labels[len(f.train):]},
		notes: append(decoded.notes, f.notes(n)...),
	}
	return c.part(ref, n), nil
}

// listFolder finds every picture and hashes it.
func listFolder(dir string) (folder, error) {
	var f folder
	names, err := subfolders(dir)
	if err != nil {
		return f, err
	}
	hasTrain, hasTest := hasSubfolders(dir, names, "train"), hasSubfolders(dir, names, "test")
	if !hasTrain && !hasTest {
		f.classNames = names
		f.train, err = listClasses(dir, names)
		return f, err
	}
	if !hasTrain || !hasTest {
		return f, errors.New("has only one of the folders train and test; add the other, or put the class folders side by side and slimfit splits them")
	}
	for _, n := range names {
		if n != "train" && n != "test" {
			return f, fmt.Errorf("%s: a third folder beside train and test; move its pictures into them (validation is held back from train)", filepath.Join(dir, n))
		}
	}
	f.split = true
	if f.classNames, err = subfolders(filepath.Join(dir, "train")); err != nil {
		return f, err
	}
	testNames, err := subfolders(filepath.Join(dir, "test"))
	if err != nil {
		return f, err
	}
	if !slices.Equal(f.classNames, testNames) {
		return f, fmt.Errorf("train has the classes %s, but test has %s", shorten(f.classNames), shorten(testNames))
	}
	if f.train, err = listClasses(filepath.Join(dir, "train"), f.classNames); err != nil {
		return f, err
	}
	f.test, err = listClasses(filepath.Join(dir, "test"), f.classNames)
	return f, err
}

// subfolders lists the folders in dir and refuses anything else there.
func subfolders(dir string) ([]string, error) {
	names, err := listNames(dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s is empty: want four idx files, CIFAR-10's data_batch_*.bin and test_batch.bin, or pictures in one sub-folder a class", dir)
	}
	for _, n := range names {
		st, err := os.Stat(filepath.Join(dir, n))
		if err != nil {
			return nil, err
		}
		if !st.IsDir() {
			return nil, fmt.Errorf("%s: a file where only folders are expected: want four idx files, CIFAR-10's data_batch_*.bin and test_batch.bin, or pictures in one sub-folder a class", filepath.Join(dir, n))
		}
	}
	return names, nil
}

// hasSubfolders says whether names holds name and that folder has folders in
// it: a class may be called train, too.
func hasSubfolders(dir string, names []string, name string) bool {
	if !slices.Contains(names, name) {
		return false
	}
	entries, err := os.ReadDir(filepath.Join(dir, name))
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.IsDir() })
}

// listClasses lists and hashes the pictures of every class folder in dir.
func listClasses(dir string, names []string) ([]picture, error) {
	if len(names) < 2 {
		return nil, fmt.Errorf("%s: %d class folder: want at least two", dir, len(names))
	}
	if len(names) > MaxClasses {
		return nil, fmt.Errorf("%s: %d class folders: at most %d classes", dir, len(names), MaxClasses)
	}
	var all []picture
	for class, name := range names {
		files, err := listNames(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s: the class has no pictures", filepath.Join(dir, name))
		}
		for _, file := range files {
			path := filepath.Join(dir, name, file)
			if ext := strings.ToLower(filepath.Ext(file)); ext != ".png" && ext != ".jpg" && ext != ".jpeg" {
				return nil, fmt.Errorf("%s: not a picture: want .png, .jpg or .jpeg; remove it", path)
			}
			all = append(all, picture{path: path, class: class})
		}
	}
	err := parallel.Each(context.Background(), len(all), 0, func(i int) error { return all[i].hash() })
	return all, err
}

func (p *picture) hash() error {
	b, err := readPicture(p.path)
	if err != nil {
		return err
	}
	p.sum = sha256.Sum256(b)
	p.key = sha256.Sum256(append([]byte{splitSeed}, p.sum[:]...))
	return nil
}

// byRank orders pictures by content; equal files by class.
func byRank(a, b picture) int {
	return cmp.Or(slices.Compare(a.key[:], b.key[:]), cmp.Compare(a.class, b.class))
}

// digest identifies the folder's content, whatever is held back from it.
func (f folder) digest() string {
	var parts []part
	add := func(role string, pictures []picture) {
		for _, p := range pictures {
			parts = append(parts, part{hex.EncodeToString(p.sum[:]), fmt.Sprintf("%s/%03d", role, p.class)})
		}
	}
	if f.split {
		add("train", f.train)
		add("test", f.test)
	} else {
		add("images", f.train)
	}
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
	if !f.split {
		f.test, f.train, err = f.holdBack(f.train, n.test, "test")
		if err != nil {
			return n, err
		}
	}
	validation, train, err := f.holdBack(f.train, n.validation, "validation")
	if err != nil {
		return n, err
	}
	for _, part := range [][]picture{validation, train, f.test} {
		slices.SortFunc(part, byRank)
	}
	f.train = append(validation, train...)
	return n, nil
}

func (f folder) counts(ref Ref) (counts, error) {
	if f.split {
		return ref.split(len(f.train), len(f.test))
	}
	images := len(f.train)
	if err := f.checkClassSizes(ref.Validation != -1); err != nil {
		return counts{}, err
	}
	n := counts{test: ref.Test}
	switch {
	case n.test < 0:
		return n, fmt.Errorf("test is %d, want at least 1, or 0 for a tenth", n.test)
	case n.test == 0:
		n.test = min(defaultTest, max(images/10, len(f.classNames)))
	}
	if n.test >= images {
		return n, fmt.Errorf("test is %d of %d images, which leaves none to train on", n.test, images)
	}
	left := images - n.test
	if ref.Validation == 0 {
		ref.Validation = min(defaultValidation, max(images/10, len(f.classNames)))
	}
	return n, ref.splitTraining(&n, left)
}

// checkClassSizes wants a picture of each class for every part.
func (f folder) checkClassSizes(validation bool) error {
	parts, want := "training and test", 2
	if validation {
		parts, want = "training, validation and test", 3
	}
	sizes := make([]int, len(f.classNames))
	for _, p := range f.train {
		sizes[p.class]++
	}
	for class, n := range sizes {
		if n < want {
			return fmt.Errorf("class %s has %d pictures: want at least %d, one each for %s", f.classNames[class], n, want, parts)
		}
	}
	return nil
}

// holdBack takes total pictures, each class in its share and at least one,
// and leaves at least one of each class.
func (f folder) holdBack(all []picture, total int, what string) (held, rest []picture, err error) {
	if total == 0 {
		return nil, all, nil
	}
	classes := make([][]picture, len(f.classNames))
	for _, p := range all {
		classes[p.class] = append(classes[p.class], p)
	}
	sizes := make([]int, len(classes))
	for i, c := range classes {
		sizes[i] = len(c)
		if len(c) < 2 {
			return nil, nil, fmt.Errorf("class %s has too few pictures to hold one back for %s; add some", f.classNames[i], what)
		}
	}
	if total < len(classes) {
		return nil, nil, fmt.Errorf("%s is %d, want at least %d: one of each class", what, total, len(classes))
	}
	if total > len(all)-len(classes) {
		return nil, nil, fmt.Errorf("%s is %d of %d images, which leaves too few to train on", what, total, len(all))
	}
	for i, quota := range shares(total, sizes) {
		slices.SortFunc(classes[i], byRank)
		held = append(held, classes[i][:quota]...)
		rest = append(rest, classes[i][quota:]...)
	}
	return held, rest, nil
}

// shares divides total in proportion to sizes, by largest remainder, with at
// least 1 and at most size-1 each. Every size is at least 2, and total lies
// between the number of sizes and their sum less that number.
func shares(total int, sizes []int) []int {
	sum := 0
	for _, s := range sizes {
		sum += s
	}
	quota, given := make([]int, len(sizes)), 0
	for i, s := range sizes {
		quota[i] = min(max(total*s/sum, 1), s-1)
		given += quota[i]
	}
	// What one class has above its exact share: give to the lowest, take from the highest.
	above := func(i int) int { return quota[i]*sum - total*sizes[i] }
	for ; given != total; given += cmp.Compare(total, given) {
		best := -1
		for i, s := range sizes {
			if given < total && quota[i] < s-1 && (best < 0 || above(i) < above(best)) ||
				given > total && quota[i] > 1 && (best < 0 || above(i) > above(best)) {
				best = i
			}
		}
		quota[best] += cmp.Compare(total, given)
	}
	return quota
}

// notes tells of test pictures that training sees, too.
func (f folder) notes(n counts) []string {
	seen := map[[sha256.Size]byte]bool{}
	for _, p := range f.train {
		seen[p.sum] = true
	}
	twice := 0
	for _, p := range f.test[:n.test] {
		if seen[p.sum] {
			twice++
		}
	}
	if twice == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d test pictures are also among the training pictures, byte for byte: the test accuracy is too good", twice, n.test)}
}
