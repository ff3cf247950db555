package dataset

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

// cachedMNIST is the cache where MNIST lies; tests do not download it.
func cachedMNIST(t testing.TB) string {
	t.Helper()
	cache := DefaultCache()
	if err := Cached("mnist", cache); err != nil {
		t.Skipf("%v; run `slimfit data fetch mnist`", err)
	}
	return cache
}

func TestMNIST(t *testing.T) {
	cache := cachedMNIST(t)
	set, err := Load(Ref{Name: "mnist"}, cache)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Describe(Ref{Name: "mnist"}, cache)
	if err != nil || set.Data != data {
		t.Errorf("loaded %+v, described %+v, %v", set.Data, data, err)
	}
	for _, p := range []struct {
		name   string
		images Images
		want   []int // counted once from the files with another program
		first  []uint8
	}{
		{"train", set.Train, []int{5444, 6179, 5470, 5638, 5307, 4987, 5417, 5715, 5389, 5454}, []uint8{7, 3, 4, 6, 1}},
		{"validation", set.Validation, []int{479, 563, 488, 493, 535, 434, 501, 550, 462, 495}, []uint8{5, 0, 4, 1, 9}},
		{"test", set.Test, []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, []uint8{7, 2, 1, 0, 4}},
	} {
		if got := p.images.Histogram(10); !reflect.DeepEqual(got, p.want) {
			t.Errorf("%s: classes %v, want %v", p.name, got, p.want)
		}
		if got := p.images.Labels[:5]; !reflect.DeepEqual(got, p.first) {
			t.Errorf("%s: first labels %v, want %v", p.name, got, p.first)
		}
	}

	// The user's own copy, elsewhere and partly packed, is the same data set
	// and so makes the same configuration.
	files := map[string][]byte{}
	info := mnist()
	for _, f := range info.Files {
		b, err := os.ReadFile(filepath.Join(cache, "mnist", f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "t10k-labels-idx1-ubyte" {
			b, f.Name = datatest.Gzipped(t, b), f.Name+".gz"
		}
		files[f.Name] = b
	}
	own, err := Describe(Ref{Name: "copy", Path: datatest.Write(t, t.TempDir(), files)}, "")
	if err != nil {
		t.Fatal(err)
	}
	a := models.Config{Data: data, Recipe: models.DefaultRecipe()}
	b := models.Config{Data: own, Recipe: models.DefaultRecipe()}
	if a.ID() != b.ID() {
		t.Errorf("a copy of MNIST gives the configuration %s, MNIST %s: %+v", b.ID(), a.ID(), own)
	}
}

func BenchmarkLoadMNIST(b *testing.B) {
	cache := cachedMNIST(b)
	b.ReportAllocs()
	for range b.N {
		if _, err := Load(Ref{Name: "mnist"}, cache); err != nil {
			b.Fatal(err)
		}
	}
}
