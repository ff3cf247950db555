package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/dataset/datatest"
)

// What the registry and a missing set say.
func TestKnownSets(t *testing.T) {
	cache := t.TempDir()
	for _, info := range Registry() {
		data, err := Describe(Ref{Name: info.Name, Train: 100}, cache)
		if err != nil {
			t.Fatal(err)
		}
		if data.Train != 100 || data.Validation != 5000 || data.Test != 10000 || data.Classes != 10 || data.Digest != info.Digest {
			t.Errorf("%s: %+v", info.Name, data)
		}
		var bytes, want int64
		for _, f := range info.Files {
			bytes += f.Size
		}
		perImage := int64(info.Input.Elements() + 1)
		if want = int64(info.TrainImages+info.TestImages) * perImage; info.Format == formatIDX {
			want += 2 * (16 + 8)
		}
		if bytes != want {
			t.Errorf("%s: files of %d bytes, want %d for its images", info.Name, bytes, want)
		}
		_, err = Load(Ref{Name: info.Name}, cache)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(),
			fmt.Sprintf("run `slimfit data fetch %s --cache %s`", info.Name, cache)) {
			t.Errorf("%s without files: %v", info.Name, err)
		}
		if err := Cached(info.Name, cache); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s without files: cached: %v", info.Name, err)
		}
	}
	for _, err := range []error{
		second(Describe(Ref{Name: "mnsit"}, cache)), second(Load(Ref{Name: "mnsit"}, cache)), Verify("mnsit", cache),
		Cached("mnsit", cache),
	} {
		if err == nil || !strings.Contains(err.Error(), `unknown data set "mnsit": known are mnist, fashion-mnist, cifar10`) {
			t.Error(err)
		}
	}
	if err := second(Describe(Ref{Name: "mnist", Resize: &[2]int{9, 9}}, cache)); err == nil {
		t.Error("mnist was resized")
	}
	if err := second(Describe(Ref{Name: "mnist", Train: 55001}, cache)); err == nil ||
		!strings.Contains(err.Error(), "train is 55001, but 55000 images are left") {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// A cached set whose files have the right sizes but other bytes is refused by
// the name of the file.
func TestLoadKnownNoticesDamage(t *testing.T) {
	cache := t.TempDir()
	info, err := Lookup("mnist")
	if err != nil {
		t.Fatal(err)
	}
	datatest.Write(t, filepath.Join(cache, "mnist"), map[string][]byte{
		info.Files[0].Name: idxBytes(make([]byte, 60000*784), 60000, 28, 28),
		info.Files[1].Name: idxBytes(datatest.Counting(60000, 10), 60000),
		info.Files[2].Name: idxBytes(make([]byte, 10000*784), 10000, 28, 28),
		info.Files[3].Name: idxBytes(datatest.Counting(10000, 10), 10000),
	})
	_, err = Load(Ref{Name: "mnist"}, cache)
	if err == nil || !strings.Contains(err.Error(), "train-images-idx3-ubyte is broken: SHA-256 ") ||
		!strings.Contains(err.Error(), "run `slimfit data fetch mnist --cache "+cache+"`") {
		t.Error(err)
	}
}

func TestDefaultCache(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("SLIMFIT_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "")
	check := func(want string) {
		t.Helper()
		if got := DefaultCache(); got != want {
			t.Errorf("cache %s, want %s", got, want)
		}
	}
	check("/home/me/.cache/slimfit")
	t.Setenv("XDG_CACHE_HOME", "relative")
	check("/home/me/.cache/slimfit")
	t.Setenv("XDG_CACHE_HOME", "/xdg")
	check("/xdg/slimfit")
	t.Setenv("SLIMFIT_CACHE", "/here")
	check("/here")
}
