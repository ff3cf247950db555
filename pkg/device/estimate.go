package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"slimfit/pkg/ccode"
	"slimfit/pkg/footprint"
	"slimfit/pkg/tflite"
)

// Sums are the model of a device that serves spaces of thousands of networks,
// where building and running each takes hours. The C code's steps are functions
// apart, so a network costs what its steps cost by themselves: each distinct one is
// built and run once, and kept in a folder by its code, compiler and simulator.
type Sums struct {
	device Device
	by     string
	folder string

	mu    sync.Mutex
	parts map[string]part
}

// part is what a step, or a frame without steps, takes.
type part struct {
	Flash   int            `json:"flash"` // bytes of a firmware with it alone, without its constants
	RAM     int            `json:"ram"`   // bytes, without inputs, results and stack
	Stack   int            `json:"stack"`
	Time    float64        `json:"time"`    // cycles or instructions
	Symbols map[string]int `json:"symbols"` // bytes of functions that steps have in common
}

// Sums begins sums; parts are kept in the folder. The error is a *MissingError
// where a tool is not installed.
func (d Device) Sums(ctx context.Context, folder string) (*Sums, error) {
	if missing := d.Missing(); missing != "" {
		return nil, &MissingError{d.Name, missing}
	}
	return &Sums{device: d, by: d.By(ctx), folder: folder, parts: map[string]part{}}, nil
}

// Estimate is the sum for a network in int8. The error is a *RoomError where its
// constants or activations alone have no room; then only they are in the figures.
func (s *Sums) Estimate(ctx context.Context, m *tflite.Model) (*footprint.OnChip, error) {
	d := s.device
	fail := func(err error) (*footprint.OnChip, error) { return nil, fmt.Errorf("estimate on %s: %w", d.Name, err) }
	parts, arena, err := ccode.Parts(m)
	if err != nil {
		return fail(err)
	}
	least := &footprint.OnChip{Chip: d.Name, RAM: m.InputShape().Elements() + m.Classes() + arena}
	keys := ""
	for _, p := range parts {
		least.Flash += p.Flash
		keys += p.Key
	}
	if err := d.room(Figures{Flash: least.Flash, RAM: least.RAM}); err != nil {
		return least, err
	}
	empty, err := s.part(ctx, ccode.Frame(m, 1), 1)
	if err != nil {
		return fail(err)
	}
	all, err := s.part(ctx, ccode.Frame(m, m.Classes()), m.Classes())
	if err != nil {
		return fail(err)
	}
	common := maps.Clone(empty.Symbols)
	for _, p := range parts {
		one, err := s.part(ctx, p, 1)
		if err != nil {
			return fail(err)
		}
		all.Flash += one.Flash + p.Flash - empty.Flash
		if d.joins {
			all.Flash -= p.Again
		}
		for name, size := range one.Symbols {
			switch already, ok := common[name]; {
			case !ok:
				common[name] = size
			case empty.Symbols[name] == 0:
				all.Flash -= min(size, already)
				common[name] = max(size, already)
			}
		}
		all.Time += one.Time - empty.Time
		all.Stack = max(all.Stack, one.Stack)
	}
	out := &footprint.OnChip{Chip: d.Name, Flash: all.Flash, RAM: all.RAM + all.Stack + least.RAM,
		By: footprint.AnEstimate + ", the sum of layers measured by " + s.by, Code: d.hash([]byte(keys))}
	if took := int(math.Round(all.Time)); d.Counts == footprint.Cycles {
		out.Cycles = took
	} else {
		out.Instructions = took
	}
	return out, nil
}

// part is what is kept of a part, else what it takes now.
func (s *Sums) part(ctx context.Context, p ccode.Part, classes int) (got part, err error) {
	key := s.device.hash([]byte(s.device.Name), []byte(s.by), []byte(p.Key))
	s.mu.Lock()
	got, ok := s.parts[key]
	s.mu.Unlock()
	if ok {
		return got, nil
	}
	file := filepath.Join(s.folder, key+".json")
	b, err := os.ReadFile(file)
	if err == nil && json.Unmarshal(b, &got) == nil {
		s.keep(key, got)
		return got, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return got, err
	}
	source, err := p.Source()
	if err != nil {
		return got, err
	}
	pixels := make([]uint8, 4*p.Inputs) // the simulators' clocks are coarse
	r := rand.New(rand.NewPCG(1, 24))
	for i := range pixels {
		pixels[i] = uint8(r.IntN(256))
	}
	roomy := s.device
	roomy.RAM = max(roomy.RAM, 60<<10) // a step that works in place has two arrays here
	f, err := roomy.build(ctx, source, p.Inputs, classes, pixels)
	if err != nil {
		return got, err
	}
	maps.DeleteFunc(f.symbols, func(name string, _ int) bool { return strings.HasSuffix(name, "0") || name == "net_classify" })
	got = part{Flash: f.Flash - p.Flash, RAM: f.RAM - f.Stack - p.Inputs - classes - source.ArenaBytes, Stack: f.Stack,
		Time: f.Cycles + f.Instructions, Symbols: f.symbols}
	s.keep(key, got)
	if b, err = json.Marshal(got); err == nil {
		if err = os.MkdirAll(s.folder, 0o777); err == nil {
			err = write(s.folder, map[string][]byte{key + ".json": b})
		}
	}
	return got, err
}

func (s *Sums) keep(key string, p part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[key] = p
}
