package machine

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

const smiList = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-84fd49f2-48ad-50e8-9f2e-3bf0dfd47ccb)
  MIG 2g.10gb     Device  1: (UUID: MIG-94fd49f2-48ad-50e8-9f2e-3bf0dfd47ccb)
GPU 1: Tesla T4 (UUID: GPU-aa5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
GPU 2: Tesla T4 (UUID: GPU-ab5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
`

const (
	card0  = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"
	slice0 = "MIG-84fd49f2-48ad-50e8-9f2e-3bf0dfd47ccb"
	slice1 = "MIG-94fd49f2-48ad-50e8-9f2e-3bf0dfd47ccb"
	card1  = "GPU-aa5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"
	card2  = "GPU-ab5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"
)

func fakeCards(t *testing.T) []Card {
	t.Helper()
	cards, err := smiCards(smiList)
	if err != nil {
		t.Fatal(err)
	}
	return cards
}

func TestSMICards(t *testing.T) {
	want := []Card{
		{Index: 0, UUID: card0, Name: "NVIDIA A100-SXM4-40GB", Slices: []Slice{{slice0, "MIG 3g.20gb"}, {slice1, "MIG 2g.10gb"}}},
		{Index: 1, UUID: card1, Name: "Tesla T4"},
		{Index: 2, UUID: card2, Name: "Tesla T4"},
	}
	if got := fakeCards(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// Find believes nvidia-smi where there is one.
func TestCards(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		cards  int
		fails  string
	}{
		"cards":      {"[ \"$1\" = -L ] && cat <<'E'\n" + smiList + "E", 3, ""},
		"no devices": {"echo 'No devices were found'; exit 6", 0, ""},
		"broken":     {"echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", 0, "version mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, "nvidia-smi"), []byte("#!/bin/sh\n"+c.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			cards, err := Cards(context.Background())
			if len(cards) != c.cards || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("got %d cards, %v", len(cards), err)
			}
		})
	}
}

func TestDriverCards(t *testing.T) {
	info := func(model, uuid string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("Model: \t\t " + model + "\nIRQ:   \t\t 40\nGPU UUID: \t " + uuid + "\nDevice Minor: \t 0\n")}
	}
	cards, err := driverCards(fstest.MapFS{
		"proc/driver/nvidia/gpus/0000:af:00.0/information": info("Tesla T4", card2),
		"proc/driver/nvidia/gpus/0000:3b:00.0/information": info("Tesla T4", card1),
	})
	want := []Card{{Index: 0, UUID: card1, Name: "Tesla T4"}, {Index: 1, UUID: card2, Name: "Tesla T4"}}
	if err != nil || !reflect.DeepEqual(cards, want) {
		t.Errorf("got %+v, %v", cards, err)
	}
	if cards, err := driverCards(fstest.MapFS{}); err != nil || cards != nil {
		t.Errorf("without a driver: %v, %v", cards, err)
	}
}

func entries(devices []Device) string {
	var all []string
	for _, d := range devices {
		all = append(all, d.Visible)
	}
	return strings.Join(all, " ")
}

func TestVisible(t *testing.T) {
	cards := fakeCards(t)
	for _, c := range []struct {
		variable string
		set      bool
		want     string
		fails    string
	}{
		{"", false, slice0 + " " + slice1 + " 1 2", ""},
		{"", true, "", ""},
		{"2,1", true, "2 1", ""},
		{" 1 , 2 ", true, "1 2", ""},
		{"1,-1,2", true, "1", ""},
		{"NoDevFiles", true, "", ""},
		{card2 + ",1", true, card2 + " 1", ""},
		{"GPU-ab", true, "GPU-ab", ""},
		{slice1, true, slice1, ""},
		{"MIG-" + card0 + "/1/0", true, "MIG-" + card0 + "/1/0", ""},
		{"0,7", true, "", "no GPU 7"},
		{"GPU-a", true, "", "fits 2 devices"},
		{"GPU-ff", true, "", `no GPU "GPU-ff"`},
		{"1,1", true, "", "comes twice"},
	} {
		got, err := Visible(cards, c.variable, c.set)
		if entries(got) != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%q: %q, %v", c.variable, entries(got), err)
		}
	}
	if got, err := Visible(nil, "3,MIG-x", true); err != nil || entries(got) != "3 MIG-x" {
		t.Errorf("no cards known: %v, %v", got, err)
	}
}

func TestChoose(t *testing.T) {
	visible := []Device{{"2", "T4"}, {card1, "T4"}, {slice0, "A100"}}
	for _, c := range []struct{ selection, want, fails string }{
		{"all", "2 " + card1 + " " + slice0, ""},
		{"none", "", ""},
		{"0", "2", ""},
		{"2,0", slice0 + " 2", ""},
		{card1, card1, ""},
		{slice0 + ",1", slice0 + " " + card1, ""},
		{"3", "", "there are 0 to 2"},
		{"-1", "", "no visible GPU -1"},
		{"0,0", "", "--workers-per-gpu"},
		{"GPU-none", "", "no visible GPU"},
		{"some", "", "want all, none"},
		{"", "", "want all, none"},
		{"0,", "", "want all, none"},
	} {
		got, err := Choose(visible, c.selection)
		if entries(got) != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%q: %q, %v", c.selection, entries(got), err)
		}
	}
	if _, err := Choose(nil, "0"); err == nil || !strings.Contains(err.Error(), "none at all") {
		t.Errorf("no devices: %v", err)
	}
}
