package text

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Thousands(0), "0"}, {Thousands(-1234), "-1,234"}, {Thousands(3274634), "3,274,634"}, {Whole(999.5), "1,000"}, {Whole(-123456), "-123,456"},
		{Number(0.1), "0.1"}, {Number(3e6), "3000000"},
		{Percent(0.98765), "98.77 %"}, {Percent(float32(0.5)), "50.00 %"}, {Percentage(0.0001), "0.01"},
		{PercentageAgainst(0.949999, 0.95), "94.9999"}, {PercentageAgainst(0.95, 0.95), "95.00"}, {PercentageAgainst(0.94, 0.95), "94.00"},
		{Threshold(0.29), "29 %"}, {Threshold(0.995), "99.5 %"}, {Threshold(1 - 0.95), "5 %"},
		{Points(0.0123), "+1.23"}, {Points(-0.00001), "+0.00"}, {Points(-0.01), "-1.00"},
		{Times(1234), "1,234×"}, {Times(19.52), "19.5×"}, {Times(1), "1.00×"}, {Ratio(1234), "1,234"}, {Ratio(235.94), "235.9"}, {Ratio(19.519), "19.52"},
		{Duration(123.4), "123 s"}, {Duration(1.5), "1.5 s"}, {Duration(0.0015), "1.5 ms"}, {Duration(2e-6), "2 µs"},
		{Seconds(0.42), "0.42 s"}, {Seconds(98), "98 s"}, {Seconds(725), "12 min 5 s"}, {Seconds(12000), "3 h 20 min"},
		{Roughly(0), "1 s"}, {Roughly(90), "2 min"}, {Roughly(3 * 3600), "3.0 h"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if Number(math.Inf(1)) != "+Inf" || Whole(math.NaN()) != "NaN" {
		t.Error("what is no number is written as it is")
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(1, "seed"), "1 seed"}, {Count(0, "seed"), "0 seeds"}, {Count(1200, "trial"), "1,200 trials"},
		{List(nil), ""}, {List([]string{"a"}), "a"}, {List([]string{"a", "b", "c"}), "a, b and c"},
		{OrUnknown(""), "unknown"}, {OrUnknown("x"), "x"},
		{Shorten("abcdefgh", 8), "abcdefgh"}, {Shorten("abcdefghi", 8), "abcde..."}, {ShortenMiddle("kernel 5, filters 32", 9), "kern…s 32"},
		{OneLine(" a\n b\t"), "a b"}, {Plain("a\x1b[2Jb\u202ec\n"), "a [2Jbc"}, {Printable("a\x1bb\u202e\xff"), `a\x1bb\u202e\xff`}, {Lines("a:\n\t\x07"), "a:\n\t" + `\a`},
		{Markdown("a_b|c<d>&`"), "a\\_b\\|c&lt;d&gt;&amp;\\`"}, {MarkdownCode("run `a_b` for_it"), "run `a_b` for\\_it"},
		{SheetCell("=1+1"), "'=1+1"}, {SheetCell("-0.5"), "-0.5"}, {SheetCell("@a"), "'@a"}, {SheetCell("a"), "a"},
		{Wrap("a line of 95 % is not broken there", 14, "- ", "  "), "- a line of\n  95 % is not\n  broken there\n"}, {Wrap("", 10, "name", ""), "name\n"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// Columns stand below each other by what a terminal shows, wide characters and
// combining marks included, whatever the locale.
func TestTable(t *testing.T) {
	t.Setenv("LC_ALL", "ja_JP.UTF-8")
	table := Table{Head: []string{"name", "n", "why"}, Words: []bool{true, false, true},
		Rows: [][]string{{"数字", "1,234", "a|b"}, {"e\u0301×", "5", "*b*\n"}}}
	document := table
	document.Document = true
	for _, c := range []struct {
		name  string
		table Table
		write func(Table, *bytes.Buffer) error
		want  string
	}{
		{"text", table, func(t Table, b *bytes.Buffer) error { return t.Text(b) }, "name      n  why\n数字  1,234  a|b\ne\u0301×        5  *b*\\n\n"},
		{"document", document, func(t Table, b *bytes.Buffer) error { return t.Text(b) }, "name      n  why\n----  -----  ---\n数字  1,234  a|b\ne\u0301×        5  *b*\n"},
		{"Markdown", table, func(t Table, b *bytes.Buffer) error { return t.Markdown(b) }, "| name | n | why |\n|---|---:|---|\n| 数字 | 1,234 | a\\|b |\n| e\u0301× | 5 | *b*\\n |\n"},
		{"document in Markdown", document, func(t Table, b *bytes.Buffer) error { return t.Markdown(b) }, "| name | n | why |\n| --- | ---: | --- |\n| 数字 | 1,234 | a\\|b |\n| e\u0301× | 5 | \\*b\\* |\n"},
		{"CSV", table, func(t Table, b *bytes.Buffer) error { return t.CSV(b) }, "name,n,why\n数字,\"1,234\",a|b\ne\u0301×,5,*b*\n"},
	} {
		var b bytes.Buffer
		if err := c.write(c.table, &b); err != nil || b.String() != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, b.String(), c.want)
		}
	}
	if cell := barred(`a\|b|c`); cell != `a\|b\|c` {
		t.Errorf("bars are escaped once: %s", cell)
	}
	if strings.Contains(Plain("a\u00a0b"), "\u00a0") {
		t.Error("a space of any kind is a space")
	}
}

