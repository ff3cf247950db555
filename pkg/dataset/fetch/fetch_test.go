package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"slimfit/pkg/dataset"
	"slimfit/pkg/dataset/datatest"
)

// small is a data set of two files for tests, and its files.
func small() (dataset.Info, map[string][]byte) {
	files := map[string][]byte{"images": datatest.Counting(100000, 251), "labels": datatest.Counting(500, 10)}
	info := dataset.Info{Name: "small"}
	for _, name := range []string{"images", "labels"} {
		info.Files = append(info.Files, dataset.File{Name: name, Size: int64(len(files[name])), SHA256: fmt.Sprintf("%x",
			sha256.Sum256(files[name]))})
	}
	return info, files
}

// serve answers with these files, by path; others are not found.
func serve(t *testing.T, files map[string][]byte) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write(b)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func packed(t *testing.T, files map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for name, b := range files {
		out[name+".gz"] = datatest.Gzipped(t, b)
	}
	return out
}

// checkComplete compares the cache with the files and looks for leftovers.
func checkComplete(t *testing.T, info dataset.Info, dir string, files map[string][]byte) {
	t.Helper()
	if err := info.Verify(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := files[e.Name()]; !ok && e.Name() != ".lock" {
			t.Errorf("left over: %s", e.Name())
		}
	}
}

func TestFetchTriesSourcesInOrder(t *testing.T) {
	info, files := small()
	wrong := packed(t, files)
	wrong["images.gz"] = datatest.Gzipped(t, flip(files["images"], 7))
	dir := filepath.Join(t.TempDir(), "cache", "small")
	var log bytes.Buffer
	err := fill(context.Background(), info, dir, []source{
		localSource(filepath.Join(t.TempDir(), "none")),
		mirror(serve(t, nil)),
		mirror(serve(t, wrong)),
		mirror(serve(t, packed(t, files))),
		{"never reached", func(context.Context, *fetch) error { t.Error("went on when all was there"); return nil }},
	}, &log)
	if err != nil {
		t.Fatal(err)
	}
	checkComplete(t, info, dir, files)
	at := 0
	for _, want := range []string{"there is no such folder", "404 Not Found", "images: SHA-256 is",
		"images: 100000 bytes, SHA-256 as expected", "labels: 500 bytes, SHA-256 as expected"} {
		i := strings.Index(log.String()[at:], want)
		if i < 0 {
			t.Fatalf("the log does not say %q in its place:\n%s", want, &log)
		}
		at += i
	}
}

func TestFetchFails(t *testing.T) {
	info, files := small()
	half := datatest.Gzipped(t, files["images"])
	for _, c := range []struct {
		name string
		with []byte
		want string
	}{
		{"half a download", half[:len(half)/2], "images: broken after "},
		{"no gzip at all", []byte("<html>log in first</html>"), "images: has 25 of 100000 bytes: not the file that is meant"},
		{"too large", datatest.Gzipped(t, make([]byte, 50<<20)), "images: is larger than 100000 bytes"},
		{"too small", datatest.Gzipped(t, files["images"][:99]), "images: has 99 of 100000 bytes"},
		{"damaged", flip(half, len(half)-6), "images: broken after 100000 of 100000 bytes: gzip: invalid checksum"},
		{"another file", datatest.Gzipped(t, flip(files["images"], 0)), "images: SHA-256 is "},
		{"gzip header", []byte{0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9}, "images: damaged gzip header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "small")
			served := packed(t, files)
			served["images.gz"] = c.with
			url := serve(t, served)
			err := fill(context.Background(), info, dir, []source{mirror(serve(t, nil)), mirror(url)}, io.Discard)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{c.want, "404 Not Found", url, "put them into " + dir, "`slimfit data fetch small --cache " +
				filepath.Dir(dir) + "`", "\n  images  100000 bytes\n  labels  500 bytes"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "images")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a broken file is in the cache: %v", err)
			}
			checkNothingElse(t, dir)
		})
	}
}

func checkNothingElse(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, tmpPrefix+"*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// A connection that ends early is an error, not a short file.
func TestFetchConnectionLost(t *testing.T) {
	info, files := small()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Write(files["images"][:5000])
	}))
	defer s.Close()
	dir := t.TempDir()
	err := fill(context.Background(), info, dir, []source{mirror(s.URL)}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "images: broken after 5000 of 100000 bytes: unexpected EOF") {
		t.Error(err)
	}
}

