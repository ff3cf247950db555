package export

import (
	"slices"
	"testing"
)

func TestUnambiguousNames(t *testing.T) {
	if got := unambiguous([]string{"cat", "a,b"}); !slices.Equal(got, []string{"cat", `"a,b"`}) {
		t.Errorf("%q", got)
	}
}
