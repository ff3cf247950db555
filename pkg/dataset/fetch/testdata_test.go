package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/dataset"
)

func TestSourcesAreNamed(t *testing.T) {
	for _, info := range dataset.Registry() {
		names := Sources(info, "/cache")
		if len(names) < 2 || names[0] != "folder /cache/"+info.Name || slices.Contains(names, "") {
			t.Errorf("%s: sources %q", info.Name, names)
		}
	}
}

func TestUnknownName(t *testing.T) {
	err := Known(context.Background(), "mnsit", t.TempDir(), "", io.Discard)
	if err == nil || !strings.Contains(err.Error(), `unknown data set "mnsit": known are mnist, fashion-mnist, cifar10`) {
		t.Error(err)
	}
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// writeFiles writes files below dir, by relative path.
func writeFiles(t testing.TB, dir string, files map[string][]byte) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// counting returns n bytes 0, 1, 2, ... modulo m.
func counting(n, m int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % m)
	}
	return b
}

// flip inverts byte i.
func flip(b []byte, i int) []byte {
	b = slices.Clone(b)
	b[i] ^= 0xff
	return b
}
