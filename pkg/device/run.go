package device

import (
	"bytes"
	"context"
	"debug/elf"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"slimfit/pkg/tflite"
)

//go:embed firmware/avr.c
var avrFirmware []byte

//go:embed firmware/avr_host.c
var avrHost []byte

//go:embed firmware/arm.c
var armFirmware []byte

//go:embed firmware/arm.ld
var armScript []byte

func runAVR(ctx context.Context, d Device, dir string, m *tflite.Model, pixels []uint8) (Figures, error) {
	if err := write(dir, map[string][]byte{"avr.c": avrFirmware, "host.c": avrHost}); err != nil {
		return Figures{}, err
	}
	if err := command(ctx, dir, d.compiler, "-mmcu="+d.Name, "-std=c99", "-Os", "-ffunction-sections", "-fdata-sections",
		"-Wl,--gc-sections,--defsym=__TEXT_REGION_LENGTH__=128K,--defsym=__DATA_REGION_LENGTH__=60K", // what is too large is told by how much
		"-o", "net.elf", "avr.c", "net.c"); err != nil {
		return Figures{}, err
	}
	if err := command(ctx, dir, "cc", "-O2", "-o", "host", "host.c", "-lsimavr", "-lelf"); err != nil {
		return Figures{}, fmt.Errorf("%w (Debian's libsimavr-dev and libelf-dev have what is missing)", err)
	}
	firmware, err := elf.Open(filepath.Join(dir, "net.elf"))
	if err != nil {
		return Figures{}, err
	}
	defer firmware.Close()
	var f Figures
	var static int
	f.Flash, static = sections(firmware)
	size := m.InputShape().Elements()
	args := []string{"net.elf", d.Name}
	for _, part := range []struct {
		symbol string
		bytes  int
	}{{"pixels", size}, {"scores", m.Classes()}, {"state", 0}, {"_end", 0}} {
		at, err := symbol(firmware, part.symbol)
		if err != nil {
			return f, err
		}
		args = append(args, strconv.Itoa(at))
		if part.bytes > 0 {
			args = append(args, strconv.Itoa(part.bytes))
		}
	}
	f.RAM = static
	if err := d.room(f); err != nil { // it would run into its own stack
		return f, err
	}
	host := exec.CommandContext(ctx, filepath.Join(dir, "host"), args...)
	host.Dir, host.Stdin = dir, bytes.NewReader(pixels)
	out, err := host.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 6 {
		return f, &RoomError{d.Name, "RAM", d.RAM + 1, d.RAM} // or more: nothing was left between stack and data
	}
	if err != nil {
		return f, fmt.Errorf("simavr: %w", err)
	}
	n := len(pixels) / size
	if len(out) != n*(m.Classes()+8)+8 {
		return f, fmt.Errorf("simavr answered %d bytes for %d images", len(out), n)
	}
	for range n {
		for _, s := range out[:m.Classes()] {
			f.Scores = append(f.Scores, int8(s))
		}
		f.Cycles += float64(binary.LittleEndian.Uint64(out[m.Classes():])) / float64(n)
		out = out[m.Classes()+8:]
	}
	f.Stack = int(binary.LittleEndian.Uint64(out))
	f.RAM += f.Stack
	return f, nil
}

// armClock is SysTick's frequency on the simulated board (mps2-an386).
const armClock = 25_000_000

func runARM(ctx context.Context, d Device, dir string, m *tflite.Model, pixels []uint8) (Figures, error) {
	if err := write(dir, map[string][]byte{"arm.c": armFirmware, "arm.ld": armScript, "images.bin": pixels}); err != nil {
		return Figures{}, err
	}
	if err := command(ctx, dir, d.compiler, "-mcpu=cortex-m4", "-mthumb", "-std=gnu99", "-O2", "-ffunction-sections", "-fdata-sections",
		"-nostartfiles", "--specs=nano.specs", "-Tarm.ld", "-Wl,--gc-sections", "-o", "net.elf", "arm.c", "net.c"); err != nil {
		return Figures{}, err
	}
	firmware, err := elf.Open(filepath.Join(dir, "net.elf"))
	if err != nil {
		return Figures{}, err
	}
	defer firmware.Close()
	var f Figures
	f.Flash, f.RAM = sections(firmware)
	if err := command(ctx, dir, "qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none", "-icount",
		"shift=0",
		"-semihosting-config", "enable=on,target=native", "-kernel", "net.elf"); err != nil {
		return f, err
	}
	out, err := os.ReadFile(filepath.Join(dir, "scores.bin"))
	if err != nil {
		return f, err
	}
	n := len(pixels) / m.InputShape().Elements()
	if len(out) != n*(m.Classes()+4)+4 {
		return f, fmt.Errorf("qemu answered %d bytes for %d images", len(out), n)
	}
	for range n {
		for _, s := range out[:m.Classes()] {
			f.Scores = append(f.Scores, int8(s))
		}
		ticks := float64(binary.LittleEndian.Uint32(out[m.Classes():]))
		f.Instructions += ticks * 1e9 / armClock / float64(n)
		out = out[m.Classes()+4:]
	}
	f.Stack = int(binary.LittleEndian.Uint32(out))
	f.RAM += f.Stack
	return f, nil
}

func write(dir string, files map[string][]byte) error {
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// sections sums up a firmware: bytes in flash (code, constants and what
// initializes data) and of static RAM.
func sections(f *elf.File) (flash, ram int) {
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		if s.Type != elf.SHT_NOBITS {
			flash += int(s.Size)
		}
		if s.Flags&elf.SHF_WRITE != 0 {
			ram += int(s.Size)
		}
	}
	return flash, ram
}

// ramMask takes the part of an address that says which memory it is in off an
// AVR's.
const ramMask = 0xffff

func symbol(f *elf.File, name string) (int, error) {
	symbols, err := f.Symbols()
	if err != nil {
		return 0, fmt.Errorf("read the firmware's symbols: %w", err)
	}
	for _, s := range symbols {
		if s.Name == name {
			return int(s.Value & ramMask), nil
		}
	}
	return 0, fmt.Errorf("the firmware has no symbol %s", name)
}
