package main

import (
	"os"
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
		args := []string{"verify", file}
		own := strings.TrimSuffix(file, ".json") + ".yaml" // a folder may answer several questions
		if _, err := os.Stat(own); err == nil {
			args = append(args, "--experiment", own)
		}
		if code, out, errs := slimfit(args...); code != 0 || !strings.Contains(out, " holds: ") {
			t.Errorf("%s: exit %d\n%s%s", file, code, out, errs)
		}
	}
}
