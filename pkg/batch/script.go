package batch

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/shell"
)

// Program is how the elements call slimfit: every path absolute, and the same
// on all nodes.
type Program struct {
	Slimfit string
	Run     []string // more arguments of `slimfit run`, such as --worker=...
	Report  []string // of `slimfit report`
}

//go:embed script.tmpl
var scriptTemplate string

// script is what the templates of a submission's scripts are filled with.
type script struct {
	experiment.Batch
	Program
	dir    string // the submission's
	RunDir string
}

// text is the script of every element, array.sh, whose first argument plus the
// element's index is its line in tasks.json, or report.sh.
func (s script) text(name string) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{"slurmTime": slurmTime, "words": words, "word": shell.Word}).Parse(scriptTemplate)
	var b strings.Builder
	if err == nil {
		err = t.ExecuteTemplate(&b, name, s)
	}
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return b.String(), nil
}

// Tasks is the submission's task file.
func (s script) Tasks() string { return filepath.Join(s.dir, tasksName) }

// Log is the submission's log folder as Slurm reads it: a % is written twice.
func (s script) Log() string { return strings.ReplaceAll(filepath.Join(s.dir, logDir), "%", "%%") }

// Lead is lead of the time limit, in seconds.
func (s script) Lead() int { return int(lead(s.Time).Seconds()) }

// Visible is the value of --gpus: all are those that Slurm made visible.
func (s script) Visible() string {
	if s.GPUs > 0 {
		return "all"
	}
	return "none"
}

// checkDir refuses a run folder whose name Slurm's options cannot hold.
func checkDir(dir string) error {
	if strings.ContainsAny(dir, "\"\\\n") {
		return fmt.Errorf("the run folder %q: Slurm cannot write its logs below a name with quotes, backslashes or line breaks; choose "+
			"another --out", dir)
	}
	return nil
}

// words is a command line for bash, with an option a line where it is long:
// the program, its first arguments and then more.
func words(program string, more []string, first ...string) string {
	var b strings.Builder
	b.WriteString(shell.Word(program))
	for _, a := range append(first, more...) {
		if strings.HasPrefix(a, "--") {
			b.WriteString(" \\\n   ")
		}
		b.WriteString(" " + shell.Word(a))
	}
	return b.String()
}

// lead is how long before its time limit an element is told to stop: enough for
// checkpoints, and little of the limit. Slurm may be up to a minute early.
func lead(limit time.Duration) time.Duration {
	return min(max(limit/10, 20*time.Second), 2*time.Minute)
}

// slurmTime writes a duration as Slurm does, rounded up to seconds.
func slurmTime(d time.Duration) string {
	s := int((d + time.Second - 1) / time.Second)
	text := fmt.Sprintf("%02d:%02d:%02d", s/3600%24, s/60%60, s%60)
	if days := s / 86400; days > 0 {
		return fmt.Sprintf("%d-%s", days, text)
	}
	return text
}
