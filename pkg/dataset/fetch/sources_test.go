package fetch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/dataset/datatest"

	"golang.org/x/mod/sumdb/dirhash"
)

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
	archive := datatest.Gzipped(t, tarOf(t, map[string][]byte{
		"small/images": files["images"], "small/labels": files["labels"], "small/readme": []byte("x"), "../../evil": []byte("x")}))
	for name, s := range map[string]source{
		"mirror": archiveMirror(serve(t, map[string][]byte{"small.tar.gz": archive}) + "/small.tar.gz"),
		"folder": localSource(datatest.Write(t, t.TempDir(), map[string][]byte{"small.tar.gz": archive, "other.txt": {1}})),
	} {
		dir := filepath.Join(t.TempDir(), "small")
		if err := fill(context.Background(), info, dir, []source{s}, io.Discard); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkComplete(t, info, dir, files)
	}
	err := fill(context.Background(), info, t.TempDir(), []source{
		localSource(datatest.Write(t, t.TempDir(), map[string][]byte{"small.tar.gz": archive[:len(archive)/2]}))}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "unexpected EOF") || !strings.Contains(err.Error(),
		"get small.tar.gz, or the files in it") {
		t.Errorf("half an archive: %v", err)
	}
}

// Files that a person put into the cache by hand are taken.
func TestFetchTakesFilesFromTheCache(t *testing.T) {
	info, files := small()
	dir := datatest.Write(t, t.TempDir(), packed(t, files))
	if err := fill(context.Background(), info, dir, []source{localSource(dir)}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := info.Verify(dir); err != nil {
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
	folder := datatest.Write(t, t.TempDir(), map[string][]byte{at: content})
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
			err := fill(context.Background(), info, dir, []source{m.proxySource()}, io.Discard)
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
	err := fill(context.Background(), info, t.TempDir(), []source{m.goSource()}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "GOPROXY=off") {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	err = fill(context.Background(), info, t.TempDir(), []source{m.goSource()}, io.Discard)
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
	datatest.Write(t, data, map[string][]byte{"data.tar": tarOf(t, inside)})
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	t.Setenv("DATA", data)
	script(t, bin, "apt-get", `echo "$*" >>"$DATA/calls"
case "$*" in
*Dir::State::Lists=*update) test -d lists/partial && test -d apt/archives/partial ;;
*Dir::State::Lists=*download*) echo deb >dataset-small_1_all.deb ;;
*) echo "E: Unable to locate package fetch-small" >&2; exit 100 ;;
esac`)
	script(t, bin, "dpkg-deb", `test "$1" = --fsys-tarfile && test -s "$2" && cat "$DATA/data.tar"`)
	dir := filepath.Join(t.TempDir(), "small")
	var log bytes.Buffer
	if err := fill(context.Background(), info, dir, []source{debianSource("dataset-small")}, &log); err != nil {
		calls, _ := os.ReadFile(filepath.Join(data, "calls"))
		t.Fatalf("%v\n%s", err, calls)
	}
	checkComplete(t, info, dir, files)
	if !strings.Contains(log.String(), "Unable to locate package fetch-small; trying with new package lists") {
		t.Errorf("log:\n%s", &log)
	}

	script(t, bin, "dpkg-deb", `echo "dpkg-deb: error: not a Debian format archive" >&2; exit 2`)
	err := fill(context.Background(), info, t.TempDir(), []source{debianSource("dataset-small")}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "not a Debian format archive") {
		t.Errorf("broken package: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	err = fill(context.Background(), info, t.TempDir(), []source{debianSource("dataset-small")}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "apt-get is not on this machine") {
		t.Errorf("no apt: %v", err)
	}
}
