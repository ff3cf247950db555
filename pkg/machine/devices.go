package machine

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Devices are the GPUs for workers: those of a selection (see Choose), or, where
// it is "", all that this process may use. None means the CPU, which nobody gets
// who asked for GPUs. A driver that does not work is a note where nobody asked;
// a *SelectionError says that the selection, or CUDA_VISIBLE_DEVICES, is wrong.
func Devices(ctx context.Context, selection string) (devices []Device, note string, err error) {
	if selection == "none" {
		return nil, "", nil
	}
	variable, set := os.LookupEnv("CUDA_VISIBLE_DEVICES")
	cards, err := Cards(ctx)
	switch {
	case err != nil && (selection != "" || ctx.Err() != nil):
		return nil, "", err
	case err != nil:
		return nil, err.Error(), nil
	case len(cards) == 0 && selection == "":
		return nil, "", nil
	}
	visible, err := Visible(cards, variable, set)
	if err != nil {
		return nil, "", &SelectionError{err}
	}
	if selection == "" {
		return visible, "", nil
	}
	chosen, err := Choose(visible, selection)
	if err != nil {
		return nil, "", &SelectionError{fmt.Errorf("--gpus %s: %w", selection, err)}
	}
	if len(chosen) == 0 {
		why := "this machine has no NVIDIA driver, or none that shows a GPU"
		if set {
			why = fmt.Sprintf("CUDA_VISIBLE_DEVICES=%s shows none", variable)
		}
		return nil, "", fmt.Errorf("--gpus %s: no GPU: %s; `slimfit doctor` says more", selection, why)
	}
	return chosen, "", nil
}

// SelectionError is a choice of GPUs that cannot be.
type SelectionError struct{ Err error }

func (e *SelectionError) Error() string { return e.Err.Error() }
func (e *SelectionError) Unwrap() error { return e.Err }

// Device is what one worker process is given.
type Device struct {
	Visible string // its CUDA_VISIBLE_DEVICES
	Name    string // for people
}

// Visible lists the devices that this process may use, in CUDA's order. The
// variable is CUDA_VISIBLE_DEVICES where it is set: numbers, UUIDs or their
// beginnings, MIG names. CUDA ignores what it does not understand there, with
// all that follows; here it is an error, unless no cards are known to check it
// against (not every driver comes with nvidia-smi).
func Visible(cards []Card, variable string, set bool) ([]Device, error) {
	if !set {
		return all(cards), nil
	}
	var devices []Device
	for entry := range strings.SplitSeq(variable, ",") {
		entry = strings.TrimSpace(entry)
		if hidesRest(entry) {
			break
		}
		name, err := nameOf(cards, entry)
		if err != nil {
			return nil, fmt.Errorf("CUDA_VISIBLE_DEVICES=%s: %w", variable, err)
		}
		if slices.ContainsFunc(devices, func(d Device) bool { return d.Visible == entry }) {
			return nil, fmt.Errorf("CUDA_VISIBLE_DEVICES=%s: %s comes twice, and CUDA then shows no device", variable, entry)
		}
		devices = append(devices, Device{entry, name})
	}
	return devices, nil
}

func all(cards []Card) []Device {
	var devices []Device
	for _, c := range cards {
		for _, s := range c.Slices {
			devices = append(devices, Device{s.UUID, c.Name + ", " + s.Name})
		}
		if len(c.Slices) == 0 {
			devices = append(devices, Device{strconv.Itoa(c.Index), c.Name})
		}
	}
	return devices
}

// hidesRest says whether an entry of CUDA_VISIBLE_DEVICES is one that people,
// container tools and Slurm write for "no more devices".
func hidesRest(entry string) bool {
	switch entry {
	case "", "none", "void", "NoDevFiles":
		return true
	}
	n, err := strconv.Atoi(entry)
	return err == nil && n < 0
}

// nameOf is what people call the device of an entry.
func nameOf(cards []Card, entry string) (string, error) {
	if len(cards) == 0 {
		return "GPU " + entry, nil
	}
	if n, err := strconv.Atoi(entry); err == nil {
		for _, c := range cards {
			if c.Index == n {
				return c.Name, nil
			}
		}
		return "", fmt.Errorf("there is no GPU %d; %s", n, listed(cards))
	}
	var found []string
	for _, c := range cards {
		if strings.HasPrefix(c.UUID, entry) || strings.HasPrefix(entry, "MIG-"+c.UUID+"/") { // the latter is how older drivers name slices
			found = append(found, c.Name)
		}
		for _, s := range c.Slices {
			if strings.HasPrefix(s.UUID, entry) {
				found = append(found, c.Name+", "+s.Name)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("there is no GPU %q; %s", entry, listed(cards))
	}
	return "", fmt.Errorf("%q fits %d devices; %s", entry, len(found), listed(cards))
}

// listed names the cards for an error message.
func listed(cards []Card) string {
	var names []string
	for _, c := range cards {
		names = append(names, fmt.Sprintf("%d is %s", c.Index, c.UUID))
		for _, s := range c.Slices {
			names = append(names, s.UUID+" is a part of it")
		}
	}
	return "of this machine's, " + strings.Join(names, ", ")
}

// Choose picks devices by --gpus: "all", "none", or a list such as 0,2. A
// number counts the visible devices from 0, as CUDA does; a UUID or MIG name
// among them is taken too.
func Choose(visible []Device, selection string) ([]Device, error) {
	switch selection {
	case "none":
		return nil, nil
	case "all":
		return visible, nil
	}
	var chosen []Device
	for entry := range strings.SplitSeq(selection, ",") {
		entry = strings.TrimSpace(entry)
		i, err := strconv.Atoi(entry)
		if err != nil {
			i = slices.IndexFunc(visible, func(d Device) bool { return d.Visible == entry })
		}
		if entry == "" || err != nil && i < 0 && !strings.HasPrefix(entry, "GPU-") && !strings.HasPrefix(entry, "MIG-") {
			return nil, fmt.Errorf("want all, none, or a list such as 0,2")
		}
		if i < 0 || i >= len(visible) {
			return nil, fmt.Errorf("there is no visible GPU %s, %s", entry, counted(visible))
		}
		if slices.Contains(chosen, visible[i]) {
			return nil, fmt.Errorf("GPU %s comes twice; more workers on one GPU are a matter of --workers-per-gpu", entry)
		}
		chosen = append(chosen, visible[i])
	}
	return chosen, nil
}

func counted(visible []Device) string {
	switch len(visible) {
	case 0:
		return "there is none at all"
	case 1:
		return "there is only 0"
	}
	return fmt.Sprintf("there are 0 to %d", len(visible)-1)
}
