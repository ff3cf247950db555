package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"slimfit/pkg/text"
)

// loadOwn reads the user's own data, whose format is told by the names of the
// files in the folder.
func loadOwn(ref Ref) (set *Set, err error) {
	ref.Name = cmp.Or(ref.Name, OwnName(ref.Path))
	read := readOwn
	if ref.Kind == KindSeries || ref.Kind == "" && IsSeries(ref.Path) {
		if ref.Folds > 0 {
			return nil, errors.New("folds is for folders of pictures, not for series; leave it out")
		}
		ref.Kind, read = KindSeries, readSeriesSet
		noun := text.NounOf(KindSeries)
		defer func() {
			if err = noun.Err(err); err == nil {
				noun.All(&set.Notes)
				noun.All(&set.Cautions)
			}
		}()
		ref.Accept = AcceptAll() // series that differ by less than a level look the same
	}
	if set, err = read(ref); err != nil {
		return nil, err
	}
	if info, err := Lookup(ref.Name); err == nil && info.Digest != set.Data.Digest {
		return nil, fmt.Errorf("holds other images than %s (digest %.12s, want %.12s); give your data another name", info.Name, set.Data.Digest,
			info.Digest)
	}
	if faults := missingClasses(set); len(faults) > 0 {
		return nil, fmt.Errorf("%s; choose larger parts, or shuffle the images of idx and CIFAR files: validation is the first of the "+
			"training images, train the first after them",
			strings.Join(faults, "; "))
	}
	if err := set.survey(ref.Accept); err != nil || ref.Folds == 0 || ref.Fold > 0 {
		return set, err
	}
	size, from := set.Data.Input.Elements(), set.Data.Validation-set.Data.Train // what one of the trainings has
	set.Train = Images{set.Validation.Pixels[from*size:], set.Validation.Labels[from:]}
	set.Notes = append(set.Notes, fmt.Sprintf("folds: every image is validation once, in one of %d trainings of a trial, each with %d to %d "+
		"of them", ref.Folds, slices.Min(set.Folds), slices.Max(set.Folds)))
	return set, nil
}

// OwnName is what the user's own data is called that has no other name: its
// folder's, as experiment files allow names. An absolute path always has one.
func OwnName(path string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r)) {
			return r
		}
		return '-'
	}, filepath.Base(path))
	return name[:min(len(name), 64)]
}

func readOwn(ref Ref) (*Set, error) {
	if isPictures(ref.Path) {
		return ref.readFiles("NumPy arrays of pictures", func() (content, error) { return readPictureArrays(ref.Path) })
	}
	names, err := listNames(ref.Path)
	if err != nil {
		return nil, err
	}
	if hasIDX(names) {
		paths, err := findIDX(ref.Path, names)
		if err != nil {
			return nil, err
		}
		return ref.readFiles("idx files", func() (content, error) { return readIDXSet(paths, readIDX) })
	}
	if slices.Contains(names, "cifar-10-batches-py") || slices.Contains(names, "batches.meta") || slices.Contains(names, "data_batch_1") {
		return nil, errors.New("holds CIFAR-10 in its Python form (pickle), which is not read: write `dataset: cifar10` and run `slimfit " +
			"data fetch cifar10`, or unpack cifar-10-binary.tar.gz")
	}
	if dir, names := cifarFolder(ref.Path, names); hasCIFAR(names) {
		train, test, err := findCIFAR(dir, names)
		if err != nil {
			return nil, err
		}
		return ref.readFiles("CIFAR-10 files", func() (content, error) { return readCIFARSet(train, test) })
	}
	return readFolder(ref)
}

// readFiles reads a format with training and test files of its own.
func (r Ref) readFiles(what string, read func() (content, error)) (*Set, error) {
	if err := r.noFolderKeys(what); err != nil {
		return nil, err
	}
	c, err := read()
	if err != nil {
		return nil, err
	}
	if err := c.recolour(r.Channels); err != nil {
		return nil, err
	}
	n, err := r.split(c.train.N(), c.test.N())
	if err != nil {
		return nil, err
	}
	if err := c.countClasses(); err != nil {
		return nil, err
	}
	return c.part(r, n), nil
}

