package device

import (
	"debug/elf"
	"fmt"
)

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
