// Package device measures a network on the chips that people take it to: the C
// code of pkg/ccode, built by the chip's compiler and run in a simulator.
//
// ATmega328P runs in simavr, which counts cycles; a Cortex-M4 in qemu, which
// counts instructions. Flash and RAM are those of the smallest firmware that
// classifies: code, constants, one image's pixels, its scores, activations and
// stack.
package device

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"

	"slimfit/pkg/ccode"
	"slimfit/pkg/footprint"
	"slimfit/pkg/tflite"
)

// Device is a chip that networks are measured on.
type Device struct {
	footprint.Chip
	compiler string
	joins    bool // the compiler stores equal constants once
	tools    []tool
	run      func(ctx context.Context, d Device, dir string, size, classes int, pixels []uint8) (Figures, error)
}

// tool is a program that measuring takes, and the Debian package that has it.
type tool struct{ program, pkg string }

// All lists the devices.
func All() []Device {
	all := []Device{{compiler: "avr-gcc", run: runAVR, tools: []tool{{"avr-gcc", "gcc-avr"}, {"simavr", "simavr"}, {"cc", "gcc"}}},
		{compiler: "arm-none-eabi-gcc", joins: true, run: runARM,
			tools: []tool{{"arm-none-eabi-gcc", "gcc-arm-none-eabi"}, {"qemu-system-arm", "qemu-system-arm"}}}}
	for i, c := range footprint.Chips() {
		all[i].Chip = c
	}
	return all
}

// Named finds a device.
func Named(name string) (Device, error) {
	chip, err := footprint.ChipNamed(name)
	if err != nil {
		return Device{}, err
	}
	all := All()
	return all[slices.IndexFunc(all, func(d Device) bool { return d.Name == chip.Name })], nil
}

// Missing is what has to be installed to measure on the device; "" is nothing.
func (d Device) Missing() string {
	var packages []string
	for _, t := range d.tools {
		if _, err := exec.LookPath(t.program); err != nil {
			packages = append(packages, t.pkg)
		}
	}
	return strings.Join(packages, " ")
}

// Figures are what a network takes on a device.
type Figures struct {
	Device       string
	Flash        int     // bytes of code and constants, the self-test left out
	RAM          int     // bytes: static data, pixels and scores among them, and Stack
	Stack        int     // bytes of stack at the deepest
	Cycles       float64 // an image, the mean; 0 where they are not counted
	Instructions float64 // an image, the mean; 0 where they are not counted
	By           string  // compiler and simulator
	Code         string  // a hash of the C code and the firmware around it
	Scores       []int8  // of all images

	symbols map[string]int // bytes of code by name
}

// OnChip are the figures as a footprint has them.
func (f Figures) OnChip() *footprint.OnChip {
	return &footprint.OnChip{Chip: f.Device, Flash: f.Flash, RAM: f.RAM, Cycles: int(math.Round(f.Cycles)),
		Instructions: int(math.Round(f.Instructions)), By: f.By, Code: f.Code}
}

// Measure builds the network for the device and runs it on the images, pixels
// of n*h*w*c. The error is a *MissingError where a tool is not installed, and a
// *RoomError where the device has no room: then the sizes are known, and what
// running it tells may not be.
func (d Device) Measure(ctx context.Context, m *tflite.Model, pixels []uint8) (Figures, error) {
	if missing := d.Missing(); missing != "" {
		return Figures{}, &MissingError{d.Name, missing}
	}
	source, err := ccode.Generate(m, ccode.Options{Name: "net"})
	if err != nil {
		return Figures{}, err
	}
	size := m.InputShape().Elements()
	least := Figures{Device: d.Name, Flash: source.FlashBytes, RAM: size + m.Classes() + source.ArenaBytes}
	if err := d.room(least); err != nil { // compilers refuse arrays that are larger than a chip's addresses
		return least, err
	}
	if m.Scaling.Series() { // levels, which C takes as int8
		pixels = slices.Clone(pixels)
		for i := range pixels {
			pixels[i] ^= 0x80
		}
	}
	f, err := d.build(ctx, source, size, m.Classes(), pixels)
	f.Device, f.By, f.Code = d.Name, d.By(ctx), d.hash(source.C, source.H)
	if err != nil {
		return f, fmt.Errorf("measure on %s: %w", d.Name, err)
	}
	return f, d.room(f)
}

// build builds C code for inputs of so many bytes and runs it.
func (d Device) build(ctx context.Context, source ccode.Source, size, classes int, pixels []uint8) (Figures, error) {
	dir, err := os.MkdirTemp("", "slimfit-device-")
	if err != nil {
		return Figures{}, err
	}
	defer os.RemoveAll(dir)
	if err := write(dir, map[string][]byte{"net.c": source.C, "net.h": source.H}); err != nil {
		return Figures{}, err
	}
	return d.run(ctx, d, dir, size, classes, pixels)
}

// Code is a hash of what Measure builds: the network's C code and the firmware
// around it.
func (d Device) Code(m *tflite.Model) (string, error) {
	source, err := ccode.Generate(m, ccode.Options{Name: "net"})
	if err != nil {
		return "", err
	}
	return d.hash(source.C, source.H), nil
}

// hash is of what figures depend on but for compiler and simulator.
func (d Device) hash(code ...[]byte) string {
	sum := sha256.Sum256(slices.Concat(slices.Concat(code...), avrFirmware, avrHost, armFirmware, armScript))
	return hex.EncodeToString(sum[:8])
}

// MissingError says which packages measuring on a device takes.
type MissingError struct{ Device, Packages string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("measuring on %s takes %s: apt-get install %s", e.Device, e.Packages, e.Packages)
}

// RoomError says that a network does not fit.
type RoomError struct {
	Device, Part string // flash or RAM
	Needs, Has   int    // bytes
}

func (e *RoomError) Error() string {
	return fmt.Sprintf("%s has %d bytes of %s, the network needs %d: %d too many", e.Device, e.Has, e.Part, e.Needs, e.Needs-e.Has)
}

func (d Device) room(f Figures) error {
	switch {
	case f.Flash > d.Flash:
		return &RoomError{d.Name, "flash", f.Flash, d.Flash}
	case f.RAM > d.RAM:
		return &RoomError{d.Name, "RAM", f.RAM, d.RAM}
	}
	return nil
}

// command runs a program in the folder; its error has the end of what it said.
func command(ctx context.Context, dir, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %.500s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// By says which compiler and simulator measure on the device, with versions.
func (d Device) By(ctx context.Context) string {
	simulator := "simavr " + firstLine(ctx, "dpkg-query", "-W", "-f=${Version}", "libsimavr-dev")
	if d.Counts == footprint.Instructions {
		simulator = firstLine(ctx, "qemu-system-arm", "--version")
	}
	return firstLine(ctx, d.compiler, "--version") + ", " + strings.TrimSpace(simulator)
}

// firstLine is what a program says of its version.
func firstLine(ctx context.Context, program string, args ...string) string {
	out, _ := exec.CommandContext(ctx, program, args...).Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
