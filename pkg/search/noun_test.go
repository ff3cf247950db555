package search

import (
	"os"
	"strings"
	"testing"
)

// A certificate of series that an older version wrote speaks of images; it says
// the same in today's words, and nothing else of it changes.
func TestNounOfCertificate(t *testing.T) {
	b, err := os.ReadFile("../../experiments/series/results/mnist1d/certificate.json")
	if err != nil {
		t.Fatal(err)
	}
	old, err := ReadCertificate(b)
	if err != nil {
		t.Fatal(err)
	}
	now, err := spoken(old)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	err = WriteText(&text, now)
	if words := text.String(); err != nil || strings.Contains(words, "image") || !strings.Contains(words, "test series") {
		t.Errorf("%v\n%s", err, words)
	}
	if faults := differences(old, now); len(faults) > 0 {
		t.Error(faults)
	}
	now.Promises[0] = strings.Replace(now.Promises[0], "94 %", "95 %", 1)
	if len(differences(old, now)) != 1 {
		t.Error("another promise is no difference")
	}
}
