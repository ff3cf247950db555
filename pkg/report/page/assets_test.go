package page

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"
)

// The libraries are the ones that assets/SOURCES.md names, and cannot end the
// script element that they stand in.
func TestVendoredLibraries(t *testing.T) {
	sources, err := os.ReadFile("assets/SOURCES.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plot.min.js", "d3.min.js"} {
		b, err := assets.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(b)); !bytes.Contains(sources, []byte(sum)) {
			t.Errorf("%s has the SHA-256 %s, which SOURCES.md does not name", name, sum)
		}
		if bytes.Contains(bytes.ToLower(b), []byte("</script")) || bytes.Contains(b, []byte("<!--")) {
			t.Errorf("%s cannot stand in a script element", name)
		}
	}
}
