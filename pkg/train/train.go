package train

import (
	"fmt"
	"math"
	"time"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/result"
)

// Training is a pack of networks on its way through the recipe. It is not safe
// for concurrent use.
type Training struct {
	set     *dataset.Set
	recipe  models.Recipe
	pack    *graph.Pack
	orders  []*dataset.Order // of all networks, or of each
	members []member
	step    int         // done
	batches [][]int32   // of the steps that a Session.Run trains at most
	losses  [][]float64 // of those steps
	// answered has what the networks answer as they are; see answers.
	answered map[result.Split]*answered
	sample   dataset.Images // of the validation images, see glance; empty before the first
}

// member is what one network carries besides its weights.
type member struct {
	history  []result.Point
	lossSum  float64 // since the last point
	lossN    int
	last     float64 // loss of the last step
	seconds  float64
	diverged string // why, once it has
	best     *best  // where the recipe selects it
}

// best is a network as it was after the step that was best on the validation
// images, the first of equal ones.
type best struct {
	step     int
	accuracy float64
	weights  models.Weights
}

// New builds the networks for the data set, at step 0. All nets have one batch
// order (one seed, or a recipe with a shared order), except as a stack. teacher holds the logits of
// the recipe's teacher for each training image, [n, classes]; nil without one.
func New(set *dataset.Set, nets []graph.Net, recipe models.Recipe, teacher []float32, device graph.Device) (*Training, error) {
	if recipe.Batch > set.Train.N() {
		return nil, fmt.Errorf("train: a batch of %d images is more than the %d training images", recipe.Batch, set.Train.N())
	}
	weights, err := ClassWeights(recipe.ClassWeights, set)
	if err != nil {
		return nil, err
	}
	pack, err := graph.NewPack(nets, recipe, graph.Images{Pixels: set.Train.Pixels, Labels: set.Train.Labels, Teacher: teacher,
		ClassWeights: weights}, device)
	if err != nil {
		return nil, err
	}
	orders := pack.Orders()
	for _, n := range nets {
		if len(orders) == 1 && recipe.OrderSeed(n.Seed) != orders[0] {
			pack.Close()
			return nil, fmt.Errorf("train: seeds %d and %d in one pack need order: shared", nets[0].Seed, n.Seed)
		}
	}
	t := &Training{set: set, recipe: recipe, pack: pack, members: make([]member, len(nets))}
	for range pack.Unroll() {
		t.batches, t.losses = append(t.batches, make([]int32, len(orders)*recipe.Batch)), append(t.losses, make([]float64, len(nets)))
	}
	for _, seed := range orders {
		t.orders = append(t.orders, dataset.NewOrder(set.Train.N(), seed))
	}
	return t, nil
}

// draw fills in the step's batch of each order.
func (t *Training) draw(step int, batch []int32) {
	for i, o := range t.orders {
		o.Batch(step, t.recipe.Batch, batch[i*t.recipe.Batch:])
	}
}

// Form names how the networks are built, see graph.Pack.
func (t *Training) Form() string { return t.pack.Form() }

// Stem names the kernels of the network's first convolution, as results do.
func (t *Training) Stem(net int) string { return t.pack.Stem(net) }

// Placement is where the operations of a step run beside a GPU.
func (t *Training) Placement() (graph.Placement, error) { return t.pack.Placement() }

// Close frees the pack's session.
func (t *Training) Close() error { return t.pack.Close() }

// Step is how many steps are done.
func (t *Training) Step() int { return t.step }

// Done says whether every step is done or every network has diverged.
func (t *Training) Done() bool {
	for i := range t.members {
		if t.members[i].diverged == "" {
			return t.step >= t.recipe.Steps
		}
	}
	return true
}

// Seen returns the indices of the first step's training images, and those images as
// the networks see them at a step: floats in [0, 1], [batch, h, w, c].
func (t *Training) Seen(step int) (batch []int32, images []float32, err error) {
	batch = make([]int32, len(t.batches[0]))
	t.draw(0, batch)
	images, err = t.pack.Seen(step, batch)
	return batch, images, err
}

// Next trains one step, or as many as the pack's graph is unrolled to. A network
// whose loss is not finite has diverged: it keeps its place in the pack, its
// numbers no longer count.
func (t *Training) Next() (err error) {
	start, n := time.Now(), t.together()
	for i := range n {
		t.draw(t.step+i, t.batches[i])
	}
	if n == 1 {
		err = t.pack.Step(t.step, t.batches[0], t.losses[0])
	} else {
		err = t.pack.Steps(t.step, t.batches, t.losses)
	}
	if err != nil {
		return err
	}
	share := time.Since(start).Seconds() / float64(n*len(t.members))
	measure, whole := false, false
	for _, losses := range t.losses[:n] {
		var point bool
		t.step++
		point, measure, whole = due(t.step, t.recipe.Steps)
		for i := range t.members {
			t.members[i].add(t.step, losses[i], share, point)
		}
	}
	if measure {
		return t.validate(whole)
	}
	return nil
}

// together is how many steps come before the next look at the networks: all that
// the graph has in a row, or 1.
func (t *Training) together() int {
	for i := 1; i < len(t.batches); i++ {
		if _, measure, _ := due(t.step+i, t.recipe.Steps); measure {
			return 1
		}
	}
	return len(t.batches)
}

func (m *member) add(step int, loss, seconds float64, point bool) {
	if m.diverged != "" {
		return
	}
	m.seconds += seconds
	m.last = loss
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		m.diverged = fmt.Sprintf("the loss was %v at step %d", loss, step)
		return
	}
	m.lossSum += loss
	m.lossN++
	if point {
		m.history = append(m.history, result.Point{Step: step, Loss: m.lossSum / float64(m.lossN)})
		m.lossSum, m.lossN = 0, 0
	}
}

// Loss is the network's loss at the last step, and its last measured
// validation accuracy, nil before the first.
func (t *Training) Loss(net int) (loss float64, validation *float64) {
	m := &t.members[net]
	for i := len(m.history) - 1; i >= 0 && validation == nil; i-- {
		validation = m.history[i].Validation
	}
	return m.last, validation
}

// Diverged says why the network has diverged; "" while it has not.
func (t *Training) Diverged(net int) string { return t.members[net].diverged }

// Seconds is the network's share of the time spent in training steps.
func (t *Training) Seconds(net int) float64 { return t.members[net].seconds }

// SetWeights replaces a network's weights and puts its optimizer at the start.
func (t *Training) SetWeights(net int, w models.Weights) error {
	t.answered = nil
	return t.pack.SetWeights(net, w)
}
