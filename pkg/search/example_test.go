package search_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
)

const question = `
name: example
dataset: mnist
matrix: {filters: [2, 4, 8]}
model:
  - conv: {kernel: 5, filters: $filters}
  - maxpool: 4
  - dense: 32
seeds: 2
target: {accuracy: 0.9}
`

// A search is a function of the results that are there: Replay says what to
// train next, and when to open the test images. The results here are made up.
func ExampleProblem_Replay() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "example.yaml")
	if err := os.WriteFile(file, []byte(question), 0o666); err != nil {
		log.Fatal(err)
	}
	e, err := experiment.Load(file, nil, func(ref dataset.Ref) (models.Data, error) { return dataset.Describe(ref, dir) })
	if err != nil {
		log.Fatal(err)
	}
	problem, err := search.New(e, search.Options{Round: 1})
	if err != nil {
		log.Fatal(err)
	}
	label := map[string]string{} // of a configuration's ID
	for _, c := range e.Configs {
		label[c.ID] = e.Label(c)
	}

	right := map[string]int{"filters 2": 4400, "filters 4": 4700, "filters 8": 4850} // of 5,000 validation images
	results := map[result.Key]*result.Result{}
	finished := func(k result.Key, toEnd bool) (*result.Result, bool) { r, ok := results[k]; return r, ok }
	for {
		plan := problem.Replay(finished)
		for _, k := range plan.Open {
			fmt.Printf("open the test images for %s, seed %d\n", label[k.ConfigID], k.Seed)
		}
		if len(plan.Train) == 0 {
			break
		}
		for _, k := range plan.Train { // in earnest, they are trained now
			n := right[label[k.ConfigID]]
			accuracy := float64(n) / 5000
			r := &result.Result{ConfigID: k.ConfigID, Seed: k.Seed, Status: result.Done}
			r.Correct.Validation, r.Accuracy.Validation = &n, &accuracy
			results[k] = r
			fmt.Printf("train %s with seed %d: %.1f %%\n", label[k.ConfigID], k.Seed, 100*accuracy)
		}
	}
	// Output:
	// train filters 4 with seed 0: 94.0 %
	// train filters 2 with seed 0: 88.0 %
	// train filters 4 with seed 1: 94.0 %
	// open the test images for filters 4, seed 0
	// open the test images for filters 4, seed 1
}
