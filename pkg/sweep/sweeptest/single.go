package sweeptest

import (
	"fmt"
	"os"

	"slimfit/pkg/protocol"
	"slimfit/pkg/store"
)

// export writes a file that no TensorFlow reads, of what was asked for.
func (w *worker) export(e protocol.Export) error {
	if e.Dir != "" {
		if _, err := store.LoadWeights(e.Dir); err != nil {
			return err
		}
	}
	spec := fmt.Sprintf("%s of %d layers for %s in %d classes\n", e.Format, len(e.Layers), e.Data.Input, e.Data.Classes)
	if err := os.WriteFile(e.File, []byte(spec), 0o666); err != nil {
		return err
	}
	w.emit(protocol.Event{Type: protocol.Exported})
	return nil
}

// Median and P95 are the latency that the worker claims, in seconds.
const (
	Median = 0.25e-3
	P95    = 0.5e-3
)

func (w *worker) latency(l protocol.Latency) {
	w.emit(protocol.Event{Type: protocol.Timed, Times: &protocol.Times{Median: Median, P95: P95, Images: l.Images}})
}
