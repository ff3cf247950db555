package main

import (
	"encoding/csv"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"slimfit/pkg/exit"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// evil is a text that moves a cursor, sets a window's title, turns the direction
// of writing, is a formula, and is not all UTF-8.
const evil = "=cmd|' /C calc'!A0\x1b]0;t\a\x1b[2J\u009b31m\u202e\x7f\xff\r<script>"

// steers names the first thing in a text that a terminal would obey.
func steers(s string) string {
	for i, r := range s {
		if r == '\n' || r == '\t' {
			continue
		}
		if _, n := utf8.DecodeRuneInString(s[i:]); unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError && n == 1 {
			return strconv.QuoteToASCII(s[max(0, i-20):min(len(s), i+20)])
		}
	}
	return ""
}

// formula is the first cell of a CSV that a spreadsheet would compute.
func formula(t *testing.T, s string) string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(s)).ReadAll()
	if err != nil {
		t.Error(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				return cell
			}
		}
	}
	return ""
}

// Names of files, folders, classes and experiments, reasons and whatever else
// others wrote reach nobody's terminal or spreadsheet as they are.
func TestHostileTextIsNeutralEverywhere(t *testing.T) {
	name := strings.ReplaceAll(evil, "/", "")
	dir := filepath.Join(t.TempDir(), "d"+strings.ToValidUTF8(name, ""))
	r := newTinyRun(t, dir)
	keys, err := r.Folder.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		res, err := r.Folder.ReadResult(k)
		if err != nil {
			continue
		}
		bad := strings.ToValidUTF8(evil, "") // JSON holds no other
		res.Experiment, res.Warnings, res.Environment.Host, res.Environment.CPU = bad, []string{bad}, bad, bad
		res.Classes, res.Environment.TensorFlow = []string{bad, bad + "2", bad + "3"}, bad
		if res.Reason != "" {
			res.Reason = bad
		}
		b, err := store.EncodeResult(res)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.Folder.ResultPath(k), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	replaceIn(t, r.Folder.ExperimentPath(), "name: tiny\n",
		"name: tiny\nabout: \"=x \\e]0;t\\a\\u202e <script>\"\n")
	image := filepath.Join(dir, name+"-idx3-ubyte")
	copyFile(t, filepath.Join(r.Data, "t10k-images-idx3-ubyte"), image)
	runs, e := filepath.Dir(r.Folder.Dir), r.Folder.ExperimentPath()
	out := filepath.Join(dir, "out"+name)
	for _, c := range []struct {
		code    int
		formats string
		args    []string
	}{
		{0, "text json csv markdown", []string{"plan", e, "--out", runs}},
		{0, "text json", []string{"run", "-n", e, "--out", runs}},
		{0, "text json", []string{"status", r.Folder.Dir}},
		{0, "text json", []string{"status", "--deep", r.Folder.Dir}},
		{0, "text markdown csv json latex html", []string{"report", "-n", r.Folder.Dir}},
		{0, "text json csv markdown", []string{"compare", r.Folder.Dir, r.Folder.Dir}},
		{0, "text json", []string{"search", "-n", e, "--out", runs, "--set", "target.accuracy=0.5"}},
		{4, "", []string{"verify", filepath.Join(dir, "none.json")}},
		{0, "text json csv markdown", []string{"footprint", e}},
		{0, "text markdown csv", []string{"quantize", r.Folder.Dir}},
		{0, "", []string{"export", filepath.Join(r.Folder.Dir, r.Good), "--format", "tflite,npz", "-o", out}},
		{0, "text json csv", []string{"predict", out, image}},
		{4, "text json csv", []string{"predict", filepath.Join(r.Folder.Dir, r.Good), image, image + "none"}},
		{0, "text json", []string{"data", "verify", r.Data}},
		{1, "text json", []string{"data", "verify", dir}},
		{1, "text json", []string{"doctor", "--out", dir, "--worker", filepath.Join(dir, "none")}},
		{4, "", []string{"data", "preview", e, "--into", filepath.Join(dir, "sheets"), "--worker", filepath.Join(dir, "none"+name)}},
		{0, "", []string{"batch", "submit", "-n", e, "--out", runs}},
		{0, "text json", []string{"batch", "status", r.Folder.Dir}},
		{2, "", []string{"batch", "logs", r.Folder.Dir, evil}},
		{2, "", []string{"serve", filepath.Join(dir, "none"+name)}},
		{0, "", []string{"init", filepath.Join(dir, "new"+name+".yaml")}},
		{2, "", []string{evil}},
		{2, "", []string{"plan", evil, "--set", evil}},
		{2, "", []string{"plan", "--" + evil}},
	} {
		formats := strings.Fields(c.formats)
		if len(formats) == 0 {
			formats = []string{""}
		}
		for _, f := range formats {
			args := c.args
			if f != "" {
				args = append(append([]string{}, args...), "--format", f)
			}
			code, stdout, stderr := slimfit(args...)
			if code != c.code {
				t.Errorf("%q: code %d, want %d\n%s", args, code, c.code, stderr)
			}
			if s := steers(stdout + stderr); s != "" {
				t.Errorf("%q: %s", args, s)
			}
			if f == "csv" {
				if cell := formula(t, stdout); cell != "" {
					t.Errorf("%q: a formula: %s", args, cell)
				}
			}
		}
	}
	address, stop := serving(t, r.Folder.Dir)
	defer stop()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if s := steers(string(page)); err != nil || s != "" || !strings.Contains(string(page), "&lt;script&gt;") ||
		strings.Contains(string(page), "=x <script>") || strings.Contains(string(page), "31m<script>") {
		t.Errorf("serve: %v, %d bytes: %s", err, len(page), s)
	}
}

