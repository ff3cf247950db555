package dataset

import (
	"errors"
	"fmt"
	"slices"

	"slimfit/models"
)

// Gallery are the pictures of a folder as a network takes them.
type Gallery struct {
	Images              // labels count ClassNames; there are none of a flat folder
	ClassNames []string // of the class folders; nil of a flat folder
	Files      []string // of each picture
	Sizes      []PictureFact
	Notes      []string
}

// ReadGallery reads a folder for a network of the given input: class folders, the
// test part of a divided folder, or pictures side by side. Pictures are made grey
// or coloured and resized as fit says; what cannot be read is left out with a note.
func ReadGallery(path string, in models.Shape, fit string) (*Gallery, error) {
	if in.C != 1 && in.C != 3 {
		return nil, fmt.Errorf("%s: a picture has 1 or 3 channels, the network takes %s", path, in)
	}
	ref := Ref{Path: path, Resize: &[2]int{in.H, in.W}, Fit: fit, Channels: ChannelsGrey, SkipUnreadable: true}
	if in.C == 3 {
		ref.Channels = ChannelsColour
	}
	g := &Gallery{}
	all, err := g.list(ref)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c, err := collect(ref, all, g.ClassNames)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	g.Images = c.permute(c.good)
	if g.ClassNames == nil {
		g.Labels = nil
	}
	for _, p := range c.good {
		f := c.found[p.at]
		g.Files, g.Sizes = append(g.Files, p.path), append(g.Sizes, PictureFact{f.h, f.w})
	}
	for i, f := range c.found {
		if f.err != nil {
			g.Notes = append(g.Notes, fmt.Sprintf("%s is left out: %v", c.all[i].path, f.err))
		}
	}
	if n := len(g.Notes); n > shownFaults {
		g.Notes = append(g.Notes[:shownFaults], fmt.Sprintf("and %d more are left out", n-shownFaults))
	}
	return g, nil
}

// list finds the pictures and, in g, what their classes are called.
func (g *Gallery) list(ref Ref) ([]picture, error) {
	left := maxFiles
	root, err := readTree(ref.Path, maxDepth, &left)
	if err != nil {
		return nil, err
	}
	if len(root.dirs) == 0 && root.ownPictures() {
		return root.list(picture{}, "", nil), nil
	}
	f, all, err := listFolder(ref)
	if err != nil {
		return nil, err
	}
	g.ClassNames = f.classNames
	if test := slices.DeleteFunc(slices.Clone(all), func(p picture) bool { return p.role != roleTest }); len(test) > 0 {
		g.Notes = append(g.Notes, fmt.Sprintf("of its parts the %d test pictures are taken", len(test)))
		all = test
	}
	return all, nil
}

// HasOwnFiles says whether a folder holds a data set in files, not pictures.
func HasOwnFiles(path string) (bool, error) {
	names, err := listNames(path)
	return err == nil && (hasIDX(names) || isCIFAR(path, names)), err
}

// ErrClasses is a data set with classes that a network does not know.
var ErrClasses = errors.New("other classes than the network's")

// ClassesIn says which of the known names each of names is.
func ClassesIn(known, names []string) ([]int, error) {
	var class []int
	for _, n := range names {
		i := slices.Index(known, n)
		if i < 0 {
			return nil, fmt.Errorf("%w: it has the class %s; the network knows %s", ErrClasses, n, shorten(known))
		}
		class = append(class, i)
	}
	return class, nil
}

// PictureFact is what a picture's file says of it.
type PictureFact struct{ H, W int } // pixels, upright

// Examine reads a folder for somebody who has chosen nothing yet: pictures of
// any size, as small ones, without those that cannot be read; whole sub-folders
// in one part where all pictures lie in such. Found.Pictures has the sizes; the
// reference is what it was read by.
func Examine(path string) (*Set, Ref, error) {
	ref := Ref{Path: path, Accept: AcceptAll()}
	if names, err := listNames(path); err != nil || hasIDX(names) || isCIFAR(path, names) {
		set, err := Load(ref, "")
		return set, ref, err
	}
	const small = 32
	ref.Resize, ref.SkipUnreadable, ref.Groups = &[2]int{small, small}, true, GroupsSubfolder
	set, err := Load(ref, "")
	if err != nil {
		ref.Groups = ""
		set, err = Load(ref, "")
	}
	return set, ref, err
}

func isCIFAR(path string, names []string) bool {
	_, names = cifarFolder(path, names)
	return hasCIFAR(names)
}
