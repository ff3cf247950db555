package tflite

import "fmt"

// Scores runs an int8 model on images, as Run does, and returns the logits as
// the integers that the model computes, Classes values an image. It returns an
// error for a float32 model and for one that gives probabilities only.
func (m *Model) Scores(pixels []uint8, workers int) ([]int8, error) {
	o, err := m.Run(pixels, workers)
	if err != nil {
		return nil, err
	}
	if !m.Quantized() || o.Logits == nil {
		return nil, fmt.Errorf("the model has no int8 logits")
	}
	var q *Quant
	for _, t := range m.Outputs {
		if !m.fromSoftmax(t) {
			q = m.Tensors[t].Quant
		}
	}
	scores := make([]int8, len(o.Logits))
	for i, v := range o.Logits { // exact: a float32 holds scale x integer up to half a step
		scores[i] = quantize(v, q)
	}
	return scores, nil
}
