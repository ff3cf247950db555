package nvml

import "testing"

func TestCuDNN(t *testing.T) {
	for v, want := range map[int]string{0: "", 8907: "8.9.7", 90300: "9.3.0", 91002: "9.10.2"} {
		if got := cudnnText(v); got != want {
			t.Errorf("%d: %q, want %q", v, got, want)
		}
	}
	if got := CuDNN(); got != "" {
		t.Errorf("this test loads no cuDNN, and yet there is %s", got)
	}
}
