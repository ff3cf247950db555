package tflite

// transpose returns the rows x columns matrix a as columns x rows. It turns
// TensorFlow's [..., out] kernels into TensorFlow Lite's [out, ...].
func transpose(a []float32, rows, columns int) []float32 {
	t := make([]float32, len(a))
	for r := range rows {
		for c := range columns {
			t[c*rows+r] = a[r*columns+c]
		}
	}
	return t
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