// Damage beside a good result is named, and nothing is done about it unasked.
func TestDamageBesideResults(t *testing.T) {
	r := newTinyRun(t, t.TempDir())
	weights := store.WeightsPath(r.Folder.TrialDir(result.Key{ConfigID: r.Good, Seed: 1}))
	b, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-20] ^= 1
	for name, c := range map[string]struct {
		content []byte
		seen    []string // by which commands
	}{"a bit": {b, []string{"status --deep"}}, "cut": {b[:len(b)-1], []string{"status --deep", "report -n"}}} {
		if err := os.WriteFile(weights, c.content, 0o666); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"status", "status --deep", "report -n"} {
			code, out, errs := slimfit(append(strings.Fields(command), r.Folder.Dir)...)
			seen := slices.Contains(c.seen, command)
			if strings.Contains(flat(out), r.Good+"/seed-1/checkpoint/weights.bin: ") != seen || command == "status --deep" && code != exit.Trials {
				t.Errorf("%s, %s: code %d\n%s%s", name, command, code, out, errs)
			}
		}
	}
}

// Paths that are not UTF-8, which no file of a run could name, are refused.
func TestPathsThatAreNotUTF8(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a\xff\xfe")
	r := newTinyRun(t, t.TempDir())
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := slimfit("run", r.Folder.ExperimentPath(), "--out", dir); code != exit.IO ||
		!strings.Contains(errs, `a\xff\xfe/tiny: its path is not UTF-8, which results could not name; rename it, or choose another --out`) {
		t.Errorf("code %d: %s", code, errs)
	}
	if err := os.Rename(r.Data, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	e := filepath.Join(dir, "e.yaml")
	copyFile(t, r.Folder.ExperimentPath(), e)
	replaceIn(t, e, "../../data", "data")
	refused := func(want string, code int, args ...string) {
		t.Helper()
		if got, _, errs := slimfit(args...); got != code || !strings.Contains(flat(errs), want) {
			t.Errorf("%q: code %d: %s", args, got, errs)
		}
	}
	refused(`a\xff\xfe/data is not UTF-8: rename the folder`, exit.Usage, "plan", e)
	for _, args := range [][]string{{"init", filepath.Join(dir, "new.yaml")}, {"status", r.Folder.Dir, "--cache", dir},
		{"data", "verify", filepath.Join(dir, "data")}} {
		refused("", exit.Done, args...)
	}

	// What is only read works wherever it lies.
	moved := filepath.Join(dir, "runs")
	if err := os.CopyFS(moved, os.DirFS(filepath.Dir(r.Folder.Dir))); err != nil {
		t.Fatal(err)
	}
	tiny, image := filepath.Join(moved, "tiny"), filepath.Join(dir, "data", "t10k-images-idx3-ubyte")
	for _, args := range [][]string{{"status", tiny}, {"report", tiny},
		{"compare", tiny, tiny}, {"predict", filepath.Join(tiny, r.Good), image},
		{"export", filepath.Join(tiny, r.Good), "--format", "tflite,npz", "-o", filepath.Join(dir, "out")}} {
		refused("", exit.Done, args...)
	}

	// Names of classes would be other names in results.
	pictures := filepath.Join(t.TempDir(), "pictures")
	for i, class := range []string{"a", "b\xff"} {
		if err := os.MkdirAll(filepath.Join(pictures, class), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := writePicture(filepath.Join(pictures, class, "0.png"), 8, uint8(100*i+50), 20); err != nil {
			t.Fatal(err)
		}
	}
	refused(`pictures/b\xff is not UTF-8, which results could not name: rename it`, exit.Trials, "data", "verify", pictures)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
