package worker

import (
	"reflect"
	"testing"

	"slimfit/models"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/store"
)

// trainPack trains a pack and returns the last event of each member.
func trainPack(t *testing.T, s *session, p protocol.Pack) []protocol.Event {
	t.Helper()
	s.send(protocol.Command{Train: &p})
	out := make([]protocol.Event, len(p.Members))
	for _, e := range s.until(protocol.PackDone, protocol.Error) {
		if e.Type == protocol.Error {
			t.Fatal(e.Message)
		}
		for i, m := range p.Members {
			if e.Key != nil && *e.Key == m.Key {
				out[i] = e
			}
		}
	}
	return out
}

// A hopeless member is stopped with a checkpoint, from which it ends as if
// nothing had happened; its partner does not notice.
func TestStopsHopelessMembers(t *testing.T) {
	s, p := serve(t), testPack(t, 1500)
	const weak = 1 // one unit for three classes
	p.Members[weak].Layers[2] = models.NewDense(1)
	c := models.Config{Layers: p.Members[weak].Layers, Data: p.Data, Recipe: p.Recipe}
	p.Members[weak].Key.ConfigID = c.ID()
	straight := trainPack(t, s, p)

	const confidence, at = 0.95, 1000
	var highest [2]float64
	for i, e := range straight {
		correct := -1
		for _, h := range e.History {
			if h.Step == at && h.Validation != nil {
				correct = int(*h.Validation*float64(p.Data.Validation) + 0.5)
			}
		}
		var err error
		if highest[i], err = stats.Projected(correct, p.Data.Validation, at, p.Recipe.Steps, confidence); err != nil {
			t.Fatal(err)
		}
	}
	if highest[weak] >= highest[1-weak] {
		t.Fatalf("after %d steps they can reach %v: the test needs a weak one", at, highest)
	}
	p.EarlyStop = &result.StopRule{Accuracy: (highest[0] + highest[1]) / 2, Confidence: confidence}
	stopped := trainPack(t, s, p)

	strong, other := stopped[1-weak], straight[1-weak]
	if strong.Type != protocol.Finished || strong.Result.WeightsSHA != other.Result.WeightsSHA ||
		!reflect.DeepEqual(strong.History, other.History) ||
		!reflect.DeepEqual(strong.Result.Wrong, other.Result.Wrong) {
		t.Errorf("the partner of a stopped member: %s, not as without the rule", strong.Type)
	}
	e := stopped[weak]
	if e.Type != protocol.Hopeless || e.Step != at {
		t.Fatalf("the weak member: %s at step %d, want hopeless at %d", e.Type, e.Step, at)
	}
	r, n := e.Result, len(e.History)
	if r.Status != result.StoppedEarly || r.Steps != at || r.Key() != p.Members[weak].Key || r.Accuracy.Test != nil || r.WeightsSHA != "" ||
		len(r.Wrong.Validation) != p.Data.Validation-*r.Correct.Validation || *r.Accuracy.Validation != *e.History[n-1].Validation {
		t.Errorf("result of the stopped member: %+v", r)
	}
	if !reflect.DeepEqual(e.History, straight[weak].History[:n]) {
		t.Error("the stopped member's history is not the beginning of its whole one")
	}
	if _, err := store.LoadCheckpointAt(p.Members[weak].Dir, at); err != nil {
		t.Errorf("its checkpoint: %v", err)
	}

	alone := p
	alone.Members, alone.Step = p.Members[weak:weak+1], at
	if again := trainPack(t, s, alone)[0]; again.Type != protocol.Hopeless || again.Step != at ||
		!reflect.DeepEqual(again.Result.Wrong, r.Wrong) ||
		!reflect.DeepEqual(again.History, e.History) {
		t.Errorf("taken up again under the same rule: %s at step %d", again.Type, again.Step)
	}
	alone.EarlyStop = nil
	on := trainPack(t, s, alone)[0]
	if on.Type != protocol.Finished || on.Result.WeightsSHA != straight[weak].Result.WeightsSHA ||
		!reflect.DeepEqual(on.History, straight[weak].History) {
		t.Error("trained on without the rule, it does not end as if it had not been stopped")
	}
}

// A look is compared with the last measured point before it.
func TestFallsFasterThanTheLookBefore(t *testing.T) {
	at := func(step int, accuracy float64) result.Point { return result.Point{Step: step, Validation: &accuracy} }
	for name, c := range map[string]struct {
		history []result.Point
		want    bool
	}{
		"no look before":     {[]result.Point{{Step: 100}, at(2000, 0.7)}, false},
		"slow":               {[]result.Point{at(500, 0.1), at(1000, 0.5), {Step: 1900}, at(2000, 0.7)}, false},
		"just begun":         {[]result.Point{at(500, 0.1), at(1000, 0.1), {Step: 1900}, at(2000, 0.7)}, true},
		"measured between":   {[]result.Point{at(1000, 0.5), at(1900, 0.1), at(2000, 0.7)}, false},
		"without its own":    {[]result.Point{at(1000, 0.1)}, true},
		"nothing was looked": {nil, false},
	} {
		if got := fallsFaster(c.history, 0.7, 2000); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
