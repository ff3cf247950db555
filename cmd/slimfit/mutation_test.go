package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"slimfit/pkg/exit"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
)

// hostileSeconds is how long TestMutations goes on; SLIMFIT_HOSTILE makes it
// longer. The changes come from fixed seeds, SLIMFIT_HOSTILE_SEED the first.
func hostileSeconds() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("SLIMFIT_HOSTILE")); err == nil {
		return d
	}
	return 3 * time.Second
}

// mutate changes a file's content in one of the ways in which disks, editors and
// enemies do.
func mutate(r *rand.Rand, b []byte) []byte {
	b = slices.Clone(b)
	if len(b) == 0 {
		return []byte{byte(r.IntN(256))}
	}
	at := r.IntN(len(b))
	to := min(len(b), at+1+r.IntN(40))
	switch r.IntN(8) {
	case 0:
		b[at] ^= 1 << r.IntN(8)
	case 1:
		return b[:at]
	case 2:
		clear(b[at:to])
	case 3:
		return append(b[:at:at], b[to:]...)
	case 4:
		return slices.Concat(b[:to], b[at:])
	case 5: // another number
		for i := range b[at:] {
			if c := b[at+i]; '0' <= c && c <= '9' {
				return slices.Concat(b[:at+i], []byte([]string{"-1", "1e309", "99999999999999999999", "0", "1.5", "7"}[r.IntN(6)]), b[at+i+1:])
			}
		}
	case 6:
		words := []string{"null", "{}", "[]", `"x"`, "true", ": ", ",", "\x00", "\xff", "*a", "&a", "<<", "\n", "../../etc/passwd"}
		return slices.Concat(b[:at], []byte(words[r.IntN(len(words))]), b[to:])
	default:
		for i := at; i < to; i++ {
			b[i] = byte(r.IntN(256))
		}
	}
	return b
}

// Changed files of every kind end in an error with its exit code: no panic, no
// hang, and no changed certificate that holds.
func TestMutations(t *testing.T) {
	l := newInt8Lab(t)
	l.trainer = l.trainEach(nil)
	if code, _, errs := l.run("search", "e.yaml", "--set", "target.precision=float32"); code != exit.Done {
		t.Fatal(errs)
	}
	winner := l.certificate().Winner.ConfigID
	code, _, errs := slimfit("export", "runs/tiny/"+winner, "--format", "tflite,tflite-int8,npz", "-o", "model", "--quick")
	if code != exit.Done {
		t.Fatal(errs)
	}
	image := "data/t10k-images-idx3-ubyte"
	commands := map[string][][]string{ // by the files that they read
		"runs/": {{"status", "--deep", "runs/tiny"}, {"report", "-n", "runs/tiny"}, {"verify", "runs/tiny/certificate.json"},
			{"compare", "runs/tiny", "runs/tiny"}, {"plan", "runs/tiny/experiment.yaml"}, {"predict", "runs/tiny/" + winner, image}},
		"model/": {{"predict", "model/model.tflite", image, "--trust"}, {"predict", "model/model-int8.tflite", image, "--trust"},
			{"predict", "model/weights.npz", image, "--trust"}, {"predict", "model", image}},
		"data/": {{"data", "verify", "data"}, {"predict", "model", image}},
	}
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		for dir := range commands {
			if err == nil && d.Type().IsRegular() && strings.HasPrefix(path, dir) {
				files = append(files, path)
			}
		}
		return err
	})
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	first, _ := strconv.ParseUint(os.Getenv("SLIMFIT_HOSTILE_SEED"), 10, 64)
	whole := l.certificate()
	end := time.Now().Add(hostileSeconds())
	n := 0
	for seed := first; time.Now().Before(end); seed++ {
		r := rand.New(rand.NewPCG(seed, 17))
		file := files[r.IntN(len(files))]
		was, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		now := mutate(r, was)
		if err := os.WriteFile(file, now, 0o666); err != nil {
			t.Fatal(err)
		}
		dir, _, _ := strings.Cut(file, "/")
		args := commands[dir+"/"][r.IntN(len(commands[dir+"/"]))]
		begin := time.Now()
		code, out, errs := slimfit(args...)
		what := fmt.Sprintf("seed %d: %s changed: %s", seed, file, strings.Join(args, " "))
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%s: it took %v", what, took)
		}
		if !slices.Contains([]int{exit.Done, exit.Trials, exit.Usage, exit.IO}, code) || strings.Contains(errs, "a fault of this program") ||
			strings.Contains(errs, "goroutine ") || code != exit.Done && out+errs == "" {
			t.Errorf("%s: code %d\n%s", what, code, errs)
		}
		if s := steers(out + errs); s != "" {
			t.Errorf("%s: %s", what, s)
		}
		if filepath.Base(file) == result.CertificateName && args[0] == "verify" && code == exit.Done {
			if c, err := search.ReadCertificate(now); err != nil || !sameCertificate(*c, whole) {
				t.Errorf("%s: it holds", what)
			}
		}
		if err := os.WriteFile(file, was, 0o666); err != nil {
			t.Fatal(err)
		}
		n++
	}
	t.Logf("%d changes", n)
}

// sameCertificate says whether two certificates differ in nothing but who wrote
// them, which nobody can check.
func sameCertificate(a, b result.Certificate) bool {
	a.Slimfit, b.Slimfit = "", ""
	return reflect.DeepEqual(a, b)
}
