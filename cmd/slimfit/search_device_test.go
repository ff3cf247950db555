package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"slimfit/pkg/device"
	"slimfit/pkg/exit"
	"slimfit/pkg/footprint"
)

// TestSearchOnADevice searches for the least flash of an ATmega328P: the
// certificate has what compiler and simulator say, which verify measures again
// where they are there.
func TestSearchOnADevice(t *testing.T) {
	l := newInt8Lab(t)
	l.write("e.yaml", strings.Replace(int8Experiment, "cost: tflite_int8_bytes, precision: int8",
		"device: atmega328p, cost: flash, within: {ram: 0.3k, latency: 20ms}", 1))
	d, err := device.Named("atmega328p")
	if err != nil {
		t.Fatal(err)
	}
	if missing := d.Missing(); missing != "" {
		t.Skipf("NOT RUN on %s: no %s", d.Name, missing)
	}
	code, out, errs := l.run("search", "e.yaml")
	if code != exit.Done || !strings.Contains(errs, "building 4 configurations for atmega328p") {
		t.Fatalf("code %d\n%s\n%s", code, out, errs)
	}
	c := l.certificate()
	chip := c.Winner.Footprint.Measured.Chip
	if c.Target.Device != "atmega328p" || c.Target.Precision != "int8" || chip.By != d.By(t.Context()) ||
		chip.Flash < 1000 || chip.Cycles < 1000 {
		t.Errorf("target %+v, figures %+v", c.Target, chip)
	}
	limits := map[footprint.Cost]float64{}
	for _, w := range c.Target.Within {
		limits[w.Cost] = w.Limit
	}
	if limits[footprint.RAMBytes] != 0.3*1024 || limits[footprint.LatencyMicros] != 20_000 || limits[footprint.FlashBytes] != 32<<10 {
		t.Errorf("limits %v", limits)
	}
	if code, _, errs = l.run("search", "e.yaml"); code != exit.Done || strings.Contains(errs, "building") {
		t.Errorf("the figures were not kept: code %d\n%s", code, errs)
	}
	kept := filepath.Join(l.dir, "runs/tiny/device-atmega328p.json")
	b, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	older := strings.Replace(string(b), `"code": "`, `"code": "0`, 1) // as of other C code
	if err := os.WriteFile(kept, []byte(older), 0o666); err != nil || older == string(b) {
		t.Fatal(err, older)
	}
	code, _, errs = l.run("search", "e.yaml")
	again, _ := os.ReadFile(kept)
	if code != exit.Done || !strings.Contains(errs, "building 1 configuration for") || string(again) != string(b) {
		t.Errorf("figures of other C code were taken: code %d\n%s", code, errs)
	}
	code, out, errs = l.run("report", "runs/tiny", "-n")
	if code != exit.Done || !strings.Contains(out, "flash bytes") || strings.Contains(errs+out, "is left out:") {
		t.Errorf("report: code %d\n%s\n%s", code, out, errs)
	}
	if code, out, errs = l.run("verify", "runs/tiny/certificate.json"); code != exit.Done || strings.Contains(errs, "not measured again") {
		t.Errorf("verify: code %d\n%s\n%s", code, out, errs)
	}
	l.forgeAndMiss(t, chip)
}

// forgeAndMiss takes 100 bytes of flash off the winner's figures, and then the
// compiler away.
func (l *testLab) forgeAndMiss(t *testing.T, chip *footprint.OnChip) {
	file := filepath.Join(l.dir, "runs/tiny/certificate.json")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "")
	code, out, errs := l.run("verify", "runs/tiny/certificate.json")
	if code != exit.Done || !strings.Contains(errs, "not measured again: measuring on atmega328p takes gcc-avr simavr gcc") {
		t.Errorf("verify without tools: code %d\n%s\n%s", code, out, errs)
	}
	code, out, errs = l.run("search", "e.yaml", "-o", "fresh")
	if code != exit.IO || !strings.Contains(errs,
		"e.yaml: measuring on atmega328p takes gcc-avr simavr gcc: apt-get install gcc-avr simavr gcc") {
		t.Errorf("search without tools: code %d\n%s\n%s", code, out, errs)
	}
	os.Setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
	flash := func(n int) string { return `"flash_bytes": ` + strconv.Itoa(n) }
	forged := strings.ReplaceAll(string(whole), flash(chip.Flash), flash(chip.Flash-100))
	if err := os.WriteFile(file, []byte(forged), 0o666); err != nil {
		t.Fatal(err)
	}
	code, out, errs = l.run("verify", "runs/tiny/certificate.json")
	if code != exit.Trials || !strings.Contains(out, "its flash_bytes is "+strconv.Itoa(chip.Flash)+", the certificate says") {
		t.Errorf("a forged figure: code %d\n%s\n%s", code, out, errs)
	}
	cycles := func(n int) string { return `"cycles": ` + strconv.Itoa(n) }
	other := strings.ReplaceAll(strings.ReplaceAll(string(whole), cycles(chip.Cycles), cycles(chip.Cycles+1)), `"code": "`, `"code": "0`)
	err = errors.Join(os.Remove(strings.Replace(file, ".json", ".txt", 1)), os.WriteFile(file, []byte(other), 0o666))
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs = l.run("verify", "runs/tiny/certificate.json")
	if code != exit.Done || !strings.Contains(errs, "they are of the C code of another generator, 0"+chip.Code) {
		t.Errorf("figures of another generator: code %d\n%s\n%s", code, out, errs)
	}
}
