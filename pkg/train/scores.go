package train

import (
	"cmp"
	"fmt"
	"slices"

	"slimfit/pkg/result"
	"slimfit/pkg/shift"
)

// scoreAtOnce images are shifted and judged at a time: whole batches of package
// graph, and no second data set in memory.
const scoreAtOnce = 1000

// Scores says how sure every network is of its answers to the validation images
// and, if test is set, the test images, and what it finds in them under shifts, by
// their names. Those of diverged networks stay empty.
func (t *Training) Scores(test bool, shifts []string) ([]result.Scores, error) {
	out := make([]result.Scores, len(t.members))
	for i := range out {
		out[i] = result.NewScores(result.Result{})
	}
	for _, split := range result.Splits() {
		for _, name := range append([]string{""}, shifts...) {
			if split == result.Test && !test {
				continue
			}
			if err := t.score(out, split, name); err != nil {
				return nil, fmt.Errorf("judge %s on the %s images: %w", cmp.Or(name, "scores"), split, err)
			}
		}
	}
	return out, nil
}

// score judges every network on the images of a split, shifted unless name is "".
func (t *Training) score(out []result.Scores, split result.Split, name string) error {
	images, in, classes := t.set.Validation, t.set.Data.Input, t.set.Data.Classes
	if split == result.Test {
		images = t.set.Test
	}
	if images.N() == 0 {
		return nil
	}
	bins, found := make([]map[int][2]int, len(out)), make([][]int, len(out))
	for i := range out {
		bins[i], found[i] = map[int][2]int{}, make([]int, classes)
	}
	for at := 0; at < images.N(); at += scoreAtOnce {
		labels := images.Labels[at:min(at+scoreAtOnce, images.N())]
		pixels := images.Pixels[at*in.Elements() : (at+len(labels))*in.Elements()]
		if name != "" {
			s, err := shift.Parse(name)
			if err != nil {
				return err
			}
			shifted := make([]uint8, len(pixels))
			if err := s.Apply(shifted, pixels, in, at); err != nil {
				return err
			}
			pixels = shifted
		}
		logits, err := t.pack.AllLogits(pixels)
		if err != nil {
			return err
		}
		for net := range out {
			for i, label := range labels {
				l := logits[net][i*classes : (i+1)*classes]
				answer := max(0, slices.Index(l, slices.Max(l))) // not numbers are class 0, as TensorFlow has it
				bin, right := result.Bin(l, answer), answer == int(label)
				b := bins[net][bin]
				if right {
					found[net][label]++
					b[0]++
				} else {
					b[1]++
				}
				bins[net][bin] = b
			}
		}
	}
	for net := range out {
		switch {
		case t.members[net].diverged != "":
		case name != "":
			out[net].SetFound(name, split, found[net])
		default:
			tally := result.Tally{}
			for bin, n := range bins[net] {
				tally = append(tally, [3]int{bin, n[0], n[1]})
			}
			slices.SortFunc(tally, func(a, b [3]int) int { return a[0] - b[0] })
			out[net].Sure[split] = tally
		}
	}
	return nil
}
