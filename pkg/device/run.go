package device

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed firmware/avr.c
var avrFirmware []byte

//go:embed firmware/avr_host.c
var avrHost []byte

//go:embed firmware/arm.c
var armFirmware []byte

//go:embed firmware/arm.ld
var armScript []byte

func runAVR(ctx context.Context, d Device, dir string, size, classes int, pixels []uint8) (Figures, error) {
	if err := write(dir, map[string][]byte{"avr.c": avrFirmware, "host.c": avrHost}); err != nil {
		return Figures{}, err
	}
	if err := command(ctx, dir, d.compiler, "-mmcu="+d.Name, "-std=c99", "-Os", "-ffunction-sections", "-fdata-sections",
		// what is too large is told by how much
		"-Wl,--gc-sections,--defsym=__TEXT_REGION_LENGTH__=128K,--defsym=__DATA_REGION_LENGTH__=60K,--defsym=__stack=0xfeff",
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
	f.Flash, static, f.symbols = sections(firmware)
	args := []string{"net.elf", d.Name}
	for _, part := range []struct {
		symbol string
		bytes  int
	}{{"pixels", size}, {"scores", classes}, {"state", 0}, {"_end", 0}} {
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
	if err := d.room(f); err != nil { // by its code or its data alone
		return f, err
	}
	host := exec.CommandContext(ctx, filepath.Join(dir, "host"), args...)
	host.Dir, host.Stdin = dir, bytes.NewReader(pixels)
	out, err := host.Output()
	if err != nil {
		return f, fmt.Errorf("simavr: %w", err)
	}
	n := len(pixels) / size
	if len(out) != n*(classes+8)+8 {
		return f, fmt.Errorf("simavr answered %d bytes for %d images", len(out), n)
	}
	for range n {
		for _, s := range out[:classes] {
			f.Scores = append(f.Scores, int8(s))
		}
		f.Cycles += float64(binary.LittleEndian.Uint64(out[classes:])) / float64(n)
		out = out[classes+8:]
	}
	f.Stack = int(binary.LittleEndian.Uint64(out))
	f.RAM += f.Stack
	return f, nil
}

// armClock is SysTick's frequency on the simulated board (mps2-an386).
const armClock = 25_000_000

func runARM(ctx context.Context, d Device, dir string, size, classes int, pixels []uint8) (Figures, error) {
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
	f.Flash, f.RAM, f.symbols = sections(firmware)
	if err := command(ctx, dir, "qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none", "-icount",
		"shift=0",
		"-semihosting-config", "enable=on,target=native", "-kernel", "net.elf"); err != nil {
		return f, err
	}
	out, err := os.ReadFile(filepath.Join(dir, "scores.bin"))
	if err != nil {
		return f, err
	}
	n := len(pixels) / size
	if len(out) != n*(classes+4)+4 {
		return f, fmt.Errorf("qemu answered %d bytes for %d images", len(out), n)
	}
	for range n {
		for _, s := range out[:classes] {
			f.Scores = append(f.Scores, int8(s))
		}
		ticks := float64(binary.LittleEndian.Uint32(out[classes:]))
		f.Instructions += ticks * 1e9 / armClock / float64(n)
		out = out[classes+4:]
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
// initializes data), of static RAM, and of each symbol's code.
func sections(f *elf.File) (flash, ram int, symbols map[string]int) {
	symbols = map[string]int{}
	all, _ := f.Symbols()
	for i, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		if s.Type != elf.SHT_NOBITS {
			flash += int(s.Size)
		}
		if s.Flags&elf.SHF_WRITE != 0 {
			ram += int(s.Size)
		}
		if s.Flags&elf.SHF_EXECINSTR == 0 {
			continue
		}
		end := s.Addr + s.Size
		slices.SortFunc(all, func(a, b elf.Symbol) int { // of names for one place that of the object first
			return cmp.Or(-cmp.Compare(a.Value, b.Value), -cmp.Compare(a.Info&1, b.Info&1), cmp.Compare(a.Name, b.Name))
		})
		for _, y := range all {
			if int(y.Section) == i && y.Value&^1 < end && y.Value >= s.Addr && y.Name != "" && !strings.HasPrefix(y.Name, "$") {
				symbols[y.Name] = int(end - y.Value&^1)
				end = y.Value &^ 1
			}
		}
	}
	return flash, ram, symbols
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
