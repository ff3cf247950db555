package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
)

// runData runs `slimfit data ...` and returns its exit code and output.
func runData(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), append([]string{"slimfit", "data"}, args...), &out, &err)
	return code, out.String(), err.String()
}

// ownData is a folder of 20 and 4 images of 1x2 pixels in two classes.
func ownData(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mine")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, n, perImage int, dims ...uint32) {
		b := []byte{0, 0, 8, byte(len(dims))}
		for _, d := range dims {
			b = binary.BigEndian.AppendUint32(b, d)
		}
		for i := range n {
			if b = append(b, byte(i%2)); perImage == 2 { // all images differ
				b = append(b[:len(b)-1], byte(i), byte(200+n))
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("train-images-idx3-ubyte", 20, 2, 20, 1, 2)
	write("train-labels-idx1-ubyte", 20, 1, 20)
	write("t10k-images-idx3-ubyte", 4, 2, 4, 1, 2)
	write("t10k-labels-idx1-ubyte", 4, 1, 4)
	return dir
}

func TestDataList(t *testing.T) {
	code, out, errs := runData("list", "--cache", "/nowhere")
	want := `NAME           IMAGES   CLASSES  TRAIN  VALIDATION  TEST   STATE    ABOUT
mnist          28x28x1  10       55000  5000        10000  missing  handwritten digits (LeCun, Cortes, Burges)
fashion-mnist  28x28x1  10       55000  5000        10000  missing  clothes by Zalando, arXiv 1708.07747
cifar10        32x32x3  10       45000  5000        10000  missing  small colour photographs (Krizhevsky), binary version
`
	if code != exit.Done || out != want || errs != "cache: /nowhere\n" {
		t.Errorf("exit %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	code, out, errs = runData("list", "--cache", "/nowhere", "--format", "json", "-q")
	var rows []lab.DataRow
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != exit.Done || errs != "" {
		t.Fatalf("exit %d, %v, stderr %q", code, err, errs)
	}
	if len(rows) != 3 || rows[0].Train != 55000 || rows[2].Input.C != 3 || len(rows[0].Digest) != 64 || len(rows[0].Sources) < 3 {
		t.Errorf("rows %+v", rows)
	}
}

func TestDataVerifyOwn(t *testing.T) {
	dir := ownData(t)
	code, out, errs := runData("verify", dir)
	want := `mine: 1x2x1 images of 2 classes: 18 train, 2 validation, 4 test
  folder  DIR
  digest  DIGEST
  guess   always answering 0 is right for 50.00 % of the test images
  target  4 test images can certify at most 39.7 % in a first opening (alpha 0.025)
      class  name  train  validation  test
          0     0      9           1     2
          1     1      9           1     2
`
	digest := ""
	if _, after, ok := strings.Cut(out, "digest  "); ok {
		digest, _, _ = strings.Cut(after, "\n")
	}
	if len(digest) != 64 {
		t.Errorf("digest %q", digest)
	}
	want = strings.NewReplacer("DIR", dir, "DIGEST", digest).Replace(want)
	if code != exit.Done || out != want || errs != "" {
		t.Errorf("exit %d, stderr %q, stdout:\n%s\nwant:\n%s", code, errs, out, want)
	}
	code, out, _ = runData("verify", "--format", "json", dir)
	var reports []lab.DataReport
	if err := json.Unmarshal([]byte(out), &reports); err != nil || code != exit.Done {
		t.Fatalf("exit %d, %v", code, err)
	}
	if len(reports) != 1 || reports[0].Digest != digest || reports[0].Images.Train[1] != 9 {
		t.Errorf("reports %+v", reports)
	}
}

func TestDataExitCodes(t *testing.T) {
	dir, empty, cache := ownData(t), t.TempDir(), t.TempDir()
	readOnly := filepath.Join(empty, "file")
	broken := filepath.Join(cache, "mnist")
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{readOnly, filepath.Join(broken, "train-images-idx3-ubyte")} {
		if err := os.WriteFile(path, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in stderr
	}{
		{"no names", []string{"fetch"}, exit.Usage, "data set"},
		{"unknown name", []string{"fetch", "mnist", "mnsit", "--cache", cache}, exit.Usage, `unknown data set "mnsit": known are mnist, fashion-mnist, cifar10`},
		{"unknown name or folder", []string{"verify", filepath.Join(empty, "none")}, exit.Usage, "nor is there such a folder"},
		{"argument of list", []string{"list", "mnist"}, exit.Usage, `unexpected argument "mnist"`},
		{"bad format", []string{"list", "--format", "xml"}, exit.Usage, "want one of text, json"},
		{"bad resize", []string{"verify", "--resize", "28x", dir}, exit.Usage, "--resize 28x: want HEIGHTxWIDTH"},
		{"resize of a known set", []string{"verify", "--resize", "28x28", "mnist"}, exit.Usage, "not for mnist"},
		{"fetch from a folder without the files", []string{"fetch", "cifar10", "--cache", cache, "--from", dir}, exit.IO, "folder " + dir + ": has none of the files"},
		{"fetch into a file", []string{"fetch", "cifar10", "--cache", readOnly, "--from", dir}, exit.IO, "not a directory"},
		{"missing", []string{"verify", "cifar10", "--cache", cache}, exit.Trials, "test_batch.bin is missing"},
		{"broken", []string{"verify", "mnist", "--cache", cache}, exit.Trials, "train-images-idx3-ubyte is broken: 4 bytes, want 47040016"},
		{"one good, one bad", []string{"verify", dir, "cifar10", "--cache", cache}, exit.Trials, "run `slimfit data fetch cifar10 --cache " + cache + "`"},
		{"resize by one edge", []string{"verify", "--resize", "28", dir}, exit.Trials, "resize is for folders of pictures only"},
		{"resize of idx files", []string{"verify", "--resize", "28x28", dir}, exit.Trials, "resize is for folders of pictures only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, errs := runData(c.args...)
			if code != c.code || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d, want %d; stderr %q, want it to contain %q", code, c.code, errs, c.want)
			}
		})
	}
}
