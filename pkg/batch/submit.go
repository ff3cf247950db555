package batch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/shell"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// Request is what to submit, and how.
type Request struct {
	Folder       *store.Folder // need not be there for Prepare
	Experiment   *experiment.Experiment
	Settings     experiment.Batch // every default filled in
	Workers      int              // of an element
	RetryFailed  bool
	TrialMinutes float64 // that one trial takes on one worker; 0: from finished results
	Report       bool    // a job that writes the report
	Program      Program
	Say          func(format string, args ...any) // progress for people
}

// Prepared is a submission that Slurm does not know yet.
type Prepared struct {
	Submission
	Array  string // text of array.sh
	Report string // text of report.sh, "" without a report job
	Left   Left
	Speed  Speed
	Notes  []string
}

// Prepare says what a submission would be; nothing is written. The name and
// number in it are not final.
func Prepare(ctx context.Context, r Request) (Prepared, error) {
	if err := checkDir(r.Folder.Dir); err != nil {
		return Prepared{}, err
	}
	subs, err := Submissions(r.Folder)
	if err != nil {
		return Prepared{}, err
	}
	held, qerr := settled(ctx, r, jobNames(subs))
	p, err := prepare(ctx, r, subs, held)
	if err == nil && qerr != nil && len(subs) > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("what is in the queue is not known: %v", qerr))
	}
	return p, err
}

// Submit writes a submission into the run folder and gives it to Slurm. Two
// calls at once, on any hosts, submit every trial once. Where nothing is
// missing, no array is submitted and Tasks.Elements is empty.
func Submit(ctx context.Context, r Request) (Prepared, []string, error) {
	if err := checkDir(r.Folder.Dir); err != nil {
		return Prepared{}, nil, err
	}
	unlock, err := lock(ctx, r)
	if err != nil {
		return Prepared{}, nil, err
	}
	p, ids, err := submitLocked(ctx, r)
	return p, ids, errors.Join(err, unlock())
}

func submitLocked(ctx context.Context, r Request) (Prepared, []string, error) {
	subs, err := Submissions(r.Folder)
	if err != nil {
		return Prepared{}, nil, err
	}
	held, err := settled(ctx, r, jobNames(subs))
	if err != nil {
		return Prepared{}, nil, fmt.Errorf("what is in the queue already is not known: %w", err)
	}
	p, err := prepare(ctx, r, subs, held)
	if err != nil || len(p.Tasks.Elements) == 0 {
		return p, nil, err
	}
	if err := p.write(r.Experiment.Source); err != nil {
		return p, nil, err
	}
	ids, err := p.send(ctx, r)
	if err != nil && len(ids) == 0 {
		return p, nil, errors.Join(err, os.RemoveAll(p.Dir)) // as if nothing had been
	}
	return p, ids, err
}

// prepare divides what is missing among elements.
func prepare(ctx context.Context, r Request, subs []Submission, held []Held) (Prepared, error) {
	p := Prepared{}
	missing, results, err := r.missing(subs, held, &p.Left)
	if err != nil {
		return p, err
	}
	p.Tasks = Tasks{Experiment: r.Experiment.Name, Source: result.SHA256(r.Experiment.Source), Created: time.Now().UTC().Truncate(time.Second),
		Partition: r.Settings.Partition, GPUs: r.Settings.GPUs, Workers: r.Workers, RetryFailed: r.RetryFailed}
	if len(missing) == 0 {
		return p, nil
	}
	p.Speed = r.speed(subs, results)
	packs := sweep.BuildPacks(missing, 1, sweep.DefaultCost())
	p.Tasks.Elements = deal(packs, p.Speed, r.Workers, time.Duration(r.Settings.MinMinutes*float64(time.Minute)), r.Settings.Time*4/5)
	p.Notes = append(p.Notes, r.longPacks(packs, p.Speed)...)
	most, err := maxArray(ctx)
	if err != nil {
		p.Notes = append(p.Notes, fmt.Sprintf("Slurm does not tell its MaxArraySize, %d is assumed: %v", defaultMaxArray, err))
		most = defaultMaxArray
	}
	p.Number = 1
	if used, err := numbers(r.Folder); err != nil {
		return p, err
	} else if len(used) > 0 {
		p.Number = used[len(used)-1] + 1
	}
	p.Dir = submissionDir(r.Folder, p.Number)
	job := fmt.Sprintf("slimfit-%s-%d-%s", r.Experiment.Name, p.Number, randomHex())
	p.Tasks.Arrays = arrays(job, len(p.Tasks.Elements), most)
	program := r.Program
	if r.RetryFailed {
		program.Run = append(program.Run[:len(program.Run):len(program.Run)], "--retry-failed")
	}
	s := script{r.Settings, program, p.Dir, r.Folder.Dir}
	if r.Report {
		p.Tasks.Report = job + ".report"
		if p.Report, err = s.text(reportName); err != nil {
			return p, err
		}
	}
	p.Array, err = s.text(arrayName)
	return p, err
}

