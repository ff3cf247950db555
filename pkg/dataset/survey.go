package dataset

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// Survey counts what is wrong with images however they are stored.
type Survey struct {
	Duplicates    int `json:"duplicates"`     // images that are in their own part already
	ValidationToo int `json:"validation_too"` // validation images that training has
	TestToo       int `json:"test_too"`       // test images that training or validation has
	TwoClasses    int `json:"two_classes"`    // images that are there under another class, too
	Constant      int `json:"constant"`       // images of one value
	Dark          int `json:"dark"`           // pictures of 16 bits that are almost black as 8

	Pictures   []PictureFact `json:"-"` // of image folders: those that were read
	Unreadable int           `json:"-"` // files that were left out
	first      [5]string
}

// parts names the parts, training first: it is what the others are held against.
func (s *Set) parts() []namedImages {
	return []namedImages{{"training", s.Train}, {"validation", s.Validation}, {"test", s.Test}}
}

type namedImages struct {
	name string
	Images
}

// image is the pixels of image i.
func (s *Set) image(m Images, i int) []uint8 {
	size := s.Data.Input.Elements()
	return m.Pixels[i*size : (i+1)*size]
}

// Survey compares every image with every other, by all its pixels.
func (s *Set) Survey() Survey {
	var v Survey
	parts := s.parts()
	seed := maphash.MakeSeed()
	type place struct{ part, i int }
	seen := map[uint64][]place{} // the first of each class and part
	note := func(k, part, i int, words string) {
		if v.first[k] == "" {
			v.first[k] = fmt.Sprintf("%s image %d %s", parts[part].name, i, words)
		}
	}
	for p, m := range parts {
		for i := range m.N() {
			px := s.image(m.Images, i)
			if isConstant(px, s.Data.Input.C) {
				v.Constant++
				note(4, p, i, fmt.Sprintf("is %v all over", px[:s.Data.Input.C]))
			}
			sum := maphash.Bytes(seed, px)
			same, class, in := seen[sum], false, [3]bool{}
			for _, o := range same {
				if !bytes.Equal(px, s.image(parts[o.part].Images, o.i)) {
					continue
				}
				in[o.part] = true
				words := fmt.Sprintf("is %s image %d", parts[o.part].name, o.i)
				if other := parts[o.part].Labels[o.i]; other != m.Labels[i] && !class {
					class = true
					v.TwoClasses++
					note(3, p, i, fmt.Sprintf("(class %s) %s (class %s)", s.ClassNames[m.Labels[i]], words, s.ClassNames[other]))
				}
				switch {
				case o.part == p:
					note(0, p, i, words)
				case p == 1:
					note(1, p, i, words)
				default:
					note(2, p, i, words)
				}
			}
			switch {
			case p == 1 && in[0]:
				v.ValidationToo++
			case p == 2 && (in[0] || in[1]):
				v.TestToo++
			}
			if in[p] {
				v.Duplicates++
			}
			if len(same) < 8 { // what comes oftener is told by its first ones
				seen[sum] = append(same, place{p, i})
			}
		}
	}
	return v
}

// Repeats tells for each test image whether an image of training, validation or
// earlier in the test part has the same pixels; nil where none has.
func (s *Set) Repeats() []bool {
	seed := maphash.MakeSeed()
	seen := map[uint64][]int{} // test images
	in, any := make([]bool, s.Test.N()), false
	find := func(px []uint8) int {
		return slices.IndexFunc(seen[maphash.Bytes(seed, px)], func(k int) bool { return bytes.Equal(px, s.image(s.Test, k)) })
	}
	for i := range s.Test.N() {
		px := s.image(s.Test, i)
		if sum := maphash.Bytes(seed, px); find(px) >= 0 {
			in[i], any = true, true
		} else {
			seen[sum] = append(seen[sum], i)
		}
	}
	for _, part := range []Images{s.Train, s.Validation} {
		for i := range part.N() {
			px := s.image(part, i)
			if k := find(px); k >= 0 {
				in[seen[maphash.Bytes(seed, px)][k]], any = true, true
			}
		}
	}
	if !any {
		return nil
	}
	return in
}

func isConstant(px []uint8, channels int) bool {
	return len(px) > channels && bytes.Equal(px[channels:], px[:len(px)-channels])
}

// survey looks for faults, notes them, and refuses those that are not
// accepted.
func (s *Set) survey(accept Accept) error {
	v := s.Survey()
	v.Pictures, v.Unreadable, v.Dark = s.Found.Pictures, s.Found.Unreadable, len(s.lost)
	s.Found = v
	var refused []string
	for _, f := range []struct {
		n      int
		what   string
		accept bool
		key    string // "" is never refused
		first  string
	}{
		{v.TestToo, fmt.Sprintf("%d of %d test images are also among the training or validation images, pixel for pixel: the test accuracy is too good", v.TestToo, s.Test.N()), true, "", v.first[2]},
		{v.ValidationToo, fmt.Sprintf("%d of %d validation images are also among the training images, pixel for pixel", v.ValidationToo, s.Validation.N()), true, "", v.first[1]},
		{v.Duplicates, fmt.Sprintf("%d images are there more than once in one part", v.Duplicates), true, "", v.first[0]},
		{v.TwoClasses, fmt.Sprintf("%d images are there under two classes", v.TwoClasses), accept.Duplicates, "duplicates", v.first[3]},
		{v.Constant, fmt.Sprintf("%d images have one value all over, and show nothing", v.Constant), accept.Constant, "constant", v.first[4]},
		{len(s.lost), fmt.Sprintf("%d pictures of 16 bits have nothing in the upper 4, and are almost black as 8 bits", len(s.lost)), accept.Dark, "dark", shorten(s.lost[:min(1, len(s.lost))])},
	} {
		if f.n == 0 {
			continue
		}
		f.what += " (the first: " + f.first + ")"
		s.caution(f.what)
		if !f.accept {
			refused = append(refused, f.what+"; mend that, or set accept: ["+f.key+"]")
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("%s", strings.Join(refused, "; "))
	}
	return nil
}

func (s *Set) caution(words ...string) {
	s.Notes, s.Cautions = append(s.Notes, words...), append(s.Cautions, words...)
}

// Remarks are the Notes that are no Cautions.
func (s *Set) Remarks() []string {
	return slices.DeleteFunc(slices.Clone(s.Notes), func(n string) bool { return slices.Contains(s.Cautions, n) })
}

// shownFaults is how many faults an error lists.
const shownFaults = 20

// Faults are all the files of a folder that cannot be read.
type Faults struct {
	List []string // "path: why", by path
	Of   int      // files that were read
	All  bool     // Error lists all
}

// Error lists the first faults.
func (f *Faults) Error() string {
	const wayOut = "replace them, or set skip_unreadable: true to leave them out"
	if len(f.List) == 1 {
		return f.List[0] + "; replace it, or set skip_unreadable: true to leave it out"
	}
	shown := f.List
	if !f.All {
		shown = shown[:min(len(f.List), shownFaults)]
	}
	text := fmt.Sprintf("%d of %d files cannot be read; %s:\n  %s", len(f.List), f.Of, wayOut, strings.Join(shown, "\n  "))
	if more := len(f.List) - len(shown); more > 0 {
		text += fmt.Sprintf("\n  and %d more; `slimfit data verify --all` lists them", more)
	}
	return text
}
