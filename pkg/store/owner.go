package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Owner identifies a process among all that may share a run folder.
type Owner struct {
	Host         string `json:"host"`          // for people: two hosts may have one name
	BootID       string `json:"boot_id"`       // of the kernel since it started
	PIDNamespace string `json:"pid_namespace"` // the one that PID counts in
	PID          int    `json:"pid"`
	StartTime    uint64 `json:"start_time"` // in clock ticks since boot: tells a reused PID
	Nonce        string `json:"nonce"`      // random
}

func (o Owner) String() string { return fmt.Sprintf("process %d on %s", o.PID, o.Host) }

// newOwner identifies this process. Where /proc is missing, or shows another
// PID namespace, BootID or PIDNamespace stay empty and only the heartbeat tells
// others whether this process lives.
func newOwner() Owner {
	o := Owner{PID: os.Getpid(), Nonce: randomHex(8)}
	o.Host, _ = os.Hostname()
	o.Host = cmp.Or(o.Host, "unknown")
	pid, _, start, err := processStat("self")
	if err != nil || pid != o.PID {
		return o
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return o
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return o
	}
	o.BootID, o.PIDNamespace, o.StartTime = strings.TrimSpace(string(boot)), namespace, start
	return o
}

// dead says whether me can tell that the process o is gone. False means that
// it lives or that me cannot know.
func (o Owner) dead(me Owner) bool {
	if me.BootID == "" || o.BootID != me.BootID || o.PIDNamespace != me.PIDNamespace || o.PID <= 0 {
		return false
	}
	if err := syscall.Kill(o.PID, 0); errors.Is(err, syscall.ESRCH) {
		return true
	}
	_, state, start, err := processStat(strconv.Itoa(o.PID))
	if err != nil {
		return false // hidden from us, or gone just now: the next look tells
	}
	return start != o.StartTime || state == 'Z' || state == 'X'
}

// processStat reads pid, state and start time (in clock ticks since boot) from
// /proc/<name>/stat, see proc(5).
func processStat(name string) (pid int, state byte, start uint64, err error) {
	b, err := os.ReadFile("/proc/" + name + "/stat")
	if err != nil {
		return 0, 0, 0, err
	}
	// The command's name, in parentheses, may contain anything.
	head, _, ok1 := bytes.Cut(b, []byte(" ("))
	end := bytes.LastIndexByte(b, ')')
	if !ok1 || end < 0 {
		return 0, 0, 0, fmt.Errorf("/proc/%s/stat: %q", name, b)
	}
	fields := strings.Fields(string(b[end+1:]))
	if len(fields) < 20 {
		return 0, 0, 0, fmt.Errorf("/proc/%s/stat: %d fields", name, len(fields))
	}
	pid, err1 := strconv.Atoi(string(head))
	start, err2 := strconv.ParseUint(fields[19], 10, 64) // field 22; fields[0] is field 3
	return pid, fields[0][0], start, errors.Join(err1, err2)
}
