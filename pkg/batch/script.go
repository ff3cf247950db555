package batch

import (
	"fmt"
	"path/filepath"
	"strings"
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

// The report job's needs: 100,000 results take less.
const (
	reportTime   = 30 * time.Minute
	reportMemory = "2G"
)

// arrayScript is the script of every element: its first argument plus the
// element's index is its line in tasks.json.
func arrayScript(dir string, b experiment.Batch, p Program) string {
	var s strings.Builder
	s.WriteString(shebang(b))
	head := []string{"--nodes=1", "--ntasks=1", fmt.Sprintf("--cpus-per-task=%d", b.CPUs), "--time=" + slurmTime(b.Time)}
	if b.Memory != "" {
		head = append(head, "--mem="+b.Memory)
	}
	if b.GPUs > 0 {
		head = append(head, fmt.Sprintf("--gres=gpu:%d", b.GPUs))
	}
	head = append(head, where(b)...)
	head = append(head, "--requeue", "--open-mode=append", fmt.Sprintf("--signal=B:USR1@%d", int(lead(b.Time).Seconds())),
		logOption(dir, "%x.%a.txt"))
	writeHead(&s, append(head, b.Extra...))
	s.WriteString("# Written by `slimfit batch submit`; by hand: sbatch --job-name=NAME --array=0-N array.sh FIRST\n")
	s.WriteString("\n")
	writeSetup(&s, b)
	gpus := "none"
	if b.GPUs > 0 {
		gpus = "all" // that Slurm made visible
	}
	args := append([]string{"run", "--task", filepath.Join(dir, tasksName), "--gpus", gpus}, p.Run...)
	fmt.Fprintf(&s, `element=$((${1:-0} + SLURM_ARRAY_TASK_ID))
echo "slimfit: element $element starts on ${SLURMD_NODENAME:-$(hostname)}, restart ${SLURM_RESTART_COUNT:-0}"
# Slurm sends USR1 to this shell alone, some time before the limit: the run
# writes checkpoints and ends with 75.
pass() {
    got=$1
    [ -z "$run" ] || kill "-$got" "$run" 2>/dev/null
}
run= got=
trap 'pass USR1' USR1
trap 'pass TERM' TERM
%s \
    --index "$element" &
run=$!
[ -z "$got" ] || pass "$got" # it came just now
wait "$run" # which a signal ends too
while kill -0 "$run" 2>/dev/null; do wait "$run"; done
wait "$run"
code=$?
echo "slimfit: element $element ended with exit code $code"
exit "$code"
`, words(p.Slimfit, args))
	return s.String()
}

// reportScript is the script of the job that runs when all elements are over,
// however they ended.
func reportScript(dir, runDir string, b experiment.Batch, p Program) string {
	var s strings.Builder
	s.WriteString(shebang(b))
	head := []string{"--nodes=1", "--ntasks=1", "--cpus-per-task=1", "--time=" + slurmTime(reportTime), "--mem=" + reportMemory}
	head = append(head, where(b)...)
	writeHead(&s, append(append(head, "--requeue", "--open-mode=append", logOption(dir, "%x.txt")), b.Extra...))
	s.WriteString("# Written by `slimfit batch submit`: the report of whatever there is by then.\n\n")
	writeSetup(&s, b)
	fmt.Fprintf(&s, "%s\ncode=$?\n%s\nexit \"$code\"\n", words(p.Slimfit, append([]string{"report", runDir}, p.Report...)),
		words(p.Slimfit, append([]string{"batch", "status", runDir}, p.Report...)))
	return s.String()
}

// shebang asks for a login shell where modules are loaded: that is where many
// sites define `module`.
func shebang(b experiment.Batch) string {
	if len(b.Modules) > 0 {
		return "#!/bin/bash -l\n"
	}
	return "#!/bin/bash\n"
}

// where are the options that say to whom and where jobs belong.
func where(b experiment.Batch) []string {
	var options []string
	for _, o := range []struct{ name, value string }{{"partition", b.Partition}, {"account", b.Account}, {"qos", b.QOS}} {
		if o.value != "" {
			options = append(options, "--"+o.name+"="+o.value)
		}
	}
	return options
}

func writeHead(s *strings.Builder, options []string) {
	for _, o := range options {
		fmt.Fprintf(s, "#SBATCH %s\n", o)
	}
}

func writeSetup(s *strings.Builder, b experiment.Batch) {
	for _, m := range b.Modules {
		fmt.Fprintf(s, "module load %s\n", shell.Word(m))
	}
	for _, line := range b.Setup {
		s.WriteString(line + "\n")
	}
	if len(b.Modules)+len(b.Setup) > 0 {
		s.WriteString("\n")
	}
}

// logOption puts a job's output into the submission's log folder. Slurm fills
// in the pattern; a % of the folder's own name is written twice.
func logOption(dir, pattern string) string {
	return fmt.Sprintf(`--output="%s/%s"`, strings.ReplaceAll(filepath.Join(dir, logDir), "%", "%%"), pattern)
}

// checkDir refuses a run folder whose name Slurm's options cannot hold.
func checkDir(dir string) error {
	if strings.ContainsAny(dir, "\"\\\n") {
		return fmt.Errorf("the run folder %q: Slurm cannot write its logs below a name with quotes, backslashes or line breaks; choose "+
			"another --out", dir)
	}
	return nil
}

// words is a command line for bash, with an option a line where it is long.
func words(program string, args []string) string {
	var b strings.Builder
	b.WriteString(shell.Word(program))
	for _, a := range args {
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
