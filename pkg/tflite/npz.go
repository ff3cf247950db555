package tflite

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"

	"slimfit/models"
	"slimfit/pkg/npy"
)

// WriteNPZ writes weights as a NumPy archive of float32 arrays named
// NODE/kernel and NODE/bias, in the order and layout of TensorFlow, batch
// normalisation folded into them. The same weights give the same bytes.
func WriteNPZ(out io.Writer, spec models.Spec, w models.Weights) error {
	spec, w, err := w.Fold(spec)
	if err != nil {
		return err
	}
	arrays, err := w.Arrays(spec)
	if err != nil {
		return err
	}
	z := zip.NewWriter(out)
	for _, a := range arrays {
		if err := npy.Add(z, a.Name(), a.Values, a.Shape...); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write npz: %w", err)
	}
	return nil
}

// npzBytes is the size of what WriteNPZ makes of a folded network.
func npzBytes(nodes []models.Node) int {
	const local, descriptor, central, end = 30, 16, 46, 22 // of a zip archive, less names
	size := end
	for _, n := range nodes {
		for _, p := range models.Parts() {
			if shape := n.Shape(p); shape != nil {
				name := models.Array{Node: n.Name, Part: p}.Name() + ".npy"
				size += local + descriptor + central + 2*len(name) + npy.Float32Bytes(shape...)
			}
		}
	}
	return size
}

// ReadNPZ reads what WriteNPZ or numpy.savez wrote for a network, and checks
// that every array is there with its shape. They are the weights of spec as it
// is deployed, with Spec.Folded set.
func ReadNPZ(file []byte, spec models.Spec) (models.Weights, error) {
	spec.Folded = true
	nodes, err := spec.Nodes()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("read npz: %w", err)
	}
	var w models.Weights
	for _, n := range nodes {
		for _, p := range models.Parts() {
			shape := n.Shape(p)
			if shape == nil {
				continue
			}
			v, err := readArray(z, n.Name+"/"+string(p), shape, n.Size(p))
			if err != nil {
				return nil, fmt.Errorf("read npz: %w", err)
			}
			w.Set(n.Name, p, v)
		}
	}
	if _, err := w.Arrays(spec); err != nil {
		return nil, fmt.Errorf("read npz: %w", err)
	}
	return w, nil
}

func readArray(z *zip.Reader, name string, shape []int, size int) ([]float32, error) {
	v, got, err := npy.Extract[float32](z, name, 4*int64(size))
	if err != nil {
		return nil, err
	}
	if !slices.Equal(got, shape) {
		return nil, fmt.Errorf("%s: its shape is %v, the network needs shape %v", name, got, shape)
	}
	return v, nil
}
