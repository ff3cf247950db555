package worker

import (
	"testing"

	"slimfit/pkg/protocol"
)

func TestDeviceName(t *testing.T) {
	gpus := []protocol.GPU{{Index: 0, UUID: "GPU-5d5b", Name: "A100"}, {Index: 1, UUID: "GPU-aa5b", Name: "T4"}, {Index: 2, UUID: "GPU-bb"}}
	for visible, want := range map[string]string{
		"": "A100", "1": "T4", " 1,0": "T4", "GPU-aa": "T4", "GPU-aa5b,0": "T4",
		"2": "GPU:0", "7": "GPU:0", "MIG-84fd": "GPU:0",
	} {
		if got := deviceName(gpus, visible, "GPU:0"); got != want {
			t.Errorf("%q: %s, want %s", visible, got, want)
		}
	}
}
