package dataset

import (
	"cmp"
	"fmt"
	"slices"

	"slimfit/pkg/text"
)

// checkClassSizes wants a picture of each class for every part.
func (f folder) checkClassSizes(validation bool) error {
	parts, want := "training and test", 2
	if validation {
		parts, want = "training, validation and test", 3
	}
	for class, n := range f.classSizes() {
		if n < want {
			return fmt.Errorf("class %s has %s: want at least %d, one each for %s", f.classNames[class], text.Count(n, "picture"), want, parts)
		}
	}
	return nil
}

// classSizes counts the pictures of f.train by class.
func (f folder) classSizes() []int {
	sizes := make([]int, len(f.classNames))
	for _, p := range f.train {
		sizes[p.class]++
	}
	return sizes
}

// holdBack takes total pictures, each class in its share and at least one,
// and leaves at least one of each class.
func (f folder) holdBack(all []picture, total int, what string) (held, rest []picture, err error) {
	if total == 0 {
		return nil, all, nil
	}
	if f.byGroup {
		return f.holdGroups(all, total, what)
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
