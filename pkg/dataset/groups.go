package dataset

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"slimfit/pkg/text"
)

// group are the pictures of one sub-folder name, in all classes.
type group struct {
	name     string
	pictures []picture
	key      [sha256.Size]byte // a random rank that only content decides
}

// groupsOf gathers the groups, by rank.
func groupsOf(all []picture) []group {
	byName := map[string]*group{}
	var names []string
	for _, p := range all {
		g := byName[p.group]
		if g == nil {
			g = &group{name: p.group}
			byName[p.group], names = g, append(names, p.group)
		}
		g.pictures = append(g.pictures, p)
	}
	var groups []group
	for _, n := range names {
		g := *byName[n]
		slices.SortFunc(g.pictures, byRank)
		h := sha256.New()
		for _, p := range g.pictures {
			h.Write(p.key[:])
		}
		h.Sum(g.key[:0])
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Or(slices.Compare(a.key[:], b.key[:]), cmp.Compare(a.name, b.name)) })
	return groups
}

// checkGroups refuses a group with pictures in the folders of two parts.
func checkGroups(all []picture) error {
	seen := map[string]picture{}
	for _, p := range all {
		if first, ok := seen[p.group]; ok && first.role != p.role {
			return fmt.Errorf("group %s is in two parts: %s and %s; move all of it into one", p.group, first.path, p.path)
		} else if !ok {
			seen[p.group] = p
		}
	}
	return nil
}

// holdGroups takes whole groups, by rank, until total pictures are held back:
// first one for each class that has none yet. What it takes depends on no
// number but total, and taking as many as it took takes the same again.
func (f folder) holdGroups(all []picture, total int, what string) (held, rest []picture, err error) {
	groups := groupsOf(all)
	taken := make([]bool, len(groups))
	shows := func(pictures []picture, class int) bool {
		return slices.ContainsFunc(pictures, func(p picture) bool { return p.class == class })
	}
	take := func(i int) {
		taken[i] = true
		held = append(held, groups[i].pictures...)
	}
	for class := range f.classNames {
		if i := slices.IndexFunc(groups, func(g group) bool { return shows(g.pictures, class) }); i >= 0 && !shows(held, class) {
			take(i)
		}
	}
	for i := 0; i < len(groups) && len(held) < total; i++ {
		if !taken[i] {
			take(i)
		}
	}
	for i, g := range groups {
		if !taken[i] {
			rest = append(rest, g.pictures...)
		}
	}
	for class, name := range f.classNames {
		if !shows(rest, class) {
			return nil, nil, fmt.Errorf("%s, too few: with %d pictures held back for %s none is left that shows class %s",
				text.Count(len(groups), "group"), len(held), what, name)
		}
	}
	return held, rest, nil
}
