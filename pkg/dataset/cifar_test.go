package dataset

import (
	"bytes"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

func TestLoadCIFARFolder(t *testing.T) {
	files := map[string][]byte{
		"data_batch_2.bin":  cifarBytes(10, 5),
		"data_batch_10.bin": cifarBytes(5, 5),
		"test_batch.bin":    cifarBytes(5, 5),
		"batches.meta.txt":  []byte("airplane\n"),
		"readme.html":       []byte("<html>"),
	}
	set, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), files), Validation: 5}, "")
	if err != nil {
		t.Fatal(err)
	}
	d := set.Data
	if d.Input != (models.Shape{H: 32, W: 32, C: 3}) || d.Classes != 5 || d.Train != 10 || d.Validation != 5 || d.Test != 5 {
		t.Errorf("data %+v", d)
	}
	// Image 6 of the training files is the second one after validation. Its
	// pixel in row 2, column 1 has its values in three planes.
	at := 1*cifarImage + (2*32+1)*3
	p := 2*32 + 1
	want := []byte{byte(p%31 + 6), byte(100 + p%31 + 6), byte(200 + p%31 + 6)}
	if got := set.Train.Pixels[at : at+3]; !bytes.Equal(got, want) {
		t.Errorf("pixel %v, want %v", got, want)
	}
	if got, want := set.Train.Labels, []byte{0, 1, 2, 3, 4, 0, 1, 2, 3, 4}; !bytes.Equal(got, want) {
		t.Errorf("labels %v, want %v", got, want)
	}

	inner := map[string][]byte{}
	for name, b := range files {
		inner["cifar-10-batches-bin/"+name] = b
	}
	unpacked, err := Describe(Ref{Name: d.Name, Path: datatest.Write(t, t.TempDir(), inner), Validation: 5}, "")
	if err != nil || unpacked != d {
		t.Errorf("in the archive's folder: %+v, %v; want %+v", unpacked, err, d)
	}
}

func TestCIFARErrors(t *testing.T) {
	good := cifarBytes(10, 5)
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"no test", map[string][]byte{"data_batch_1.bin": good}, "has data_batch files, but no test_batch.bin"},
		{"no training", map[string][]byte{"test_batch.bin": good}, "has test_batch.bin, but no data_batch_1.bin"},
		{"truncated", map[string][]byte{"data_batch_1.bin": good[:len(good)-1], "test_batch.bin": good}, "data_batch_1.bin: 30729 bytes is not a whole number of CIFAR-10 records"},
		{"empty", map[string][]byte{"data_batch_1.bin": {}, "test_batch.bin": good}, "data_batch_1.bin: 0 bytes is not a whole number"},
		{"trailing", map[string][]byte{"data_batch_1.bin": good, "test_batch.bin": append(bytes.Clone(good), 1)}, "test_batch.bin: 30731 bytes is not a whole number"},
		{"label out of range", map[string][]byte{"data_batch_1.bin": good, "test_batch.bin": cifarBytes(7, 7)}, "test image 5 has the label 5, but the training labels are 0 to 4"},
		{"class missing", map[string][]byte{"data_batch_1.bin": good, "test_batch.bin": cifarBytes(4, 4)}, "no test image (of 4) shows class 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), c.files), Validation: 5}, "")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want it to contain %q", err, c.want)
			}
		})
	}
}

func FuzzCIFAR(f *testing.F) {
	f.Add(cifarBytes(2, 2))
	f.Add(cifarBytes(1, 1)[:3000])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := len(b) / cifarRecord
		m := Images{Pixels: make([]uint8, 0, n*cifarImage), Labels: make([]uint8, 0, n)}
		err := parseCIFAR(bytes.NewReader(b), &m)
		if (err == nil) != (len(b)%cifarRecord == 0) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if m.N() != n || len(m.Pixels) != n*cifarImage {
			t.Fatalf("%d bytes: %d labels, %d pixels", len(b), m.N(), len(m.Pixels))
		}
	})
}
