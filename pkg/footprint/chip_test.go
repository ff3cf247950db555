package footprint_test

import (
	"testing"

	"slimfit/pkg/footprint"
)

func TestParseAmount(t *testing.T) {
	for _, c := range []struct {
		cost footprint.Cost
		text string
		want float64 // 0: refused
	}{
		{footprint.FlashBytes, "24k", 24576}, {footprint.RAMBytes, "1.5k", 1536}, {footprint.RAMBytes, "1.5 KiB", 1536},
		{footprint.FlashBytes, "1M", 1 << 20}, {footprint.WeightBytes, "32KB", 32768}, {footprint.ArenaBytes, "900B", 900},
		{footprint.LatencyMicros, "200ms", 200_000}, {footprint.LatencyMicros, "0.5s", 500_000}, {footprint.LatencyMicros, "80us", 80},
		{footprint.LatencyMicros, "80µs", 80}, {footprint.LatencyMicros, "80\u03bcs", 80}, {footprint.MACs, "50k", 50_000},
		{footprint.Cycles, "3.2M", 3.2e6}, {footprint.Cycles, "3ms", 0}, {footprint.LatencyMicros, "3k", 0}, {footprint.FlashBytes, "24q", 0},
		{footprint.FlashBytes, "-24k", 0}, {footprint.FlashBytes, "k", 0}, {footprint.FlashBytes, "1.2.3k", 0}, {footprint.LatencyMicros, "2MS", 0},
	} {
		if got, ok := footprint.ParseAmount(c.cost, c.text); ok != (c.want > 0) || ok && got != c.want {
			t.Errorf("%s %q: %v, %v, want %v", c.cost, c.text, got, ok, c.want)
		}
	}
}

func TestChipFigures(t *testing.T) {
	chip := &footprint.OnChip{Chip: "atmega328p", Flash: 9000, RAM: 1500, Cycles: 3_200_000}
	f := footprint.Footprint{Measured: &footprint.Measured{Chip: chip}}
	for c, want := range map[footprint.Cost]int{footprint.FlashBytes: 9000, footprint.RAMBytes: 1500, footprint.Cycles: 3_200_000,
		footprint.LatencyMicros: 200_000, footprint.Instructions: 0} {
		if got := f.Get(c); got != want || f.Has(c) != (want > 0) {
			t.Errorf("%s: %d, has %v, want %d", c, got, f.Has(c), want)
		}
	}
	m4, err := footprint.ChipNamed("cortex-m4")
	if err != nil {
		t.Fatal(err)
	}
	for c, refused := range map[footprint.Cost]bool{footprint.LatencyMicros: true, footprint.Cycles: true, footprint.Instructions: false,
		footprint.FlashBytes: false} {
		if err := m4.Refuses(c); (err != nil) != refused {
			t.Errorf("%s: %v", c, err)
		}
	}
}
