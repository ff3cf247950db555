package footprint

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Chip is a device that networks are taken to.
type Chip struct {
	Name       string
	Flash, RAM int  // bytes that it has
	Hertz      int  // its usual clock; 0 where cycles are not counted
	Counts     Cost // what its simulator counts of an image: Cycles or Instructions
}

// Chips are the devices that a target may name; pkg/device measures on them.
func Chips() []Chip {
	return []Chip{
		{Name: "atmega328p", Flash: 32 << 10, RAM: 2 << 10, Hertz: 16_000_000, Counts: Cycles},
		{Name: "cortex-m4", Flash: 256 << 10, RAM: 64 << 10, Counts: Instructions},
	}
}

// ChipNamed finds a chip.
func ChipNamed(name string) (Chip, error) {
	var names []string
	for _, c := range Chips() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Chip{}, fmt.Errorf("no device %q: want %s", name, strings.Join(names, " or "))
}

// Refuses says why a cost cannot be had on the chip; nil where it can.
func (c Chip) Refuses(cost Cost) error {
	switch {
	case cost == LatencyMicros && c.Hertz == 0:
		return fmt.Errorf("qemu counts no cycles of a %s, so its latency is not known; %s is the figure there", c.Name, c.Counts)
	case (cost == Cycles || cost == Instructions) && cost != c.Counts:
		return fmt.Errorf("the simulator of %s counts %s, not %s", c.Name, c.Counts, cost)
	}
	return nil
}

// OnChip are a network's figures on a chip.
type OnChip struct {
	Chip         string `json:"name"`
	Flash        int    `json:"flash_bytes"` // code and constants of the smallest firmware that classifies
	RAM          int    `json:"ram_bytes"`   // one image's pixels, its scores, activations and stack
	Cycles       int    `json:"cycles,omitempty"`
	Instructions int    `json:"instructions,omitempty"`
	By           string `json:"by"`             // compiler and simulator, or that it is an estimate
	Code         string `json:"code,omitempty"` // a hash of the C code that was measured
}

// Costs are those that it has figures of.
func (m *OnChip) Costs() []Cost {
	costs := []Cost{FlashBytes, RAMBytes}
	if m.Instructions > 0 {
		return append(costs, Instructions)
	}
	return append(costs, Cycles, LatencyMicros)
}

// AnEstimate begins By where no simulator ran the network.
const AnEstimate = "an estimate"

// Estimated says whether the figures are no simulator's.
func (m *OnChip) Estimated() bool { return strings.HasPrefix(m.By, AnEstimate) }

// Lacks says how many bytes of flash and RAM the chip has too few of; "" where
// there is room.
func (m *OnChip) Lacks() string {
	c, err := ChipNamed(m.Chip)
	if err != nil {
		return ""
	}
	var parts []string
	if n := m.Flash - c.Flash; n > 0 {
		parts = append(parts, fmt.Sprintf("%d bytes of flash", n))
	}
	if n := m.RAM - c.RAM; n > 0 {
		parts = append(parts, fmt.Sprintf("%d bytes of RAM", n))
	}
	lacks := strings.Join(parts, " and ")
	if lacks != "" && m.Estimated() {
		lacks = "at least " + lacks
	}
	return lacks
}

func (m *OnChip) micros() int {
	c, err := ChipNamed(m.Chip)
	if err != nil || c.Hertz == 0 {
		return 0
	}
	return int(math.Round(1e6 * float64(m.Cycles) / float64(c.Hertz)))
}

var amount = regexp.MustCompile(`^([0-9]*\.?[0-9]+)[ ]?([A-Za-zµμ]+)$`)

// ParseAmount reads a limit of the cost as people write it: 24k and 1.5 KB are
// 1,024 bytes each, 200ms is a time in microseconds, 3M of another cost three
// million.
func ParseAmount(c Cost, s string) (float64, bool) {
	units := map[string]float64{"k": 1e3, "m": 1e6, "g": 1e9}
	unit := strings.ToLower
	switch {
	case c == LatencyMicros:
		units = map[string]float64{"us": 1, "µs": 1, "ms": 1e3, "s": 1e6}
		unit = strings.NewReplacer("\u03bc", "\u00b5").Replace
	case strings.HasSuffix(string(c), "_bytes"):
		units = map[string]float64{"b": 1, "k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20}
	}
	found := amount.FindStringSubmatch(s)
	if found == nil {
		return 0, false
	}
	x, err := strconv.ParseFloat(found[1], 64)
	factor, ok := units[unit(found[2])]
	return x * factor, err == nil && ok
}
