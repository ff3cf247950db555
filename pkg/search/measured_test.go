package search

import (
	"errors"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/footprint"
)

// A cost that was not measured is no cost to search by; one that was orders the
// candidates, and verify makes the files anew.
func TestMeasuredCost(t *testing.T) {
	all := small()
	goal := aim(0.93)
	goal.Cost = footprint.TFLiteInt8Bytes
	p := &Problem{Data: all[0].Data, Target: goal, Seeds: []int64{0, 1, 2}}
	if err := p.setCandidates(all); err == nil || !strings.Contains(err.Error(), "its tflite_int8_bytes was not measured") {
		t.Errorf("without a measurement: %v", err)
	}
	for i := range all {
		all[i].Footprint.Measured = &footprint.Measured{TFLiteInt8: 10_000 - i}
	}
	p = &Problem{Data: all[0].Data, Target: goal, Seeds: []int64{0, 1, 2}}
	if err := p.setCandidates(all); err != nil {
		t.Fatal(err)
	}
	if first := p.Candidates[0]; first.ID != all[len(all)-1].ID || first.Cost != 10_000-len(all)+1 {
		t.Errorf("the cheapest is %s at %d", first.ID, first.Cost)
	}
	if j := newJudged(p.Candidates[0]); j.Measured == nil || j.Measured.TFLiteInt8 != p.Candidates[0].Cost {
		t.Errorf("the certificate says %+v", j.Measured)
	}

	size := func(bytes int) Evidence {
		return Evidence{Measure: func(models.Spec, footprint.Measured) (footprint.Measured, error) {
			return footprint.Measured{TFLiteInt8: bytes}, nil
		}}
	}
	if faults := size(10_000).measure(p); len(faults) != len(all)-1 || !strings.Contains(faults[0].What,
		"its tflite_int8_bytes is 10000, the certificate says") {
		t.Errorf("%d faults of %d candidates: %v", len(faults), len(all), faults)
	}
	if faults := (Evidence{}).measure(p); len(faults) != 0 {
		t.Errorf("nobody measures: %v", faults)
	}
	broken := Evidence{Measure: func(models.Spec, footprint.Measured) (footprint.Measured, error) {
		return footprint.Measured{}, errors.New("no form")
	}}
	if faults := broken.measure(p); len(faults) != len(all) || faults[0].What != "no form" {
		t.Errorf("%v", faults)
	}
}
