package dataset

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"slimfit/models"
)

// Ref says which images an experiment asks for, as in its file.
type Ref struct {
	Name string // a name of the registry, or a label for the user's own data
	Path string // folder of the user's own data, absolute; "" for the registry

	// Shape and Classes stand for images that are not at hand, to plan with.
	Shape   models.Shape
	Classes int

	// Train is the number of images to train on: the first ones after the
	// validation images. 0 means all of them.
	Train int
	// Validation is the number of images held back from the training files:
	// the first ones. 0 means the default, a tenth but at most 5,000; -1 none.
	Validation int
	// Test is the number of test images to use, the first ones; 0 means all.
	// Where the data has no test images of its own it is the number held back
	// for testing; 0 means a tenth but at most 10,000.
	Test int

	Resize *[2]int // height, width that an image folder is resized to; nil: as it is

	// Of folders of pictures; "" is the default, so that the zero value means
	// what it did before there were these.
	Fit            string // FitPad, FitCrop or "": stretch
	Groups         string // GroupsSubfolder or ""
	SkipUnreadable bool   // leave out files that are no pictures or damaged
	Folds, Fold    int    // as in models.Data; Train, Validation and Test do not go with them
	// Channels is ChannelsGrey, ChannelsColour or "": as the data has them.
	Channels  string
	Normalize string // NormalizeStandard or ""
	Kind      string // KindSeries, or "": told by the path
	Window    *models.Window
	Accept    Accept // faults that are known and taken

	older bool // read as versions without orientation and numeric class order did
}

// Accept says which faults of images are taken; others are refused.
type Accept struct {
	Duplicates bool // the same image under two classes
	Constant   bool // an image of one value
	Dark       bool // a picture of 16 bits a colour with nothing in the upper 4
}

// AcceptAll takes all of them.
func AcceptAll() Accept { return Accept{true, true, true} }

// Values of Ref.Channels, Ref.Groups and Ref.Normalize.
const (
	ChannelsGrey    = "grey"
	ChannelsColour  = "colour"
	GroupsSubfolder = "subfolder" // of a class's folder: all pictures of it are in one part

	NormalizeStandard = "standard" // each channel less its mean, over its standard deviation, of the training part
)

// Images are n images of one size with their labels.
type Images struct {
	Pixels []uint8 // n*h*w*c values in NHWC order, 0 to 255
	Labels []uint8 // n classes, each below the set's number of classes
}

// N is the number of images.
func (m Images) N() int { return len(m.Labels) }

// Histogram counts the images of each class.
func (m Images) Histogram(classes int) []int {
	counts := make([]int, classes)
	for _, l := range m.Labels {
		if int(l) < classes {
			counts[l]++
		}
	}
	return counts
}

// Set is a data set in memory. The three parts share no image; they may share
// memory and must not be written to.
type Set struct {
	Data       models.Data
	ClassNames []string // by class; the numbers where the data has no names
	Train      Images
	Validation Images
	Test       Images
	TestFiles  []string // of each test image, of a folder of pictures, within it
	Notes      []string // what a person should know of how the data was read
	Found      Survey   // of the user's own data
	TestKey    string   // see the function
	Folds      []int    // images of each fold
	lost       []string // see content

	ValidationFiles []string // as TestFiles, of the validation images
	Cautions        []string // those of Notes that make figures worth less: copies, missing classes
}

// TestKey identifies the stored files and labels of the test images, before any
// key of Ref acts on them; of all images where the test part is held back from
// them. Looks at test images are counted by it. Sets of the registry need no
// files.
func TestKey(ref Ref, cache string) (string, error) {
	if ref.Path == "" {
		info, err := Lookup(ref.Name)
		return info.testKey(), err
	}
	set, err := Load(ref, cache)
	if err != nil {
		return "", err
	}
	return set.TestKey, nil
}

