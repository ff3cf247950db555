package graph

import (
	"fmt"

	"slimfit/models"
)

// State is everything that one network of a pack carries from step to step, in
// the layout it has alone: the same whatever pack it trains in.
type State struct {
	Weights models.Weights
	// Slots are the optimizer's: adam m and v, momentum's accumulator, adadelta's
	// averages; last, with ema, the averaged weights.
	Slots []models.Weights
}

// State reads the network's weights and optimizer slots.
func (p *Pack) State(net int) (st State, err error) {
	defer recovered("read the weights", &err)
	st.Slots = make([]models.Weights, slots(p.recipe))
	for _, c := range p.cells {
		if !c.holds(p.nets.params, net) {
			continue
		}
		for i, r := range append([]resource{c.value}, c.slots...) {
			values, err := r.get(p.session)
			if err != nil {
				return st, fmt.Errorf("read the weights of %s: %w", c.name, err)
			}
			into := &st.Weights
			if i > 0 {
				into = &st.Slots[i-1]
			}
			c.each(p.nets.params, net, func(pm param, o owner, from, to int) error {
				into.Set(o.node, pm.part, pm.take(values[from:to], o))
				return nil
			})
		}
	}
	return st, nil
}

// Weights reads the network as it is judged: its averaged weights where the
// recipe has ema.
func (p *Pack) Weights(net int) (models.Weights, error) {
	st, err := p.State(net)
	if err != nil || p.recipe.EMA == 0 {
		return st.Weights, err
	}
	for _, n := range st.Slots[len(st.Slots)-1] {
		for _, part := range models.Parts() {
			if values, ok := st.Slots[len(st.Slots)-1].Get(n.Node, part); ok {
				st.Weights.Set(n.Node, part, values)
			}
		}
	}
	return st.Weights, nil
}

// SetState puts a state back, bit for bit. It fails where the state is of
// another network or optimizer.
func (p *Pack) SetState(net int, st State) (err error) {
	defer recovered("restore the weights", &err)
	if len(st.Slots) != slots(p.recipe) {
		return fmt.Errorf("restore the weights: %d optimizer slots, %s has %d", len(st.Slots), p.recipe.Optimizer, slots(p.recipe))
	}
	return p.change(net, func(slot int, pm param, o owner) ([]float32, error) {
		from := st.Weights
		if slot > 0 {
			from = st.Slots[slot-1]
		}
		values, ok := from.Get(o.node, pm.part)
		if !ok {
			return nil, fmt.Errorf("no values for %s", o.node)
		}
		return values, nil
	})
}

// reset puts the network at its start: initial weights, slots at zero.
func (p *Pack) reset(net int) error {
	return p.change(net, func(slot int, pm param, o owner) ([]float32, error) {
		size := pm.sizeOf(o)
		if p.optimizers(slot) {
			return make([]float32, size), nil
		}
		return initial(pm, o, size, p.nets.seeds[net], p.recipe.Init), nil
	})
}

// optimizers says whether a slot starts at zero: it is neither the weight nor its
// average.
func (p *Pack) optimizers(slot int) bool {
	return slot > 0 && !(p.recipe.EMA > 0 && slot == slots(p.recipe))
}

// change replaces the network's share of every variable by what value returns;
// slot 0 is the weight itself. Other networks' shares stay as they are.
func (p *Pack) change(net int, value func(slot int, pm param, o owner) ([]float32, error)) error {
	for _, c := range p.cells {
		if !c.holds(p.nets.params, net) {
			continue
		}
		for slot, r := range append([]resource{c.value}, c.slots...) {
			values, err := r.get(p.session)
			if err != nil { // not yet assigned
				values = make([]float32, c.size)
			}
			err = c.each(p.nets.params, net, func(pm param, o owner, from, to int) error {
				share, err := value(slot, pm, o)
				if err != nil {
					return err
				}
				return pm.put(values[from:to], o, share)
			})
			if err != nil {
				return fmt.Errorf("set %s: %w", c.name, err)
			}
			t, err := floatTensor(values, c.shape...)
			if err != nil {
				return fmt.Errorf("set %s: %w", c.name, err)
			}
			if err := r.set(p.session, t); err != nil {
				return fmt.Errorf("set %s: %w", c.name, err)
			}
		}
	}
	return nil
}

// holds says whether a param of the cell is owned by the network.
func (c cell) holds(params []param, net int) bool {
	found := false
	c.each(params, net, func(param, owner, int, int) error { found = true; return nil })
	return found
}

// each calls f for every share of the network in the cell; [from, to) is the
// param's place in the cell.
func (c cell) each(params []param, net int, f func(pm param, o owner, from, to int) error) error {
	at := 0
	for _, i := range c.params {
		pm := params[i]
		for _, o := range pm.owners {
			if o.net != net {
				continue
			}
			if err := f(pm, o, at, at+pm.size()); err != nil {
				return err
			}
		}
		at += pm.size()
	}
	return nil
}

// SetWeights replaces the network's weights; its optimizer starts afresh.
func (p *Pack) SetWeights(net int, w models.Weights) (err error) {
	defer recovered("set the weights", &err)
	return p.change(net, func(slot int, pm param, o owner) ([]float32, error) {
		if p.optimizers(slot) {
			return make([]float32, pm.sizeOf(o)), nil
		}
		values, ok := w.Get(o.node, pm.part)
		if !ok {
			return nil, fmt.Errorf("no values for %s", o.node)
		}
		return values, nil
	})
}