// Broken files in the cache are named, removed and fetched again; whole ones
// stay.
func TestFetchRepairs(t *testing.T) {
	info, files := small()
	for _, c := range []struct {
		name string
		bad  []byte
		want string
	}{
		{"half", files["images"][:50000], "images is broken: 50000 bytes, want 100000; removed"},
		{"changed", flip(files["images"], 99), "images is broken: SHA-256 "},
		{"empty", []byte{}, "images is broken: 0 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datatest.Write(t, t.TempDir(), map[string][]byte{"images": c.bad, "labels": files["labels"], tmpPrefix + "123/images": {1}})
			if err := info.Verify(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "images")+" is broken") {
				t.Errorf("verify: %v", err)
			}
			var log bytes.Buffer
			url := serve(t, map[string][]byte{"images.gz": datatest.Gzipped(t, files["images"])}) // has no labels: they are not asked for
			if err := fill(context.Background(), info, dir, []source{mirror(url)}, &log); err != nil {
				t.Fatal(err)
			}
			checkComplete(t, info, dir, files)
			for _, want := range []string{c.want, tmpPrefix + "123 is an unfinished download; removed"} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log does not say %q:\n%s", want, &log)
				}
			}
		})
	}
}

// Nothing is asked for and nothing is written when all is there.
func TestFetchTwice(t *testing.T) {
	info, files := small()
	dir := datatest.Write(t, t.TempDir(), files)
	if err := fill(context.Background(), info, dir, nil, io.Discard); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(files) {
		t.Errorf("%v, %v: want the two files", entries, err)
	}
}

// Many at once end with one whole copy, and fetch it once.
func TestFetchAtOnce(t *testing.T) {
	info, files := small()
	var mu sync.Mutex
	asked := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), ".gz")
		mu.Lock()
		asked[name]++
		mu.Unlock()
		w.Write(datatest.Gzipped(t, files[name]))
	}))
	defer s.Close()
	dir := filepath.Join(t.TempDir(), "small")
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			errs[i] = fill(context.Background(), info, dir, []source{mirror(s.URL)}, io.Discard)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	checkComplete(t, info, dir, files)
	if asked["images"] != 1 || asked["labels"] != 1 {
		t.Errorf("asked for %v, want each once", asked)
	}
}

// Without locks two fetches still leave a whole copy.
func TestFetchAtOnceWithoutLocks(t *testing.T) {
	info, files := small()
	dir := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			f := &fetch{info: info, dir: dir, missing: map[string]dataset.File{}, log: io.Discard}
			if errs[i] = f.prepare(false); errs[i] == nil {
				defer os.RemoveAll(f.tmp)
				for name, b := range files {
					errs[i] = errors.Join(errs[i], f.put(name, bytes.NewReader(b)))
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	checkComplete(t, info, dir, files)
}

func TestFetchIsCancelled(t *testing.T) {
	info, _ := small()
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := errors.New("stopped by a person")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel(stop)
		<-r.Context().Done()
	}))
	defer s.Close()
	dir := t.TempDir()
	if err := fill(ctx, info, dir, []source{mirror(s.URL), mirror(s.URL)}, io.Discard); !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
	checkNothingElse(t, dir)

	// Also while another process holds the lock.
	unlock, locked, err := lockFolder(context.Background(), dir)
	if err != nil || !locked {
		t.Fatalf("lock: %v, %v", locked, err)
	}
	defer unlock()
	if err := fill(ctx, info, dir, nil, io.Discard); !errors.Is(err, stop) {
		t.Errorf("waiting for the lock: %v, want %v", err, stop)
	}
}

// A cache that cannot be written to is said at once: no source would help.
func TestFetchCannotWrite(t *testing.T) {
	info, files := small()
	parent := datatest.Write(t, t.TempDir(), map[string][]byte{"file": {1}})
	err := fill(context.Background(), info, filepath.Join(parent, "file", "small"), []source{mirror(serve(t, packed(t, files)))}, io.Discard)
	if pathErr := new(fs.PathError); !errors.As(err, &pathErr) {
		t.Errorf("error %v, want a file error", err)
	}
	full := &fetch{info: info, dir: parent, tmp: filepath.Join(parent, "gone"), missing: map[string]dataset.File{"images": info.Files[0]},
		log: io.Discard}
	err = full.run(context.Background(), []source{mirror(serve(t, packed(t, files))),
		{"next", func(context.Context, *fetch) error { t.Error("tried another source"); return nil }}})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that of the missing folder", err)
	}
}
