package dataset

import "testing"

// The registry's key of the test images is that of its files, and needs none.
func TestKeyOfTheRegistry(t *testing.T) {
	seen := map[string]bool{}
	for _, info := range Registry() {
		key, err := TestKey(Ref{Name: info.Name}, t.TempDir())
		if err != nil || len(key) != 64 || seen[key] || key == info.Digest {
			t.Errorf("%s: %q, %v", info.Name, key, err)
		}
		seen[key] = true
	}
	set, err := Load(Ref{Name: "mnist", Validation: 5000}, DefaultCache())
	if err != nil {
		t.Skipf("SKIPPED: MNIST is not in the cache: %v", err)
	}
	if key, _ := TestKey(Ref{Name: "mnist"}, ""); key != set.TestKey {
		t.Errorf("its files have the key %s, the registry says %s", set.TestKey, key)
	}
}
