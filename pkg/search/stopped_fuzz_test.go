package search

import (
	"bytes"
	"encoding/json"
	"testing"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// stoppedOfThree is an early stop that is right, on a data set of 30 images in
// three classes.
func stoppedOfThree(p *Problem) result.Stopped {
	c := p.Candidates[0]
	s := result.Stopped{ConfigID: c.ID, Model: c.Spec().FullLayers(), Train: c.Recipe, Dataset: c.Data, Rule: *p.StopRule(),
		Step: 1000, Correct: 20, Accuracy: 20.0 / 30, Wrong: [][2]int{}, Confusion: [][]int{{10, 0, 0}, {0, 10, 0}, {10, 0, 0}}, Warnings: []string{}}
	for i := range 10 {
		s.Wrong = append(s.Wrong, [2]int{i, 0})
	}
	return s
}

// Whatever the file of an early stop holds, judging it ends without a panic. If
// nothing in it is doubted, its figures agree and the rule does stop the trial.
func FuzzStopped(f *testing.F) {
	data := models.Data{Name: "three", Input: models.Shape{H: 8, W: 8, C: 1}, Classes: 3, Train: 60, Validation: 30, Test: 30}
	recipe := models.DefaultRecipe()
	recipe.Steps = 3000
	config := models.Config{Data: data, Recipe: recipe, Layers: []models.Layer{models.NewDense(2)}}
	counts, err := footprint.Of(config.Spec())
	if err != nil {
		f.Fatal(err)
	}
	p := problem([]Candidate{{ID: config.ID(), Config: config, Footprint: counts}}, 1, aim(0.97), Options{EarlyStop: true})
	honest, err := json.Marshal(stoppedOfThree(p))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(honest)
	for _, change := range []struct{ old, new string }{
		{`"step":1000`, `"step":-1000`}, {`"step":1000`, `"step":9223372036854775807`}, {`"steps":3000`, `"steps":-1`}, {`"steps":3000`, `"steps":9223372036854775807`},
		{`"correct":`, `"correct":-`}, {`"wrong":[[`, `"wrong":[[-7,99],[`}, {`"confusion":[[`, `"confusion":[[],[`}, {`"model":[`, `"model":[{},`},
		{`"validation":30`, `"validation":-5`}, {`"classes":3`, `"classes":1000000000`}, {`"confusion":[[10,0,0],[0,10,0],[10,0,0]]`, `"confusion":null`},
	} {
		if !bytes.Contains(honest, []byte(change.old)) {
			f.Fatalf("there is no %s to replace in %s", change.old, honest)
		}
		f.Add(bytes.Replace(honest, []byte(change.old), []byte(change.new), 1))
	}
	for _, text := range []string{"", "null", "{}", "[]", `{"step": 1000}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b, true)
		if err != nil {
			return
		}
		n, doubts := p.look(&r), p.doubts(p.Candidates[0], &r)
		if bytes.Equal(b, honest) && len(doubts) > 0 {
			t.Errorf("doubts in the truth: %v", doubts)
		}
		if len(doubts) > 0 {
			return
		}
		correct := *r.Correct.Validation
		highest, err := stats.Projected(correct, data.Validation, r.Steps, recipe.Steps, p.StopRule().Confidence)
		if err != nil || highest >= 0.97 || correct+len(r.Wrong.Validation) != data.Validation || !n.clear || n.reaches || n.failed {
			t.Errorf("no doubt in %s: it can reach %v, %v", b, highest, err)
		}
	})
}
