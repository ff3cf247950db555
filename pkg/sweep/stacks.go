package sweep

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/workerproc"
)

// On a GPU a step costs its number of operations rather than their sizes, and
// networks that agree in every layer train as one stack. How many are best, and
// which form of their convolutions, is the card's: it is measured at the first use
// of a shape.

// stackSizes are the numbers of members that are tried.
func stackSizes() []int { return []int{1, 4, 16, 64} }

// tooSlow is the share of the best rate below which larger stacks are not tried.
const tooSlow = 0.8

// stackKey tells apart what a stack's members agree in: layers, recipe, data and,
// where each cannot have its own, batch order.
func stackKey(t experiment.Trial) string {
	seed := t.Recipe.OrderSeed(t.Seed)
	if nodes, err := t.Spec().Nodes(); err == nil && models.Stackable(nodes, t.Recipe) {
		seed = 0
	}
	b, _ := json.Marshal(struct {
		Layers []models.Layer
		Recipe models.Recipe
		Data   models.Data
		Seed   int64
	}{t.Layers, t.Recipe, t.Data, seed}) // validated numbers: cannot fail
	return string(b)
}

// BuildStacks puts trials together that agree in all but their seeds, as many as
// size says. Longest packs come first.
func BuildStacks(trials []experiment.Trial, workers int, cost CostModel, size func(experiment.Trial) int) []Pack {
	var packs []Pack
	for _, group := range stackGroups(trials) {
		n := max(1, size(group[0]))
		for part := range slices.Chunk(group, (len(group)+(len(group)+n-1)/n-1)/((len(group)+n-1)/n)) {
			packs = append(packs, Pack{part, cost.Pack(part)})
		}
	}
	sortPacks(packs)
	return balance(packs, workers, cost)
}

// stackGroups are the trials by stackKey, in the order of their first ones.
func stackGroups(trials []experiment.Trial) [][]experiment.Trial {
	at := map[string]int{}
	var groups [][]experiment.Trial
	for _, t := range trials {
		k := stackKey(t)
		i, ok := at[k]
		if !ok {
			i, at[k] = len(groups), len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], t)
	}
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b experiment.Trial) int { return cmp.Compare(a.Seed, b.Seed) })
	}
	return groups
}

// stackFit is how a stack trains fastest.
type stackFit struct {
	Members int    `json:"members"`
	Form    string `json:"form,omitempty"` // see protocol.Pack
}

// fitKey is where the best stack is kept: seeds do not matter to it.
func fitKey(t experiment.Trial, d Device) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s", shapeOf([]experiment.Trial{t}, 0), d))
	return hex.EncodeToString(sum[:8])
}

// StackSize is the best number of members that is known for a trial's shape on
// the device, 1 where none is.
func (s *Speeds) StackSize(t experiment.Trial, d Device) int {
	fit, _ := s.stack(t, d)
	return max(1, fit.Members)
}

// stackForm is the best form of a stack's convolutions, "" where none is known.
func (s *Speeds) stackForm(t experiment.Trial, d Device) string {
	fit, _ := s.stack(t, d)
	return fit.Form
}

func (s *Speeds) stack(t experiment.Trial, d Device) (fit stackFit, known bool) {
	if s == nil || d.Visible == "" {
		return fit, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fit, known = s.table.Fits[fitKey(t, d)]
	return fit, known
}

// MeasureStacks tries stacks of each shape whose best size is not known, in each
// form that they have, a second or so each, on the first of the options' workers;
// say hears of each. A size that cannot be trained, for want of memory perhaps, ends
// the trying, not the run.
func (s *Speeds) MeasureStacks(ctx context.Context, o Options, trials []experiment.Trial, say func(string)) error {
	slot := o.Workers[0]
	for _, group := range stackGroups(trials) {
		if _, known := s.stack(group[0], slot.Device); known || len(group) < 2 {
			continue
		}
		best, err := s.bestStack(ctx, o, slot, group)
		if err != nil {
			return err
		}
		s.mu.Lock()
		if s.table.Fits == nil {
			s.table.Fits = map[string]stackFit{}
		}
		s.table.Fits[fitKey(group[0], slot.Device)], s.fresh = best, true
		s.mu.Unlock()
		text := fmt.Sprintf("%s: packs of %d train fastest on %s", nameOf(group), best.Members, slot.Device)
		if best.Form != "" && best.Members > 1 {
			text += ", with convolutions in the form " + best.Form
		}
		say(text)
	}
	return nil
}

// bestStack tries the forms and their sizes.
func (s *Speeds) bestStack(ctx context.Context, o Options, slot Slot, group []experiment.Trial) (stackFit, error) {
	nodes, err := group[0].Spec().Nodes()
	if err != nil {
		return stackFit{}, err
	}
	best, most := stackFit{Members: 1}, 0.0
	for _, form := range models.StackForms(nodes, group[0].Recipe) {
		size, rate, err := s.bestSize(ctx, o, slot, group, form)
		if err != nil {
			return best, err
		}
		if rate > most {
			best, most = stackFit{size, form}, rate
		}
	}
	return best, nil
}

// bestSize tries the sizes of stacks in a form on a worker of their own, and returns
// the best with its members' steps a second.
func (s *Speeds) bestSize(ctx context.Context, o Options, slot Slot, group []experiment.Trial,
	form string) (best int, most float64, err error) {
	w, err := workerproc.Start(ctx, o.Command(slot.settings(group[0].Recipe)))
	if err != nil {
		return 0, 0, err
	}
	defer w.Close(0)
	for _, n := range stackSizes() {
		if n > len(group) && n > 1 {
			n = len(group)
		}
		members := group[:n]
		seconds, err := measureOne(ctx, w, o, Pack{Trials: members}, form, s.cost.Step(members))
		if ctx.Err() != nil {
			return 0, 0, context.Cause(ctx)
		}
		if err != nil {
			break
		}
		rate := float64(n) / max(seconds, 1e-9)
		if rate > most {
			best, most = n, rate
		}
		if rate < tooSlow*most || n == len(group) {
			break
		}
	}
	return best, most, nil
}

// stacked says whether the workers are GPUs.
func stacked(workers []Slot) bool { return len(workers) > 0 && workers[0].Device.Visible != "" }

// Packs are those that a run gives these workers: stacks on GPUs, as large as
// was measured to be best. A nil s knows no sizes.
func (s *Speeds) Packs(trials []experiment.Trial, workers []Slot) []Pack {
	if s == nil || !stacked(workers) {
		return BuildPacks(trials, len(workers), DefaultCost())
	}
	return BuildStacks(trials, len(workers), DefaultCost(), func(t experiment.Trial) int { return s.StackSize(t, workers[0].Device) })
}

// Unmeasured is how many shapes of stacks a run would try sizes for.
func (s *Speeds) Unmeasured(trials []experiment.Trial, workers []Slot) int {
	if !stacked(workers) {
		return 0
	}
	n := 0
	for _, group := range stackGroups(trials) {
		if _, known := s.stack(group[0], workers[0].Device); !known && len(group) > 1 {
			n++
		}
	}
	return n
}
