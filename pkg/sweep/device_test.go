package sweep

import (
	"context"
	"testing"
)

// A worker that does not see the GPU that it was given would train on the CPU,
// and nobody would know.
func TestWorkerWithoutItsGPU(t *testing.T) {
	s := small(t)
	summary, _, err := tryRun(t, context.Background(), s, func(o *Options) {
		o.Workers[1].Device = Device{Name: "GPU 1 (Tesla T4)", Visible: "1"}
	})
	wantFatal(t, err, "does not see GPU 1 (Tesla T4)", "--gpus none")
	if failed := summary.State.Failed; failed != 0 {
		t.Errorf("%d trials are blamed", failed)
	}
	if summary, _ := mustRun(t, s, nil); summary.State.Done != len(s.trials()) {
		t.Errorf("afterwards: %+v", summary)
	}
}