// DefaultCache is the folder of fetched data sets: $SLIMFIT_CACHE, else
// $XDG_CACHE_HOME/slimfit, else ~/.cache/slimfit, else a folder in the
// system's temporary folder.
func DefaultCache() string {
	if dir := os.Getenv("SLIMFIT_CACHE"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) { // the XDG rule: a relative one is ignored
		return filepath.Join(dir, "slimfit")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".cache", "slimfit")
	}
	return filepath.Join(os.TempDir(), "slimfit")
}

// Describe says what a reference stands for: shape, classes, sizes of the
// parts and the digest of the content. Sets of the registry need no files;
// the user's own data is read in full.
func Describe(ref Ref, cache string) (models.Data, error) {
	data, _, err := DescribeNamed(ref, cache)
	return data, err
}

// DescribeNamed is Describe with the names of the classes.
func DescribeNamed(ref Ref, cache string) (models.Data, []string, error) {
	if ref.Path != "" || ref.Normalize != "" && ref.Shape == (models.Shape{}) {
		set, err := Load(ref, cache)
		if err != nil {
			return models.Data{}, nil, err
		}
		return set.Data, set.ClassNames, nil
	}
	if ref.Shape != (models.Shape{}) {
		return models.Data{Name: ref.Name, Input: ref.Shape, Classes: ref.Classes, Train: ref.Train}, nil, ref.noFolderKeys("given by its shape")
	}
	info, n, err := ref.known()
	if err != nil {
		return models.Data{}, nil, err
	}
	input, err := channelsOf(info.Input, ref.Channels)
	return ref.data(info.Digest, input, len(info.ClassNames), n), info.ClassNames, err
}

// Load reads the images of a reference. A set of the registry that is not in
// the cache gives an error that wraps fs.ErrNotExist: see Fetch.
func Load(ref Ref, cache string) (*Set, error) {
	var set *Set
	var err error
	if ref.Path == "" {
		set, err = loadKnown(ref, cache)
	} else if set, err = loadOwn(ref); err != nil {
		err = fmt.Errorf("data in %s: %w", ref.Path, err)
	}
	if err == nil && ref.Normalize == NormalizeStandard {
		set.Data.Scaling = standard(set.Train.Pixels, set.Data.Input.C)
	}
	return set, err
}

// refOf asks for the images that data stands for.
func refOf(data models.Data, src models.Source) Ref {
	return Ref{Name: data.Name, Path: src.Path, Train: data.Train, Validation: cmp.Or(data.Validation, -1), Test: data.Test,
		Resize: data.Resize, Fit: data.Fit, Channels: data.Channels, Groups: data.Groups, SkipUnreadable: data.SkipUnreadable,
		Normalize: data.Normalize, Kind: data.Kind, Window: data.Window, Folds: data.Folds, Fold: data.Fold, Accept: AcceptAll()}
}

// LoadData reads the images that data stands for and checks that they are
// still the same: digest, shape and sizes.
func LoadData(data models.Data, src models.Source) (*Set, error) {
	ref := refOf(data, src)
	set, err := Load(ref, src.Cache)
	if ref.older = src.Path != "" && err == nil && set.Data.Digest != data.Digest; ref.older {
		if was, err := Load(ref, src.Cache); err == nil && was.Data.Digest == data.Digest {
			set = was // a run of a version that read it otherwise
		}
	}
	if err != nil {
		return nil, err
	}
	got, want := set.Data, data
	if got.Digest != want.Digest {
		return nil, fmt.Errorf("data set %s: the images have changed since the experiment was planned: digest %.12s, want %.12s; plan again",
			data.Name, got.Digest, want.Digest)
	}
	if got.Resize = want.Resize; !got.Same(want) {
		return nil, fmt.Errorf("data set %s: read as %+v, want %+v; plan again", data.Name, got, want)
	}
	return set, nil
}

// openFile opens a regular file to read, and says how long it is: opening a pipe
// would wait for ever.
func openFile(path string) (*os.File, int64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !st.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	return f, st.Size(), err
}
