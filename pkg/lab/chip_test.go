package lab

import (
	"testing"

	"slimfit/models"
	"slimfit/pkg/device"
)

// TestUntrainedHasC takes a network whose untrained weights have a scale that no
// 32-bit multiplier rounds as LiteRT does.
func TestUntrainedHasC(t *testing.T) {
	m, err := untrained(models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10,
		Layers: []models.Layer{models.NewConv(3, 2), models.NewMaxPool(4), models.NewDense(28)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (device.Device{}).Code(m); err != nil {
		t.Error(err)
	}
}
