package fetch

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/dataset"
)

func TestSourcesAreNamed(t *testing.T) {
	for _, info := range dataset.Registry() {
		names := Sources(info, "/cache")
		if len(names) < 2 || names[0] != "folder /cache/"+info.Name || slices.Contains(names, "") {
			t.Errorf("%s: sources %q", info.Name, names)
		}
	}
}

func TestUnknownName(t *testing.T) {
	err := Known(context.Background(), "mnsit", t.TempDir(), "", io.Discard)
	if err == nil || !strings.Contains(err.Error(), `unknown data set "mnsit": known are mnist, fashion-mnist, cifar10`) {
		t.Error(err)
	}
}

// flip inverts byte i.
func flip(b []byte, i int) []byte {
	b = slices.Clone(b)
	b[i] ^= 0xff
	return b
}
