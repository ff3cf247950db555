package sweep

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// Hopeless trials of a run stop with what it takes to go on; the others, in
// packs with them, end as ever, whatever kills the workers in between. A run
// without the rule then trains all to the end, as if there had been none.
func TestEarlyStop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		faults []fakeFault
	}{
		{"nothing happens", nil},
		{"killed before the look", []fakeFault{{At: 1000, Do: "kill", Once: filepath.Join(t.TempDir(), "a")}}},
		{"killed after it", []fakeFault{{At: 1001, Do: "kill", Once: filepath.Join(t.TempDir(), "b")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := small(t)
			s.Steps = 1500
			want := undisturbed(t, s)
			s.Worker = fakeOptions{Faults: c.faults}
			rule := &result.StopRule{Accuracy: 0.97, Confidence: 0.95}
			summary, rec := mustRun(t, s, func(o *Options) { o.EarlyStop = rule })
			stopped := checkStopped(t, s, want, *rule)
			if stopped == 0 || stopped == len(s.trials()) {
				t.Fatalf("%d of %d trials stopped: the test needs both", stopped, len(s.trials()))
			}
			if summary.State.Stopped != stopped || summary.State.Done != len(s.trials())-stopped || summary.Left != 0 ||
				len(summary.Failures) != 0 ||
				summary.Trained != len(s.trials()) {
				t.Errorf("%d stopped, summary %+v", stopped, summary)
			}
			told := 0
			for _, e := range rec.events {
				if e.Kind == Trained && e.Result.Status == result.StoppedEarly {
					told++
				}
			}
			if told != stopped {
				t.Errorf("%d early stops told, %d happened", told, stopped)
			}

			before := stoppedFiles(t, s)
			// Asked for again, as by another process that waited for them, they
			// stop at once.
			again, rec := mustRun(t, s, func(o *Options) { o.EarlyStop = rule })
			if again.State.Stopped != stopped || again.Left != 0 || strings.Contains(rec.messages(Detail), "starts at step 0 ") {
				t.Errorf("asked for again: %+v\n%s", again, rec.messages(Detail))
			}
			same(t, stoppedFiles(t, s), before)
			checkStopped(t, s, want, *rule)
			on, rec := mustRun(t, s, nil)
			if on.State.Done != len(s.trials()) || on.Trained != stopped || strings.Contains(rec.messages(Detail), "starts at step 0 ") {
				t.Errorf("trained on: %+v\n%s", on, rec.messages(Detail))
			}
			same(t, files(t, s), want)
			same(t, stoppedFiles(t, s), before)
		})
	}
}

// checkStopped looks at every trial's folder and counts those that were
// stopped.
func checkStopped(t *testing.T, s setting, want map[string][]byte, rule result.StopRule) int {
	t.Helper()
	folder, err := store.Open(filepath.Join(s.Out, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	n, got := 0, files(t, s)
	for _, trial := range s.trials() {
		key := trial.Key()
		all, err := folder.ReadStopped(key)
		if err != nil || len(all) > 1 {
			t.Fatalf("%s: %d early stops, %v", key, len(all), err)
		}
		_, err = folder.ReadResult(key)
		if len(all) == 0 {
			if err != nil || !bytes.Equal(got[key.String()+"/result.json"], want[key.String()+"/result.json"]) {
				t.Errorf("%s: %v, or another result than without the rule", key, err)
			}
			continue
		}
		n++
		st := all[0]
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: stopped early, and its result: %v", key, err)
		}
		if st.Step != 1000 || st.Rule != rule || len(st.Model) != len(trial.Spec().FullLayers()) || st.Environment.Host == "" {
			t.Errorf("%s: %+v", key, st.Stopped)
		}
		if _, err := store.LoadCheckpointAt(folder.TrialDir(key), st.Step); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		history := got[key.String()+"/history.csv"]
		if len(history) == 0 || !bytes.HasPrefix(want[key.String()+"/history.csv"], history) || !bytes.Contains(history, []byte("\n1000,")) {
			t.Errorf("%s: its history is not the beginning of its whole one", key)
		}
	}
	return n
}

func stoppedFiles(t *testing.T, s setting) map[string][]byte {
	t.Helper()
	folder, err := store.Open(filepath.Join(s.Out, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, trial := range s.trials() {
		stops, err := folder.ReadStopped(trial.Key())
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range stops {
			all[st.Path] = st.Content
		}
	}
	return all
}

// Where the learning rate falls the rule says nothing.
func TestNoEarlyStopUnderCosine(t *testing.T) {
	recipe := models.DefaultRecipe()
	rule := &result.StopRule{Accuracy: 0.97, Confidence: 0.95}
	if rule.For(recipe, nil) != rule {
		t.Error("no rule for a constant rate")
	}
	recipe.Schedule = models.Cosine
	if rule.For(recipe, nil) != nil || (*result.StopRule)(nil).For(models.DefaultRecipe(), nil) != nil {
		t.Error("a rule where there is none")
	}
}
