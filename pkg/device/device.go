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
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"slimfit/pkg/ccode"
	"slimfit/pkg/tflite"
)

// Device is a chip by name.
type Device struct {
	Name       string
	Flash, RAM int // bytes that the chip has
	Hertz      int // its usual clock; 0 where only instructions are counted
	compiler   string
	tools      []tool
	run        func(ctx context.Context, d Device, dir string, m *tflite.Model, pixels []uint8) (Figures, error)
}

// tool is a program that measuring takes, and the Debian package that has it.
type tool struct{ program, pkg string }

// All lists the devices.
func All() []Device {
	return []Device{
		{Name: "atmega328p", Flash: 32 << 10, RAM: 2 << 10, Hertz: 16_000_000, compiler: "avr-gcc",
			tools: []tool{{"avr-gcc", "gcc-avr"}, {"simavr", "simavr"}, {"cc", "gcc"}}, run: runAVR},
		{Name: "cortex-m4", Flash: 256 << 10, RAM: 64 << 10, compiler: "arm-none-eabi-gcc",
			tools: []tool{{"arm-none-eabi-gcc", "gcc-arm-none-eabi"}, {"qemu-system-arm", "qemu-system-arm"}}, run: runARM},
	}
}

// Named finds a device.
func Named(name string) (Device, error) {
	var names []string
	for _, d := range All() {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Device{}, fmt.Errorf("no device %q: want %s", name, strings.Join(names, " or "))
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
	Scores       []int8  // of all images
}

// Seconds is the time of an image at the chip's usual clock; 0 where cycles are
// not counted.
func (f Figures) Seconds(d Device) float64 {
	if d.Hertz == 0 {
		return 0
	}
	return f.Cycles / float64(d.Hertz)
}

// Measure builds the network for the device and runs it on the images, pixels
// of n*h*w*c. The error is a *MissingError where a tool is not installed, and a
// *RoomError where the device has no room.
func (d Device) Measure(ctx context.Context, m *tflite.Model, pixels []uint8) (Figures, error) {
	if missing := d.Missing(); missing != "" {
		return Figures{}, &MissingError{d.Name, missing}
	}
	source, err := ccode.Generate(m, ccode.Options{Name: "net"})
	if err != nil {
		return Figures{}, err
	}
	dir, err := os.MkdirTemp("", "slimfit-device-")
	if err != nil {
		return Figures{}, fmt.Errorf("measure on %s: %w", d.Name, err)
	}
	defer os.RemoveAll(dir)
	for name, b := range map[string][]byte{"net.c": source.C, "net.h": source.H} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			return Figures{}, fmt.Errorf("measure on %s: %w", d.Name, err)
		}
	}
	f, err := d.run(ctx, d, dir, m, pixels)
	if err != nil {
		return Figures{}, fmt.Errorf("measure on %s: %w", d.Name, err)
	}
	f.Device = d.Name
	return f, d.room(f)
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

// firstLine is what a program says of its version.
func firstLine(ctx context.Context, program string, args ...string) string {
	out, _ := exec.CommandContext(ctx, program, args...).Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
