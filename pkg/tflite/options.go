package tflite

// Options says how a file is written. The zero value writes both outputs,
// names, a signature and per-tensor dense weights.
type Options struct {
	Outputs Outputs

	// Description is put into the file after the sentence that says how the
	// input is made from a pixel, for example a configuration's ID.
	Description string

	// Strip leaves out what no runtime needs: the description, the signature
	// and the names of inner tensors. Inputs and outputs keep their names.
	Strip bool

	// DensePerChannel gives int8 dense layers one weight scale for each unit, as
	// TensorFlow's converter does since 2.17. It is a little more exact; runtimes
	// made to the older specification accept one scale only.
	DensePerChannel bool

	// Workers is the number of goroutines that Quantize calibrates with; less
	// than one means one.
	Workers int
}

// Outputs names the outputs of a file.
type Outputs int

const (
	Both          Outputs = iota // probabilities, then logits
	Probabilities                // after softmax
	Logits                       // before softmax, which is then left out
)
