package batch

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"slimfit/pkg/store"
)

// commandTimeout bounds one Slurm command: a busy controller may need a while.
const commandTimeout = 2 * time.Minute

// slurm runs one of Slurm's commands and returns what it printed.
func slurm(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%s is not on PATH: this is no machine of a Slurm cluster, or a module must be loaded first: %w", name, err)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.Join(strings.Fields(said.String()), " "))
	}
	return string(out), nil
}

// defaultMaxArray is Slurm's default of MaxArraySize, one more than the highest
// index.
const defaultMaxArray = 1001

// maxArray asks for the cluster's MaxArraySize.
func maxArray(ctx context.Context) (int, error) {
	out, err := slurm(ctx, "scontrol", "show", "config")
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`(?m)^MaxArraySize\s*=\s*(\d+)`).FindStringSubmatch(out)
	if m == nil {
		return defaultMaxArray, nil
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n < 2 {
		return 0, fmt.Errorf("scontrol: MaxArraySize is %s: the cluster takes no job arrays", m[1])
	}
	return n, nil
}

// submitArray gives an array to Slurm and returns its job number.
func submitArray(ctx context.Context, script string, a Array, throttle int, after string) (string, error) {
	indices := fmt.Sprintf("0-%d", a.Size-1)
	if throttle > 0 {
		indices += fmt.Sprintf("%%%d", throttle)
	}
	args := []string{"--job-name=" + a.Job, "--array=" + indices}
	if after != "" {
		args = append(args, "--dependency=afterany:"+after)
	}
	return sbatch(ctx, a.Job, append(args, script, strconv.Itoa(a.First))...)
}

// sbatch submits the job of that name. A busy controller may take a job and yet
// not answer in time, so the queue has the last word.
func sbatch(ctx context.Context, job string, args ...string) (string, error) {
	out, err := slurm(ctx, "sbatch", append([]string{"--parsable"}, args...)...)
	if err != nil {
		if held, qerr := queue(ctx, []string{job}); qerr == nil && len(held) > 0 {
			return held[0].ID, nil
		}
		return "", err
	}
	id, _, _ := strings.Cut(strings.TrimSpace(out), ";") // a cluster's name may follow
	if _, err := strconv.Atoi(id); err != nil {
		return "", fmt.Errorf("sbatch: no job number in %q", strings.TrimSpace(out))
	}
	return id, nil
}

// Held is a job, or one element of an array, as Slurm knows it.
type Held struct {
	Job    string // its name
	ID     string // of the job, or the whole array
	Index  int    // in the array; -1 of a job that is none
	State  string // PENDING, RUNNING, ...
	Reason string // why it waits
	Left   string // of its time limit, as Slurm writes it
	Nodes  string
}

// Task is how Slurm's commands name it.
func (h Held) Task() string {
	if h.Index < 0 {
		return h.ID
	}
	return fmt.Sprintf("%s_%d", h.ID, h.Index)
}

// Ending says whether the element's processes are about to be gone.
func (h Held) Ending() bool { return h.State == "COMPLETING" }

// Over says whether Slurm has done with it; it may still know it for a while.
func (h Held) Over() bool {
	switch h.State {
	case "COMPLETING", "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "BOOT_FAIL", "DEADLINE",
		"REVOKED", "LAUNCH_FAILED":
		return true
	}
	return false
}

// queue asks for the jobs of these names, an entry for each array element; also
// for those that ended a short while ago.
func queue(ctx context.Context, jobs []string) ([]Held, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	out, err := slurm(ctx, "squeue", "--noheader", "--array", "--states=all", "--name="+strings.Join(jobs, ","),
		"--format=%j|%F|%K|%T|%L|%N|%r")
	if err != nil {
		return nil, err
	}
	var all []Held
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 7)
		if len(f) < 7 {
			if line = strings.TrimSpace(line); line != "" {
				return nil, fmt.Errorf("squeue: %q is not what --format asked for", line)
			}
			continue
		}
		h := Held{Job: f[0], ID: f[1], Index: -1, State: f[3], Left: f[4], Nodes: f[5], Reason: f[6]}
		if n, err := strconv.Atoi(f[2]); err == nil {
			h.Index = n
		}
		all = append(all, h)
	}
	return all, nil
}

// accounted asks Slurm's accounting how elements ended, by Held.Task. Many
// clusters have none; then nothing is known.
func accounted(ctx context.Context, ids []string) map[string]string {
	if len(ids) == 0 {
		return nil
	}
	out, err := slurm(ctx, "sacct", "--noheader", "--allocations", "--parsable2", "--format=JobID,State,ExitCode",
		"--jobs="+strings.Join(ids, ","))
	if err != nil {
		return nil
	}
	states := map[string]string{}
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 3 {
			continue
		}
		states[f[0]] = f[1]
		if f[1] == "FAILED" {
			states[f[0]] = "FAILED, exit code " + f[2]
		}
	}
	return states
}

// cancel ends the jobs.
func cancel(ctx context.Context, ids []string) error {
	_, err := slurm(ctx, "scancel", ids...)
	return err
}

// Cancel ends every job of the run folder that Slurm holds, report jobs too, and
// returns how many array elements there were.
func Cancel(ctx context.Context, f *store.Folder) (elements int, err error) {
	subs, err := Submissions(f)
	if err != nil {
		return 0, err
	}
	names := jobNames(subs)
	for _, s := range subs {
		if s.Tasks.Report != "" {
			names = append(names, s.Tasks.Report)
		}
	}
	held, err := queue(ctx, names)
	if err != nil {
		return 0, err
	}
	var ids []string
	for _, h := range held {
		if h.Over() {
			continue
		}
		if h.Index >= 0 {
			elements++
		}
		if !slices.Contains(ids, h.ID) {
			ids = append(ids, h.ID)
		}
	}
	if len(ids) == 0 {
		return 0, nil
	}
	err = cancel(ctx, ids)
	if err != nil { // an element may have ended just now, which scancel minds
		again, qerr := queue(ctx, names)
		if qerr == nil && !slices.ContainsFunc(again, func(h Held) bool { return !h.Over() }) {
			err = nil
		}
	}
	return elements, err
}
