package sweep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/store"
)

func TestDamagedResultsAreTrainedAgain(t *testing.T) {
	t.Parallel()
	s := small(t)
	want := undisturbed(t, s)
	mustRun(t, s, nil)
	f := mustOpen(t, s)
	trials := s.trials()
	edit := func(i int, change func(string) string) {
		path := f.ResultPath(trials[i].Key())
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(change(string(b))), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	edit(0, func(s string) string { return s[:len(s)/2] })
	edit(2, func(s string) string {
		_, s, _ = strings.Cut(s, "\n  \"experiment\"") // as before there were checksums
		s = "{\n  \"experiment\"" + s
		return strings.Replace(s, `"learning_rate":0.0001`, `"learning_rate":0.1`, 1)
	})
	edit(3, func(s string) string { return strings.Replace(s, trials[3].ID, trials[0].ID, 1) })
	edit(6, func(string) string { return "best result ever" })
	summary, rec := mustRun(t, s, nil)
	if summary.Trained != 4 || summary.State.Done != len(trials) {
		t.Errorf("summary %+v, want 4 trained again", summary)
	}
	notices := rec.messages(Notice)
	for _, i := range []int{0, 2, 3, 6} {
		if path := f.ResultPath(trials[i].Key()); !strings.Contains(notices, path+".damaged-1") {
			t.Errorf("no notice names %s: %s", path, notices)
		} else if _, err := os.Stat(path + ".damaged-1"); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(notices, "train is not the configuration's") {
		t.Errorf("%s", notices)
	}
	same(t, files(t, s), want)
}

// What lies in the place of a trial's files and is none costs a notice: it is
// neither waited for, nor written through, nor trained again for ever.
func TestStrangersAreSetAside(t *testing.T) {
	t.Parallel()
	s := small(t)
	want := undisturbed(t, s)
	f, err := store.Create(s.Out, s.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	victim := t.TempDir()
	kept := filepath.Join(victim, "mine.tmp-1")
	if err := os.WriteFile(kept, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	trials := s.trials()
	var planted []string
	for i, plant := range []func(dir string) (string, error){
		func(dir string) (string, error) { p := dir + "/result.json"; return p, os.Symlink("/nonexistent", p) },
		func(dir string) (string, error) { p := dir + "/result.json"; return p, syscall.Mkfifo(p, 0o666) },
		func(dir string) (string, error) { p := dir + "/log.txt"; return p, syscall.Mkfifo(p, 0o666) },
		func(dir string) (string, error) { p := dir + "/log.txt"; return p, os.Symlink(kept, p) },
		func(dir string) (string, error) { p := dir + "/checkpoint"; return p, os.Symlink(victim, p) },
		func(dir string) (string, error) { p := dir + "/history.csv"; return p, os.Mkdir(p, 0o777) },
	} {
		dir := f.TrialDir(trials[i].Key())
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		path, err := plant(dir)
		if err != nil {
			t.Fatal(err)
		}
		planted = append(planted, path)
	}
	lease := filepath.Join(f.TrialDir(trials[6].Key()), "lease.1")
	if err := os.MkdirAll(filepath.Dir(lease), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nonexistent", lease); err != nil {
		t.Fatal(err)
	}
	summary, rec := mustRun(t, s, nil)
	if summary.Trained != len(trials) {
		t.Errorf("summary %+v, want each of %d trials trained once", summary, len(trials))
	}
	notices := rec.messages(Notice)
	for _, path := range planted {
		if !strings.Contains(notices, path+".damaged-1") {
			t.Errorf("no notice of %s: %s", path, notices)
		}
	}
	if b, err := os.ReadFile(kept); err != nil || string(b) != "mine" {
		t.Errorf("what the links lead to was touched: %q, %v", b, err)
	}
	same(t, files(t, s), want)
}

// What is damaged beside a result is named, and the result stands.
func TestDamageBesideResults(t *testing.T) {
	t.Parallel()
	s := small(t)
	mustRun(t, s, nil)
	f := mustOpen(t, s)
	history := filepath.Join(f.TrialDir(s.trials()[0].Key()), "history.csv")
	if err := os.Remove(history); err != nil {
		t.Fatal(err)
	}
	weights := store.WeightsPath(f.TrialDir(s.trials()[1].Key()))
	if err := os.Truncate(weights, 70); err != nil {
		t.Fatal(err)
	}
	summary, rec := mustRun(t, s, nil)
	if summary.Trained != 0 {
		t.Errorf("summary %+v, want nothing trained", summary)
	}
	notices := rec.messages(Notice)
	for _, want := range []string{history + ": it is missing", weights + ": it is no whole file",
		"without its result.json the trial is trained again"} {
		if !strings.Contains(notices, want) {
			t.Errorf("notices %q, want %q", notices, want)
		}
	}
}

// A result of another configuration with the same ID is neither taken nor set
// aside.
func TestFolderOfATwin(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.Filters, s.Seeds = []int{2}, 1
	mustRun(t, s, nil)
	trial := s.trials()[0]
	path := mustOpen(t, s).ResultPath(trial.Key())
	twin := *trial.Configuration
	twin.Recipe.LearningRate *= 2 // as if it had the ID of the first
	o, err := s.options()
	if err != nil {
		t.Fatal(err)
	}
	o.Events = (&recorder{}).add
	before, _ := os.ReadFile(path)
	_, err = Run(context.Background(), o, []experiment.Trial{{Configuration: &twin, Seed: trial.Seed}})
	if err == nil || !strings.Contains(err.Error(), path+" is of another configuration") {
		t.Errorf("%v, want an error that names %s", err, path)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the result was touched: %v", err)
	}
}

// A damaged checkpoint is set aside, and the older one serves.
func TestDamagedCheckpoint(t *testing.T) {
	t.Parallel()
	s := long(t)
	s.Filters, s.Seeds, s.Jobs = []int{16}, 1, 1
	want := undisturbed(t, s)
	cmd, _ := process(t, s)
	wait(t, "two checkpoints", func() bool { return checkpoints(s) >= 2 })
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	cmd.Wait()
	wait(t, "the worker's end", func() bool {
		return len(workers(t, s, cmd.Process.Pid)) == 0 || !alive(workers(t, s, cmd.Process.Pid)[0])
	})
	found, _ := filepath.Glob(filepath.Join(s.Out, s.Name, "*", "seed-*", "checkpoint", "step-*.bin"))
	newest := found[len(found)-1]
	b, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(newest, b[:len(b)-5], 0o666); err != nil {
		t.Fatal(err)
	}
	_, rec := mustRun(t, s, nil)
	if m := rec.messages(Notice); !strings.Contains(m, newest) || !strings.Contains(m, "set aside") ||
		!regexp.MustCompile(`; it can go on from step [1-9]`).MatchString(m) {
		t.Errorf("notices %q, want one that names %s", m, newest)
	}
	if m := rec.messages(Detail); strings.Contains(m, "starts at step 0 ") {
		t.Errorf("it began afresh: %s", m)
	}
	same(t, files(t, s), want)
}

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z")
}

// mountTiny mounts a small file system, or skips the test aloud.
func mountTiny(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tiny", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("SKIPPED: cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := small(t)
	want := undisturbed(t, s)
	s.Out = mountTiny(t, "size=160k")
	summary, _, err := tryRun(t, context.Background(), s, nil)
	wantFatal(t, err, "no space left on device", s.Out)
	if summary.State.Failed != 0 || summary.Left == 0 {
		t.Errorf("summary %+v, want no trial to blame", summary)
	}
	done := summary.State.Done
	if err := syscall.Mount("tiny", s.Out, "tmpfs", syscall.MS_REMOUNT, "size=10m"); err != nil {
		t.Fatal(err)
	}
	again, _ := mustRun(t, s, nil)
	if again.State.Before != done || again.State.Done != len(s.trials()) {
		t.Errorf("%d were done, then %+v", done, again)
	}
	same(t, files(t, s), want)
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.Out = mountTiny(t, "size=10m")
	s.Worker.StepMillis, s.Lease = 5, 2*time.Second // this process lives on, and its leases cannot be given back
	remount := func(flags uintptr) {
		if err := syscall.Mount("tiny", s.Out, "tmpfs", syscall.MS_REMOUNT|flags, "size=10m"); err != nil {
			t.Fatal(err)
		}
	}
	time.AfterFunc(300*time.Millisecond, func() { // in mid-run; busy for as long as files are open for writing
		for syscall.Mount("tiny", s.Out, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=10m") == syscall.EBUSY {
			time.Sleep(time.Millisecond)
		}
	})
	_, _, err := tryRun(t, context.Background(), s, nil)
	wantFatal(t, err, "read-only file system", s.Out)
	_, _, err = tryRun(t, context.Background(), s, nil)
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), s.Out) {
		t.Errorf("started on a read-only folder: %v", err)
	}
	remount(0)
	if summary, _ := mustRun(t, s, nil); summary.State.Done != len(s.trials()) {
		t.Errorf("afterwards: %+v", summary)
	}
}

func TestFilesDeletedUnderTheRun(t *testing.T) {
	t.Parallel()
	for name, del := range map[string]func(root string) string{
		"run folder": func(root string) string { return root },
		"a trial's folder": func(root string) string {
			found, _ := filepath.Glob(filepath.Join(root, "*", "seed-*", "checkpoint"))
			return filepath.Dir(found[0])
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := small(t)
			s.Steps, s.Lease = 400, 2*time.Second
			root := filepath.Join(s.Out, s.Name)
			var gone string
			_, _, err := tryRun(t, context.Background(), s, func(o *Options) {
				o.Events = func(e Event) {
					if gone == "" && e.Kind == Progress && checkpoints(s) > 0 {
						gone = del(root)
						for errors.Is(os.RemoveAll(gone), syscall.ENOTEMPTY) { // a worker is writing there
						}
					}
				}
			})
			wantFatal(t, err, "deleted under the run", gone)
			if name == "run folder" {
				if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("it came back: %v", err)
				}
			}
			if summary, _ := mustRun(t, s, nil); summary.State.Done != len(s.trials()) {
				t.Errorf("afterwards: %+v", summary)
			}
		})
	}
}

// Status files, and whatever else lies about in the folder, are no part of the
// results.
func TestStrayFilesDoNoHarm(t *testing.T) {
	t.Parallel()
	s := small(t)
	want := undisturbed(t, s)
	root := filepath.Join(s.Out, s.Name)
	key := keyString(s.trials()[0])
	for name, text := range map[string]string{
		"processes/somebody.json":                  "{",
		key + "/result.json.tmp-0123":              "{",
		key + "/checkpoint/step-0000.bin.tmp-0123": "x",
		key + "/checkpoint/step-many.bin":          "x",
		key + "/lease.x":                           "x",
		"notes.txt":                                "do not forget",
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, s, nil)
	same(t, files(t, s), want)
}
