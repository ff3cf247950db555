package dataset

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// small is a data set of two files for tests, and its files.
func small() (Info, map[string][]byte) {
	files := map[string][]byte{"images": counting(100000, 251), "labels": counting(500, 10)}
	info := Info{Name: "small"}
	for _, name := range []string{"images", "labels"} {
		info.Files = append(info.Files, File{name, int64(len(files[name])), hexSHA256(files[name])})
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
		out[name+".gz"] = gzipped(t, b)
	}
	return out
}

// checkComplete compares the cache with the files and looks for leftovers.
func checkComplete(t *testing.T, info Info, dir string, files map[string][]byte) {
	t.Helper()
	if err := info.verify(dir); err != nil {
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
	wrong["images.gz"] = gzipped(t, flip(files["images"], 7))
	dir := filepath.Join(t.TempDir(), "cache", "small")
	var log bytes.Buffer
	err := info.fetch(context.Background(), dir, []source{
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
	for _, want := range []string{"there is no such folder", "404 Not Found", "images: SHA-256 is", "images: 100000 bytes, SHA-256 as expected", "labels: 500 bytes, SHA-256 as expected"} {
		i := strings.Index(log.String()[at:], want)
		if i < 0 {
			t.Fatalf("the log does not say %q in its place:\n%s", want, &log)
		}
		at += i
	}
}

func TestFetchFails(t *testing.T) {
	info, files := small()
	half := gzipped(t, files["images"])
	for _, c := range []struct {
		name string
		with []byte
		want string
	}{
		{"half a download", half[:len(half)/2], "images: broken after "},
		{"no gzip at all", []byte("<html>log in first</html>"), "images: has 25 of 100000 bytes: not the file that is meant"},
		{"too large", gzipped(t, make([]byte, 50<<20)), "images: is larger than 100000 bytes"},
		{"too small", gzipped(t, files["images"][:99]), "images: has 99 of 100000 bytes"},
		{"damaged", flip(half, len(half)-6), "images: broken after 100000 of 100000 bytes: gzip: invalid checksum"},
		{"another file", gzipped(t, flip(files["images"], 0)), "images: SHA-256 is "},
		{"gzip header", []byte{0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9}, "images: damaged gzip header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "small")
			served := packed(t, files)
			served["images.gz"] = c.with
			url := serve(t, served)
			err := info.fetch(context.Background(), dir, []source{mirror(serve(t, nil)), mirror(url)}, io.Discard)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{c.want, "404 Not Found", url, "put them into " + dir, "`slimfit data fetch small`", "\n  images  100000 bytes\n  labels  500 bytes"} {
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
	err := info.fetch(context.Background(), dir, []source{mirror(s.URL)}, io.Discard)
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
			dir := writeFiles(t, t.TempDir(), map[string][]byte{"images": c.bad, "labels": files["labels"], tmpPrefix + "123/images": {1}})
			if err := info.verify(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "images")+" is broken") {
				t.Errorf("verify: %v", err)
			}
			var log bytes.Buffer
			url := serve(t, map[string][]byte{"images.gz": gzipped(t, files["images"])}) // has no labels: they are not asked for
			if err := info.fetch(context.Background(), dir, []source{mirror(url)}, &log); err != nil {
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
	dir := writeFiles(t, t.TempDir(), files)
	if err := info.fetch(context.Background(), dir, nil, io.Discard); err != nil {
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
		w.Write(gzipped(t, files[name]))
	}))
	defer s.Close()
	dir := filepath.Join(t.TempDir(), "small")
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			errs[i] = info.fetch(context.Background(), dir, []source{mirror(s.URL)}, io.Discard)
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
			f := &fetch{info: info, dir: dir, missing: map[string]File{}, log: io.Discard}
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
	if err := info.fetch(ctx, dir, []source{mirror(s.URL), mirror(s.URL)}, io.Discard); !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
	checkNothingElse(t, dir)

	// Also while another process holds the lock.
	unlock, locked, err := lockFolder(context.Background(), dir)
	if err != nil || !locked {
		t.Fatalf("lock: %v, %v", locked, err)
	}
	defer unlock()
	if err := info.fetch(ctx, dir, nil, io.Discard); !errors.Is(err, stop) {
		t.Errorf("waiting for the lock: %v, want %v", err, stop)
	}
}

// A cache that cannot be written to is said at once: no source would help.
func TestFetchCannotWrite(t *testing.T) {
	info, files := small()
	parent := writeFiles(t, t.TempDir(), map[string][]byte{"file": {1}})
	err := info.fetch(context.Background(), filepath.Join(parent, "file", "small"), []source{mirror(serve(t, packed(t, files)))}, io.Discard)
	if pathErr := new(fs.PathError); !errors.As(err, &pathErr) {
		t.Errorf("error %v, want a file error", err)
	}
	full := &fetch{info: info, dir: parent, tmp: filepath.Join(parent, "gone"), missing: map[string]File{"images": info.Files[0]}, log: io.Discard}
	err = full.run(context.Background(), []source{mirror(serve(t, packed(t, files))),
		{"next", func(context.Context, *fetch) error { t.Error("tried another source"); return nil }}})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that of the missing folder", err)
	}
}

func tarOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, b := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(b)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFetchArchive(t *testing.T) {
	info, files := small()
	info.Archive = "small.tar.gz"
	archive := gzipped(t, tarOf(t, map[string][]byte{
		"small/images": files["images"], "small/labels": files["labels"], "small/readme": []byte("x"), "../../evil": []byte("x")}))
	for name, s := range map[string]source{
		"mirror": archiveMirror(serve(t, map[string][]byte{"small.tar.gz": archive}) + "/small.tar.gz"),
		"folder": localSource(writeFiles(t, t.TempDir(), map[string][]byte{"small.tar.gz": archive, "other.txt": {1}})),
	} {
		dir := filepath.Join(t.TempDir(), "small")
		if err := info.fetch(context.Background(), dir, []source{s}, io.Discard); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkComplete(t, info, dir, files)
	}
	err := info.fetch(context.Background(), t.TempDir(), []source{
		localSource(writeFiles(t, t.TempDir(), map[string][]byte{"small.tar.gz": archive[:len(archive)/2]}))}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "unexpected EOF") || !strings.Contains(err.Error(), "get small.tar.gz, or the files in it") {
		t.Errorf("half an archive: %v", err)
	}
}

// Files that a person put into the cache by hand are taken.
func TestFetchTakesFilesFromTheCache(t *testing.T) {
	info, files := small()
	dir := writeFiles(t, t.TempDir(), packed(t, files))
	if err := info.fetch(context.Background(), dir, []source{localSource(dir)}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := info.verify(dir); err != nil {
		t.Fatal(err)
	}
}

// moduleZip is a Go module with the files in its data folder.
func moduleZip(t *testing.T, m goModule, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, b := range files {
		f, err := w.Create(m.path + "@" + m.version + "/data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestModuleProxy(t *testing.T) {
	info, files := small()
	m := goModule{path: "example.com/Small", version: "v1.2.3"}
	content := moduleZip(t, m, packed(t, files))
	const at = "example.com/!small/@v/v1.2.3.zip"
	folder := writeFiles(t, t.TempDir(), map[string][]byte{at: content})
	hash, err := dirhash.HashZip(filepath.Join(folder, filepath.FromSlash(at)), dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	m.hash = hash
	good := serve(t, map[string][]byte{at: content})
	empty := serve(t, nil)
	other := serve(t, map[string][]byte{at: moduleZip(t, m, map[string][]byte{"images.gz": {1}})})
	page := serve(t, map[string][]byte{at: []byte("<html>")})
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
	defer broken.Close()
	for _, c := range []struct {
		name, list, want string // want is in the error; "" means success
	}{
		{"one", good, ""},
		{"trailing slash", good + "/", ""},
		{"file", "file://" + folder, ""},
		{"not found, then comma", empty + "," + good, ""},
		{"file not found, then comma", "file://" + t.TempDir() + ", " + good, ""},
		{"failure, then comma", broken.URL + "," + good, "500 Internal Server Error"},
		{"failure, then bar", broken.URL + "|" + good, ""},
		{"wrong module", other, "the module's checksum is h1:"},
		{"not a module", page, "broken module zip"},
		{"off", "off", "GOPROXY says off"},
		{"not found, then off", empty + ",off," + good, "404 Not Found\nGOPROXY says off"},
		{"direct", "direct", "GOPROXY says direct, which takes the go command"},
		{"direct, then a proxy", "direct," + good, ""},
		{"nothing", ",", "GOPROXY names no proxy"},
		{"password", "http://me:secret@" + strings.TrimPrefix(empty, "http://"), "me:xxxxx@"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("GOPROXY", c.list)
			dir := filepath.Join(t.TempDir(), "small")
			err := info.fetch(context.Background(), dir, []source{m.proxySource()}, io.Discard)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want it to contain %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkComplete(t, info, dir, files)
		})
	}
}

// The go command's failures come through; it is not asked to reach out here.
func TestGoCommand(t *testing.T) {
	info, _ := small()
	m := goModule{path: "example.com/none", version: "v1.0.0"}
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-mod=vendor") // of no concern to this
	err := info.fetch(context.Background(), t.TempDir(), []source{m.goSource()}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "GOPROXY=off") {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	err = info.fetch(context.Background(), t.TempDir(), []source{m.goSource()}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "go is not on this machine's PATH") {
		t.Error(err)
	}
}

// script puts a program on the PATH.
func script(t *testing.T, dir, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
}

// apt-get and dpkg-deb are stood in for: a first download fails as on a
// machine without package lists, the second one has lists of its own.
func TestDebianPackage(t *testing.T) {
	info, files := small()
	bin, data := t.TempDir(), t.TempDir()
	inside := map[string][]byte{}
	for name, b := range packed(t, files) {
		inside["./usr/share/datasets/small/"+name] = b
	}
	writeFiles(t, data, map[string][]byte{"data.tar": tarOf(t, inside)})
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	t.Setenv("DATA", data)
	script(t, bin, "apt-get", `echo "$*" >>"$DATA/calls"
case "$*" in
*Dir::State::Lists=*update) test -d lists/partial && test -d apt/archives/partial ;;
*Dir::State::Lists=*download*) echo deb >dataset-small_1_all.deb ;;
*) echo "E: Unable to locate package dataset-small" >&2; exit 100 ;;
esac`)
	script(t, bin, "dpkg-deb", `test "$1" = --fsys-tarfile && test -s "$2" && cat "$DATA/data.tar"`)
	dir := filepath.Join(t.TempDir(), "small")
	var log bytes.Buffer
	if err := info.fetch(context.Background(), dir, []source{debianSource("dataset-small")}, &log); err != nil {
		calls, _ := os.ReadFile(filepath.Join(data, "calls"))
		t.Fatalf("%v\n%s", err, calls)
	}
	checkComplete(t, info, dir, files)
	if !strings.Contains(log.String(), "Unable to locate package dataset-small; trying with new package lists") {
		t.Errorf("log:\n%s", &log)
	}

	script(t, bin, "dpkg-deb", `echo "dpkg-deb: error: not a Debian format archive" >&2; exit 2`)
	err := info.fetch(context.Background(), t.TempDir(), []source{debianSource("dataset-small")}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "not a Debian format archive") {
		t.Errorf("broken package: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	err = info.fetch(context.Background(), t.TempDir(), []source{debianSource("dataset-small")}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "apt-get is not on this machine") {
		t.Errorf("no apt: %v", err)
	}
}

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
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), fmt.Sprintf("run `slimfit data fetch %s`", info.Name)) {
			t.Errorf("%s without files: %v", info.Name, err)
		}
		if err := Cached(info.Name, cache); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s without files: cached: %v", info.Name, err)
		}
	}
	for _, err := range []error{
		second(Describe(Ref{Name: "mnsit"}, cache)), second(Load(Ref{Name: "mnsit"}, cache)), Verify("mnsit", cache),
		Cached("mnsit", cache), Fetch(context.Background(), "mnsit", cache, io.Discard),
	} {
		if err == nil || !strings.Contains(err.Error(), `unknown data set "mnsit": known are mnist, fashion-mnist, cifar10`) {
			t.Error(err)
		}
	}
	if err := second(Describe(Ref{Name: "mnist", Resize: &[2]int{9, 9}}, cache)); err == nil {
		t.Error("mnist was resized")
	}
	if err := second(Describe(Ref{Name: "mnist", Train: 55001}, cache)); err == nil || !strings.Contains(err.Error(), "train is 55001, but 55000 images are left") {
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
	writeFiles(t, filepath.Join(cache, "mnist"), map[string][]byte{
		info.Files[0].Name: idxBytes(make([]byte, 60000*784), 60000, 28, 28),
		info.Files[1].Name: idxBytes(counting(60000, 10), 60000),
		info.Files[2].Name: idxBytes(make([]byte, 10000*784), 10000, 28, 28),
		info.Files[3].Name: idxBytes(counting(10000, 10), 10000),
	})
	_, err = Load(Ref{Name: "mnist"}, cache)
	if err == nil || !strings.Contains(err.Error(), "train-images-idx3-ubyte is broken: SHA-256 ") || !strings.Contains(err.Error(), "run `slimfit data fetch mnist`") {
		t.Error(err)
	}
}

func TestSourcesAreNamed(t *testing.T) {
	for _, info := range Registry() {
		names := info.Sources("/cache")
		if len(names) < 2 || names[0] != "folder /cache/"+info.Name || slices.Contains(names, "") {
			t.Errorf("%s: sources %q", info.Name, names)
		}
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
