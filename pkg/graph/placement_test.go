package graph

import (
	"strings"
	"testing"

	"slimfit/models"
)

// What random draws start from is made on the CPU, from where a GPU reads it:
// alone, in stacks, and unrolled.
func TestKeysOnTheCPU(t *testing.T) {
	r := testRecipe()
	r.Augment = &models.Augment{Shift: 0.1, Noise: 0.1, Probability: 1}
	nets := []Net{cellNet(5, 4, 2, 64, 1), cellNet(5, 4, 2, 64, 2)}
	for _, f := range []form{{}, {stacked: true, convs: models.Separate}, {stacked: true, convs: models.Separate, unroll: 2}} {
		p, err := unopened(nets, r, testImages, f)
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := definition(p.graph)
		if err != nil {
			t.Fatal(err)
		}
		draws := 0
		for _, n := range nodes {
			if !strings.HasPrefix(n.Op, "StatelessRandom") {
				continue
			}
			draws++
			key := nodes[producer(n.Input[1])]
			for _, from := range append([]string{key.Name}, key.Input...) {
				if n := nodes[producer(from)]; n.Device != onCPU && n.Op != "Placeholder" { // what is fed comes from there
					t.Errorf("%+v: %s, a %s, is on %q", f, n.Name, n.Op, n.Device)
				}
			}
		}
		if draws < 4 {
			t.Errorf("%+v: %d draws", f, draws)
		}
	}
}
