package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"image/color"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
	"slimfit/pkg/npy"
)

// Files that would fill the memory are refused before it is taken.
func TestBombs(t *testing.T) {
	dir := t.TempDir()
	zeros := filepath.Join(dir, "zeros.idx.gz")
	writeZeros(t, zeros, 17<<10, 128, 128) // 272 MiB in a quarter of one
	large := filepath.Join(dir, "large.png")
	if err := os.WriteFile(large, claimedPNG(t, 8192, 8192), 0o666); err != nil {
		t.Fatal(err)
	}
	sparse := filepath.Join(dir, "sparse.npy")
	if err := os.WriteFile(sparse, npyFileOf(t, []uint8{1}, 1, 1, 1), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(sparse, 4*maxLoose+int64(npy.MaxHeader)+1); err != nil {
		t.Skip("no sparse files here:", err)
	}
	plain := filepath.Join(dir, "plain.idx")
	if err := os.WriteFile(plain, idxBytes(nil, 1<<15, 128, 128), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(plain, 16+512<<20); err != nil {
		t.Fatal(err)
	}
	in := models.Shape{H: 128, W: 128, C: 1}
	loose := func(path string) func() error {
		return func() error { _, err := ReadImages(path, in, false, ""); return err }
	}
	for _, c := range []struct {
		name, err string
		most      uint64 // MiB allocated
		read      func() error
	}{
		{"gzip", "100 times the compressed file", 4, loose(zeros)},
		{"gzip of a set", "unpack it with gunzip", 4, func() error { _, err := readIDX(zeros, 3); return err }},
		{"picture", "8192x8192 pixels (height x width): the network takes 128x128", 4, loose(large)},
		{"npy", "split the file", 4, loose(sparse)},
		{"plain idx", "2^28 that are taken at once; split the file", 4, loose(plain)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := c.read()
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
		if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > c.most {
			t.Errorf("%s: %d MiB allocated, want at most %d", c.name, got, c.most)
		}
	}
}

// What compresses well and is small is no attack.
func TestGzipOfZeros(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zeros.idx.gz")
	writeZeros(t, path, 100, 128, 128)
	if a, err := readIDX(path, 3); err != nil || len(a.data) != 100*128*128 {
		t.Errorf("%d values, %v", len(a.data), err)
	}
}

// The first picture of a folder sets the size, the others are held to it
// before they are decoded.
func TestLargePictureInFolder(t *testing.T) {
	dir := datatest.Write(t, t.TempDir(), map[string][]byte{
		"a/1.png": pngBytes(t, 2, 3, color.NRGBA{1, 1, 1, 255}, 1),
		"b/2.png": claimedPNG(t, 8192, 8192),
	})
	_, err := collect(Ref{}, []picture{{path: filepath.Join(dir, "a/1.png")}, {path: filepath.Join(dir, "b/2.png")}}, nil)
	if err == nil || !strings.Contains(err.Error(), "is 8192x8192 pixels") {
		t.Errorf("%v, want the size that the header has", err)
	}
}

// writeZeros writes a compressed idx file of zeros.
func writeZeros(t *testing.T, path string, n, h, w int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	z.Write(idxBytes(nil, n, h, w))
	block := make([]byte, 1<<20)
	for left := n * h * w; left > 0; left -= len(block) {
		if _, err := z.Write(block[:min(left, len(block))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// claimedPNG has the header of a picture of that size and nothing after it.
func claimedPNG(t *testing.T, h, w uint32) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = append(binary.BigEndian.AppendUint32(head, h), 16, 6, 0, 0, 0) // 16 bits, RGBA
	binary.Write(&b, binary.BigEndian, uint32(len(head)-4))
	b.Write(head)
	binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(head))
	return b.Bytes()
}
