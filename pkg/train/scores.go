package train

import (
	"fmt"
	"slices"

	"slimfit/pkg/dataset"
	"slimfit/pkg/result"
	"slimfit/pkg/shift"
)

// scoreAtOnce images are shifted and judged at a time: whole batches of package
// graph, and no second data set in memory.
const scoreAtOnce = 1000

// answered is what each network answers to the images of a split, after so many
// steps.
type answered struct {
	step    int
	classes [][]int32      // [networks][n]
	sure    []result.Tally // of each network
	wrong   [][]result.Mistake
}

// files are the names of the split's images, nil where they have none.
func (t *Training) files(split result.Split) []string {
	if split == result.Test {
		return t.set.TestFiles
	}
	return t.set.ValidationFiles
}

// images are those of a split.
func (t *Training) images(split result.Split) dataset.Images {
	if split == result.Test {
		return t.set.Test
	}
	return t.set.Validation
}

// answers of every network to the images of a split. They are computed once:
// accuracies and scores count the same answers.
func (t *Training) answers(split result.Split) (*answered, error) {
	if a := t.answered[split]; a != nil && a.step == t.step {
		return a, nil
	}
	a := &answered{t.step, make([][]int32, len(t.members)), make([]result.Tally, len(t.members)), make([][]result.Mistake, len(t.members))}
	files := t.files(split)
	bins := make([]map[int][2]int, len(t.members))
	for net := range bins {
		bins[net] = map[int][2]int{}
	}
	err := t.answer(t.images(split), "", func(net, answer, label int, logits []float32) {
		a.classes[net] = append(a.classes[net], int32(answer))
		bin := result.Bin(logits, answer)
		n := bins[net][bin]
		if answer == label {
			n[0]++
		} else {
			n[1]++
			m := result.NewMistake(len(a.classes[net])-1, label, answer, logits)
			if m.Image < len(files) {
				m.File = files[m.Image]
			}
			a.wrong[net] = append(a.wrong[net], m)
		}
		bins[net][bin] = n
	})
	if err != nil {
		return nil, err
	}
	for net := range bins {
		a.sure[net] = result.Tally{}
		for bin, n := range bins[net] {
			a.sure[net] = append(a.sure[net], [3]int{bin, n[0], n[1]})
		}
		slices.SortFunc(a.sure[net], func(a, b [3]int) int { return a[0] - b[0] })
		a.wrong[net] = result.Surest(a.wrong[net])
	}
	if t.answered == nil {
		t.answered = map[result.Split]*answered{}
	}
	t.answered[split] = a
	return a, nil
}

// answer hands every network's answer to each image, in order, to take; images are
// shifted unless name is "".
func (t *Training) answer(images dataset.Images, name string, take func(net, answer, label int, logits []float32)) error {
	in, classes := t.set.Data.Input, t.set.Data.Classes
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
		for net := range logits {
			for i, label := range labels {
				l := logits[net][i*classes : (i+1)*classes]
				take(net, max(0, slices.Index(l, slices.Max(l))), int(label), l) // not numbers are class 0, as TensorFlow has it
			}
		}
	}
	return nil
}

// Scores says how sure every network is of its answers to the validation images
// and, if test is set, the test images, and what it finds in them under shifts, by
// their names. Those of diverged networks stay empty.
func (t *Training) Scores(test bool, shifts []string) ([]result.Scores, error) {
	out := make([]result.Scores, len(t.members))
	for i := range out {
		out[i] = result.NewScores(result.Result{})
	}
	for _, split := range result.Splits() {
		if split == result.Test && !test || t.images(split).N() == 0 {
			continue
		}
		a, err := t.answers(split)
		if err != nil {
			return nil, fmt.Errorf("judge scores on the %s images: %w", split, err)
		}
		for net := range out {
			if t.members[net].diverged == "" {
				out[net].Sure[split], out[net].Mistakes[split] = a.sure[net], a.wrong[net]
			}
		}
		for _, name := range shifts {
			if err := t.shifted(out, split, name); err != nil {
				return nil, fmt.Errorf("judge %s on the %s images: %w", name, split, err)
			}
		}
	}
	return out, nil
}

// shifted judges every network on the shifted images of a split.
func (t *Training) shifted(out []result.Scores, split result.Split, name string) error {
	found := make([][]int, len(out))
	for net := range found {
		found[net] = make([]int, t.set.Data.Classes)
	}
	var repeats []bool // test images
	if split == result.Test {
		repeats = t.set.Repeats()
	}
	distinct, at := make([]int, len(out)), make([]int, len(out))
	err := t.answer(t.images(split), name, func(net, answer, label int, _ []float32) {
		if answer == label {
			found[net][label]++
			if repeats != nil && !repeats[at[net]] {
				distinct[net]++
			}
		}
		at[net]++
	})
	if err != nil {
		return err
	}
	for net := range out {
		if t.members[net].diverged == "" {
			out[net].SetFound(name, split, found[net])
			if slices.Contains(repeats, true) {
				out[net].SetDistinct(name, distinct[net])
			}
		}
	}
	return nil
}
