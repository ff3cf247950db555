package yamlkeys

import (
	"math"
	"strings"
	"testing"
)

// A number that two readers of YAML read differently is refused, with both
// readings; text that looks like one is text.
func TestTwoReadings(t *testing.T) {
	number := Forms(Number("[", -1e6, 1e6, "]"))
	key := &Key{Forms: Forms(Mapping(Key{Name: "n", Forms: number}, Key{Name: "any", Forms: Forms(Any())},
		Key{Name: "t", Forms: Forms(Text(9, ".*", "text"))}))}
	for value, want := range map[string]string{
		"0100":                 "0100 is 64 to readers of YAML 1.1 and 100 to those of 1.2; write 100, or 0o100",
		"010":                  "010 is 8 to readers of YAML 1.1 and 10 to those of 1.2; write 10, or 0o10",
		"-010 #":               "-010 is -8 to readers of YAML 1.1 and -10 to those of 1.2; write -10\n",
		"08":                   "08 is text to readers of YAML 1.1 and 8 to those of 1.2; write 8",
		"007":                  "007 begins with a zero, which makes octal numbers of YAML 1.1; write 7",
		"1_000":                "1_000 is 1000 to readers of YAML 1.1 and text to those of 1.2; write 1000",
		"0b11":                 "0b11 is 3 to readers of YAML 1.1 and text to those of 1.2; write 3",
		"09999999999999999999": "write fewer digits",
		"0x10":                 "", "0o17": "", "0": "", "-0": "", "0.5": "", "00.5": "", "1e3": "", "1000": "", "+5": "",
	} {
		for _, name := range []string{"n", "any"} {
			p := New("f.yaml", Document{})
			p.Check(p.Parse([]byte(name+": "+value+"\n")), key, "")
			err := p.Err()
			if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(),
				"f.yaml:1:") || !strings.Contains(err.Error(), name+": ") || !strings.Contains(err.Error()+"\n", want)) {
				t.Errorf("%s: %s: %v, want %q", name, value, err, want)
			}
		}
	}
	p := New("f.yaml", Document{})
	v := p.Check(p.Parse([]byte("t: '0100'\n")), key, "")
	if err := p.Err(); err != nil || v.Str("t", "") != "0100" {
		t.Errorf("in quotes: %v", err)
	}
	p = New("f.yaml", Document{})
	if v := p.Check(p.Parse([]byte("n: 0o17\n")), key, ""); v.Float("n", math.NaN()) != 15 {
		t.Errorf("0o17: %v", v.Float("n", 0))
	}
}