// longPacks warns of packs that one element is not expected to finish.
func (r Request) longPacks(packs []sweep.Pack, s Speed) []string {
	n, longest := 0, 0.0
	for _, p := range packs {
		if t := s.seconds(p); t > (r.Settings.Time - lead(r.Settings.Time)).Seconds() {
			n, longest = n+1, max(longest, t)
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d packs are predicted to take longer than the time limit %s, up to %s: their elements end with "+
		"checkpoints and exit code 75, and `slimfit batch submit` again goes on",
		n, len(packs), slurmTime(r.Settings.Time), slurmTime(time.Duration(longest*float64(time.Second))))}
}

// write makes the submission's folder.
func (p *Prepared) write(source []byte) error {
	tasks, err := json.MarshalIndent(p.Tasks, "", "  ")
	if err != nil {
		return fmt.Errorf("write task file: %w", err)
	}
	if err = os.Mkdir(p.Dir, 0o777); err == nil {
		err = os.Mkdir(filepath.Join(p.Dir, logDir), 0o777)
	}
	files := []struct {
		name    string
		content []byte
		// the task file last: it makes the submission
	}{{result.ExperimentName, source}, {arrayName, []byte(p.Array)}, {reportName, []byte(p.Report)}, {tasksName, append(tasks, '\n')}}
	for _, f := range files {
		if err == nil && len(f.content) > 0 {
			err = store.WriteFile(filepath.Join(p.Dir, f.name), f.content)
		}
	}
	if err != nil {
		return fmt.Errorf("write a submission: %w", err)
	}
	return nil
}

// send submits the arrays, then the report job, and returns the arrays' job
// numbers.
func (p *Prepared) send(ctx context.Context, r Request) ([]string, error) {
	var ids []string
	jobs := map[string]string{}
	var fault error
	for _, a := range p.Tasks.Arrays {
		after := ""
		if r.Settings.Throttle > 0 && len(ids) > 0 { // the throttle is one array's own: they follow each other
			after = ids[len(ids)-1]
		}
		id, err := submitArray(ctx, filepath.Join(p.Dir, arrayName), a, r.Settings.Throttle, after)
		if err != nil {
			fault = fmt.Errorf("submit %d of %d arrays: %w", len(ids)+1, len(p.Tasks.Arrays), err)
			break
		}
		ids, jobs[a.Job] = append(ids, id), id
	}
	if len(ids) > 0 && p.Tasks.Report != "" {
		after := "afterany"
		for _, id := range ids {
			after += ":" + id
		}
		id, err := sbatch(ctx, p.Tasks.Report, "--job-name="+p.Tasks.Report, "--dependency="+after, filepath.Join(p.Dir, reportName))
		if err != nil {
			p.Notes = append(p.Notes, fmt.Sprintf("there will be no report job, `%s` does its work: %v",
				shell.Line("slimfit", "report", r.Folder.Dir), err))
		} else {
			jobs[p.Tasks.Report] = id
		}
	}
	if len(ids) == 0 {
		return nil, fault
	}
	if err := store.WriteJSON(filepath.Join(p.Dir, jobsName), jobs); err != nil { // for people and accounting only: the jobs' names say it too
		p.Notes = append(p.Notes, fmt.Sprintf("the job numbers are not kept: %v", err))
	}
	return ids, fault
}

// jobIDs reads the numbers that Slurm gave a submission's jobs, by name.
func (s Submission) jobIDs() map[string]string {
	ids := map[string]string{}
	b, err := store.ReadFile(filepath.Join(s.Dir, jobsName), store.MaxJSON)
	if err != nil || json.Unmarshal(b, &ids) != nil {
		return map[string]string{}
	}
	return ids
}

func randomHex() string {
	b := make([]byte, 3)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// lockWait is how long to wait for another submission: sbatch may be slow.
const lockWait = 5 * time.Minute

// lock lets one process at a time submit this run folder's trials.
func lock(ctx context.Context, r Request) (unlock func() error, err error) {
	session, err := r.Folder.Join(store.DefaultTerm, nil)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.Folder.Dir, batchDir)
	deadline := time.Now().Add(lockWait)
	for told := false; ; {
		token, err := session.Acquire(dir)
		if err == nil {
			return func() error { return errors.Join(session.Release(dir, token), session.Close()) }, nil
		}
		var other *store.HeldError
		if !errors.As(err, &other) || time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("lock submissions: %w", err), session.Close())
		}
		if !told && other.Owner.PID != 0 {
			told = true
			r.say("%s is submitting; waiting for it", other.Owner)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), session.Close())
		}
	}
}

func (r Request) say(format string, args ...any) {
	if r.Say != nil {
		r.Say(format, args...)
	}
}

// endingWait is how long to wait for elements that Slurm is just ending, as
// after `scancel`: their trials can be submitted again a moment later.
const endingWait = 60 * time.Second

// settled is the queue when nothing in it is about to end.
func settled(ctx context.Context, r Request, jobs []string) ([]Held, error) {
	deadline := time.Now().Add(endingWait)
	for told := false; ; told = true {
		held, err := queue(ctx, jobs)
		if err != nil {
			return nil, err
		}
		ending := 0
		for _, h := range held {
			if h.Ending() {
				ending++
			}
		}
		if ending == 0 || time.Now().After(deadline) {
			return held, nil
		}
		if !told {
			r.say("waiting for array elements that are just ending: %d", ending)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
