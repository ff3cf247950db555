package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Card is a GPU of this machine.
type Card struct {
	Index  int    // by PCI bus, as nvidia-smi counts and CUDA with CUDA_DEVICE_ORDER=PCI_BUS_ID
	UUID   string // GPU-...
	Name   string
	Slices []Slice // its MIG devices; CUDA then runs on these only, one a process
}

// Slice is a MIG device, a part of a card.
type Slice struct {
	UUID string // MIG-...
	Name string // such as "MIG 1g.5gb"
}

// smiTimeout is for machines whose driver must first be loaded.
const smiTimeout = 30 * time.Second

// Cards lists the NVIDIA GPUs of this machine, without CUDA and without C code:
// by nvidia-smi, which comes with the driver, else by the driver's own files. A machine without a driver has no
// cards; an error means that there is a driver which does not work.
func Cards(ctx context.Context) ([]Card, error) {
	smi, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return driverCards(os.DirFS("/"))
	}
	ctx, cancel := context.WithTimeout(ctx, smiTimeout)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, smi, "-L")
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		text := strings.Join(strings.Fields(said.String()+" "+string(out)), " ")
		if strings.Contains(text, "No devices were found") {
			return nil, nil
		}
		return nil, fmt.Errorf("list GPUs by nvidia-smi: %w: %s", err, text)
	}
	return smiCards(string(out))
}

// smiCards reads what `nvidia-smi -L` prints:
//
//	GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-...)
//	  MIG 3g.20gb     Device  0: (UUID: MIG-84fd49f2-...)
func smiCards(text string) ([]Card, error) {
	card := regexp.MustCompile(`^GPU (\d+): (.*) \(UUID: (GPU-[^)\s]+)\)`)
	slice := regexp.MustCompile(`^\s+(MIG\s+\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)\s]+)\)`)
	var cards []Card
	for line := range strings.Lines(text) {
		if m := card.FindStringSubmatch(line); m != nil {
			index, err := strconv.Atoi(m[1])
			if err != nil {
				return nil, fmt.Errorf("read nvidia-smi -L: %w", err)
			}
			cards = append(cards, Card{Index: index, Name: m[2], UUID: m[3]})
		} else if m := slice.FindStringSubmatch(line); m != nil && len(cards) > 0 {
			last := &cards[len(cards)-1]
			last.Slices = append(last.Slices, Slice{UUID: m[2], Name: strings.Join(strings.Fields(m[1]), " ")})
		}
	}
	return cards, nil
}

// driverCards reads the files that NVIDIA's kernel module shows, one folder a
// card, named by PCI bus. They know nothing of MIG.
func driverCards(root fs.FS) ([]Card, error) {
	const dir = "proc/driver/nvidia/gpus"
	entries, err := fs.ReadDir(root, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list GPUs: %w", err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	var cards []Card
	for i, e := range entries {
		b, err := fs.ReadFile(root, path.Join(dir, e.Name(), "information"))
		if err != nil {
			return nil, fmt.Errorf("list GPUs: %w", err)
		}
		c := Card{Index: i}
		for line := range strings.Lines(string(b)) {
			key, value, _ := strings.Cut(line, ":")
			switch strings.TrimSpace(key) {
			case "Model":
				c.Name = strings.TrimSpace(value)
			case "GPU UUID":
				c.UUID = strings.TrimSpace(value)
			}
		}
		cards = append(cards, c)
	}
	return cards, nil
}

// StartMPS is the command that starts NVIDIA's Multi-Process Service.
const StartMPS = "nvidia-cuda-mps-control -d"

// MPS says whether the Multi-Process Service runs for this user: its control
// pipe is there. Without it processes on one GPU take turns, and several workers
// gain nothing.
func MPS() bool {
	dir := cmp.Or(os.Getenv("CUDA_MPS_PIPE_DIRECTORY"), "/tmp/nvidia-mps")
	info, err := os.Stat(filepath.Join(dir, "control"))
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}
