package tflite

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"slimfit/models"
)

// WriteNPZ writes weights as a NumPy archive of float32 arrays named
// NODE/kernel and NODE/bias, in the order and layout of TensorFlow. The same
// weights give the same bytes.
func WriteNPZ(out io.Writer, spec models.Spec, w Weights) error {
	nodes, err := spec.Nodes()
	if err != nil {
		return err
	}
	z := zip.NewWriter(out)
	for _, n := range nodes {
		if kernelShape(n) == nil {
			continue
		}
		v, err := w.check(n)
		if err != nil {
			return err
		}
		if err := writeNPY(z, n.Name+"/kernel", kernelShape(n), v.Kernel); err != nil {
			return err
		}
		if v.Bias == nil {
			continue
		}
		if err := writeNPY(z, n.Name+"/bias", []int{len(v.Bias)}, v.Bias); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write npz: %w", err)
	}
	return nil
}

// writeNPY adds an array in NumPy's format 1.0.
func writeNPY(z *zip.Writer, name string, shape []int, v []float32) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
	if err != nil {
		return fmt.Errorf("write npz: %s: %w", name, err)
	}
	dims := ""
	for _, d := range shape {
		dims += fmt.Sprintf("%d, ", d)
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", strings.TrimSuffix(dims, " "))
	const before = 10 // magic, version and length; data starts at a multiple of 64
	header += strings.Repeat(" ", 63-(before+len(header))%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	b = append(append(b, header...), float32Bytes(v)...)
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write npz: %s: %w", name, err)
	}
	return nil
}

// ReadNPZ reads what WriteNPZ or numpy.savez wrote for a network, and checks
// that every array is there with its shape.
func ReadNPZ(file []byte, spec models.Spec) (Weights, error) {
	nodes, err := spec.Nodes()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("read npz: %w", err)
	}
	w := Weights{}
	for _, n := range nodes {
		shape := kernelShape(n)
		if shape == nil {
			continue
		}
		var v NodeWeights
		if v.Kernel, err = readNPY(z, n.Name+"/kernel", shape); err != nil {
			return nil, err
		}
		if n.Bias {
			if v.Bias, err = readNPY(z, n.Name+"/bias", []int{n.Out.C}); err != nil {
				return nil, err
			}
		}
		w[n.Name] = v
		if _, err := w.check(n); err != nil {
			return nil, fmt.Errorf("read npz: %w", err)
		}
	}
	return w, nil
}

func readNPY(z *zip.Reader, name string, shape []int) ([]float32, error) {
	f, err := z.Open(name + ".npy")
	if err != nil {
		return nil, fmt.Errorf("read npz: %w", err)
	}
	defer f.Close()
	// A header is shorter than this, and no more than the array is wanted.
	b, err := io.ReadAll(io.LimitReader(f, 1<<16+4*int64(product(shape))+1))
	if err != nil {
		return nil, fmt.Errorf("read npz: %s: %w", name, err)
	}
	if len(b) < 10 || string(b[:8]) != "\x93NUMPY\x01\x00" || len(b) < 10+int(binary.LittleEndian.Uint16(b[8:])) {
		return nil, fmt.Errorf("read npz: %s: not a NumPy array of format 1.0", name)
	}
	n := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	header, data := string(b[10:n]), b[n:]
	dims := regexp.MustCompile(`'shape': \(([0-9, ]*)\)`).FindStringSubmatch(header)
	if dims == nil || !strings.Contains(header, "'<f4'") || !strings.Contains(header, "'fortran_order': False") {
		return nil, fmt.Errorf("read npz: %s: want a little-endian float32 array in C order, it says %s", name, strings.TrimSpace(header))
	}
	var got []int
	for _, s := range strings.FieldsFunc(dims[1], func(r rune) bool { return r == ',' || r == ' ' }) {
		d, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("read npz: %s: shape %s", name, dims[1])
		}
		got = append(got, d)
	}
	if fmt.Sprint(got) != fmt.Sprint(shape) || len(data) != 4*product(shape) {
		return nil, fmt.Errorf("read npz: %s: %d bytes of shape %v, the network needs shape %v", name, len(data), got, shape)
	}
	v := make([]float32, len(data)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return v, nil
}