func TestClass(t *testing.T) {
	names := []string{"cat", "a,b", `say "ah"`, "#3", "", " x"}
	want := []string{"cat", `"a,b"`, `"say \"ah\""`, `"#3"`, `""`, `" x"`}
	for i, w := range want {
		if got := Class(names, i); got != w {
			t.Errorf("%q: %s, want %s", names[i], got, w)
		}
	}
	if got := Class(nil, 9) + Class(names, 6) + Class(names, -1); got != "#9#6#-1" {
		t.Error(got)
	}
	if Numbered(names) || !Numbered([]string{"0", "1"}) || !Numbered(nil) {
		t.Error("which names are numbers")
	}
}

func TestNoun(t *testing.T) {
	series, images := NounOf("series", "0", "up"), NounOf("", "0")
	for s, want := range map[string]string{
		"Images from another source":                                                    "Series from another source",
		"is right on 3 of 4 test images, an image each":                                 "is right on 3 of 4 test series, a series each",
		"one image in (images):":                                                        "one series in (series):",
		"the training images' mean, single-image time.":                                 "the training series' mean, single-series time.",
		`path "images", data/images.npz, images/1, my-image, imagery, x.image, image=3`: `path "images", data/images.npz, images/1, my-image, imagery, x.image, image=3`,
		"these images.": "these series.", "": "",
	} {
		if got := series.Of(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
		if got := series.Of(want); got != want {
			t.Errorf("%q twice: %q", want, got)
		}
		if got := images.Of(s); got != s {
			t.Errorf("%q of images: got %q", s, got)
		}
	}
	if got := NounOf("series", "image", "sound").Of("recall of image on the images"); got != "recall of image on the images" {
		t.Errorf("a class of that name: %q", got)
	}
	type inner struct{ Lines []string }
	v := struct {
		Word  string
		In    *inner
		Bytes []byte
	}{"an image", &inner{[]string{"two images"}}, []byte("images")}
	series.All(&v)
	if v.Word != "a series" || v.In.Lines[0] != "two series" || string(v.Bytes) != "images" {
		t.Errorf("%+v %+v", v, v.In)
	}
	var b strings.Builder
	n := &Neutral{To: &b}
	n.Speak(series)
	fmt.Fprintf(n, "%d images\n", 2)
	if n.Speak(images); b.String() != "2 series\n" {
		t.Errorf("written: %q", b.String())
	}
	if fmt.Fprint(n, "an image"); b.String() != "2 series\nan image" {
		t.Errorf("of both kinds: %q", b.String())
	}
}
