package dataset

import (
	"errors"
	"fmt"
	"slices"

	"slimfit/models"
)

// deal puts all pictures into ref.Folds parts, which depend on the files' content
// alone: of each class its share, equal files in one part; or whole groups.
func (f *folder) deal(ref Ref) ([][]picture, error) {
	if len(f.test)+len(f.validation) > 0 {
		return nil, errors.New("folds go without folders for test and validation: every picture is validation once; leave folds out, or put " +
			"all pictures into one folder a class")
	}
	sizes := f.classSizes()
	if least := slices.Min(sizes); least < ref.Folds {
		return nil, fmt.Errorf("folds is %d, but class %s has %d pictures, fewer than one a fold: set folds: %d at most, or add pictures",
			ref.Folds, f.classNames[slices.Index(sizes, least)], least, least)
	}
	parts := make([][]picture, ref.Folds)
	add := func(k int, pictures ...picture) { parts[k] = append(parts[k], pictures...) }
	if f.byGroup {
		for _, g := range groupsOf(f.train) {
			least := 0
			for k := range parts {
				if len(parts[k]) < len(parts[least]) {
					least = k
				}
			}
			add(least, g.pictures...)
		}
	}
	for class := range sizes {
		if f.byGroup {
			break
		}
		all := slices.DeleteFunc(slices.Clone(f.train), func(p picture) bool { return p.class != class })
		slices.SortFunc(all, byRank)
		at := 0
		for i, p := range all {
			if i == 0 || p.sum != all[i-1].sum {
				at = i * ref.Folds / len(all)
			}
			add((at+class)%ref.Folds, p) // no fold has the larger share of every class
		}
	}
	for k, part := range parts {
		for class, name := range f.classNames {
			if !slices.ContainsFunc(part, func(p picture) bool { return p.class == class }) {
				return nil, fmt.Errorf("fold %d of %d has no picture of class %s that is in no other fold: set fewer folds", k+1, ref.Folds, name)
			}
		}
		slices.SortFunc(part, byRank)
	}
	return parts, nil
}

// arrangeFolds is arrange for folds: f.train starts with the pictures of ref.Fold,
// or has those of all folds, one after the other, which is what their pooled
// figures are of: then every picture is for validation, and none is left to train
// on. sizes are those of the folds.
func (f *folder) arrangeFolds(ref Ref) (n counts, sizes []int, err error) {
	parts, err := f.deal(ref)
	if err != nil {
		return n, nil, err
	}
	for _, part := range parts {
		sizes = append(sizes, len(part))
	}
	n.validation = len(f.train)
	if k := ref.Fold - 1; k >= 0 {
		rest := slices.Concat(slices.Delete(slices.Clone(parts), k, k+1)...)
		slices.SortFunc(rest, byRank)
		n.validation, n.train, parts = sizes[k], len(rest), [][]picture{parts[k], rest}
	}
	f.train = slices.Concat(parts...)
	return n, sizes, nil
}

// FoldsOf says what each fold of pooled data is.
func FoldsOf(data models.Data, src models.Source) (all []models.Data, err error) {
	if _, err := LoadData(data, src); err != nil {
		return nil, err
	}
	ref := refOf(data, src)
	for ref.Fold < ref.Folds {
		ref.Fold++
		set, err := Load(ref, src.Cache)
		if err != nil {
			return nil, err
		}
		all = append(all, set.Data)
	}
	return all, nil
}