// countClasses takes the labels of the training images as the classes.
func (c *content) countClasses() error {
	var seen [MaxClasses]bool
	for _, l := range c.train.Labels {
		seen[l] = true
	}
	var class [MaxClasses]uint8 // of each label
	for l, there := range seen {
		if there {
			class[l] = uint8(c.classes)
			c.classNames = append(c.classNames, fmt.Sprint(l))
			c.classes++
		}
	}
	if c.classes < 2 {
		return fmt.Errorf("all training labels are %s: want at least two classes", c.classNames[0])
	}
	for i, l := range c.test.Labels {
		if !seen[l] {
			return fmt.Errorf("test image %d has the label %d, but the training labels are %s", i, l, spans(c.classNames))
		}
	}
	if last := c.classNames[c.classes-1]; last != fmt.Sprint(c.classes-1) {
		c.notes = append(c.notes, fmt.Sprintf("the labels are %s: they are taken as %d classes, numbered from 0 and named as they are",
			spans(c.classNames), c.classes))
		for _, labels := range [][]uint8{c.train.Labels, c.test.Labels} {
			for i, l := range labels {
				labels[i] = class[l]
			}
		}
	}
	return nil
}

// spans writes rising numbers as 1 to 4, 7.
func spans(numbers []string) string {
	var words []string
	for i := 0; i < len(numbers); {
		first, j := numbers[i], i
		n, _ := strconv.Atoi(first)
		for j+1 < len(numbers) && numbers[j+1] == strconv.Itoa(n+j+1-i) {
			j++
		}
		if j > i+1 {
			first += " to " + numbers[j]
		} else if j > i {
			first += ", " + numbers[j]
		}
		words, i = append(words, first), j+1
	}
	return shorten(words)
}

// hasIDX says whether the names are those of idx files.
func hasIDX(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "-ubyte") })
}

// findIDX picks the four idx files of a folder: the names of MNIST, with "."
// for the second "-", "test" for "t10k", idx4 for idx3 and ".gz" allowed.
func findIDX(dir string, names []string) (idxPaths, error) {
	find := func(kind string, prefixes ...string) (string, error) {
		var found []string
		for _, n := range names {
			plain := strings.TrimSuffix(n, ".gz")
			for _, p := range prefixes {
				rest, ok := strings.CutPrefix(plain, p+"-"+kind)
				if ok && strings.HasSuffix(rest, "-ubyte") && len(rest) == len("-idx3-ubyte") {
					found = append(found, n)
				}
			}
		}
		switch len(found) {
		case 0:
			return "", fmt.Errorf("has idx files, but none called %s-%s-idx%d-ubyte or the same with .gz", prefixes[0], kind,
				map[string]int{"images": 3, "labels": 1}[kind])
		case 1:
			return filepath.Join(dir, found[0]), nil
		}
		return "", fmt.Errorf("has more than one file of %s %s: %s; keep one", prefixes[0], kind, strings.Join(found, ", "))
	}
	var p idxPaths
	var errs [4]error
	p.trainImages, errs[0] = find("images", "train")
	p.trainLabels, errs[1] = find("labels", "train")
	p.testImages, errs[2] = find("images", "t10k", "test")
	p.testLabels, errs[3] = find("labels", "t10k", "test")
	return p, errors.Join(errs[:]...)
}

// CIFARFolder is what CIFAR-10's archive unpacks to.
const CIFARFolder = "cifar-10-batches-bin"

// cifarFolder goes into the folder that CIFAR-10's archive unpacks to.
func cifarFolder(dir string, names []string) (string, []string) {
	if !slices.Contains(names, CIFARFolder) {
		return dir, names
	}
	inner, err := listNames(filepath.Join(dir, CIFARFolder))
	if err != nil {
		return dir, names
	}
	return filepath.Join(dir, CIFARFolder), inner
}

func hasCIFAR(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return batchNumber(n) >= 0 || n == "test_batch.bin" })
}

// batchNumber returns the number in data_batch_<n>.bin, or -1.
func batchNumber(name string) int {
	digits, ok := strings.CutPrefix(name, "data_batch_")
	digits, bin := strings.CutSuffix(digits, ".bin")
	n, err := strconv.Atoi(digits)
	if !ok || !bin || err != nil || n < 0 {
		return -1
	}
	return n
}

// findCIFAR picks the training files, by number, and the test file.
func findCIFAR(dir string, names []string) (train []string, test string, err error) {
	var batches []string
	for _, n := range names {
		if batchNumber(n) >= 0 {
			batches = append(batches, n)
		}
	}
	if len(batches) == 0 {
		return nil, "", errors.New("has test_batch.bin, but no data_batch_1.bin")
	}
	if !slices.Contains(names, "test_batch.bin") {
		return nil, "", errors.New("has data_batch files, but no test_batch.bin")
	}
	sort.SliceStable(batches, func(i, j int) bool { return batchNumber(batches[i]) < batchNumber(batches[j]) })
	for _, b := range batches {
		train = append(train, filepath.Join(dir, b))
	}
	return train, filepath.Join(dir, "test_batch.bin"), nil
}
