// Package datatest makes files for tests of what reads and fetches images.
package datatest

import (
	"bytes"
	"compress/gzip"
	"os"
	"testing"
	"testing/fstest"
)

// Gzipped is b as a gzip file.
func Gzipped(t testing.TB, b []byte) []byte {
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

// Write writes files below dir, by relative path, and returns dir.
func Write(t testing.TB, dir string, files map[string][]byte) string {
	t.Helper()
	all := fstest.MapFS{}
	for name, content := range files {
		all[name] = &fstest.MapFile{Data: content, Mode: 0o644}
	}
	if err := os.CopyFS(dir, all); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Counting is n bytes 0, 1, 2, ... modulo m.
func Counting(n, m int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % m)
	}
	return b
}
