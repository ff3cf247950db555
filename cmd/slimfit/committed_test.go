package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Certificates that are in the repository verify from the result files beside
// them; trials that were stopped early are among them.
func TestCommittedCertificates(t *testing.T) {
	all, err := filepath.Glob("../../experiments/*/results/*/*.json")
	if err != nil || len(all) == 0 {
		t.Fatalf("no certificate found: %v", err)
	}
	for _, file := range all {
		if code, out, errs := slimfit("verify", file); code != 0 || !strings.Contains(out, " holds: ") {
			t.Errorf("%s: exit %d\n%s%s", file, code, out, errs)
		}
	}
}
