package page

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
)

// longReport has all that makes the first screen full: eleven classes with long
// names and a floor each, budgets, an int8 target, files measured for a device, and
// an answer of many sentences.
func longReport(t *testing.T) *report.Report {
	t.Helper()
	plan := reporttest.SlicesPlan()
	plan.Classes = 11
	target := *plan.Target
	target.Precision, target.Accuracy = experiment.Int8, 0.94
	target.Within = []experiment.Budget{{Cost: footprint.MACs, Limit: 2_000_000}, {Cost: footprint.TFLiteInt8Bytes, Limit: 200_000},
		{Cost: footprint.ArenaBytes, Limit: 20_000}, {Cost: footprint.Peak, Limit: 40_000}}
	var in report.Input
	for k := range plan.Classes {
		in.Classes = append(in.Classes, fmt.Sprintf("a class of some name %d", k))
		target.Recall = append(target.Recall, experiment.Recall{Class: k, Floor: 0.2})
	}
	plan.Target = &target
	in.Experiment = plan.Experiment(t)
	in.Results, in.Histories = plan.Run(in.Experiment)
	for i := range in.Results {
		in.Results[i].Footprint.Measured = &footprint.Measured{TFLite: 250_000, TFLiteInt8: 61_240, Arena: 9_088}
		in.Int8 = append(in.Int8, reporttest.Worse(in.Results[i], 3, true))
	}
	r := reporttest.Build(t, in, report.Options{})
	if r.Answer.Pick < 0 || len(r.Answer.More) < 2 {
		t.Fatalf("the answer is short: %+v", r.Answer)
	}
	return r
}

// What decides stands on the first screen, and what nobody meets has a nearest miss.
func testFirstScreen(t *testing.T, parent context.Context) {
	bottom := func(p *tab, selector string) float64 {
		return js[float64](p, `document.querySelector(`+quote(selector)+`).getBoundingClientRect().bottom`)
	}
	r := slicesReport(t)
	for name, r := range map[string]*report.Report{"short": r, "long": longReport(t)} {
		p := open(t, parent, r, desktop)
		for _, selector := range []string{"#chart svg", "#answer .sentence", "#pick-name", "#pick"} {
			if at := bottom(p, selector); at > float64(desktop.height) {
				t.Errorf("%s: %s ends at %v, below a screen of %d", name, selector, at, desktop.height)
			}
		}
		p.shoot("first-" + name)
		p = open(t, parent, r, phone)
		for _, selector := range []string{"#answer .sentence", "#pick-name", "#pick .acts"} {
			if at := bottom(p, selector); at > float64(phone.height) {
				t.Errorf("%s: on a phone %s ends at %v, below a screen of %d", name, selector, at, phone.height)
			}
		}
	}
	p := open(t, parent, r, desktop)
	if got := p.text("#chart"); !strings.Contains(got, "filters (log scale)") {
		t.Errorf("the chart does not say that x is log: %.200q", got)
	}
	if got := p.text("#front"); !strings.Contains(got, "parameters (weights and biases) (log scale)") || !strings.Contains(got, "200,000") ||
		!strings.Contains(got, "500,000") {
		t.Errorf("two costs: %.300q", got)
	}
	p.typeOver("#threshold", "99.9")
	nearest := 0
	for i := range r.Rows {
		if r.Rows[i].Validation.Min > r.Rows[nearest].Validation.Min {
			nearest = i
		}
	}
	if got := p.text("#pick-nearest"); !strings.Contains(got, r.Rows[nearest].Label) {
		t.Errorf("nobody meets it, and the card says %q, want %s", got, r.Rows[nearest].Label)
	}
	if got := p.text("#network .hint"); !strings.HasPrefix(got, r.Rows[nearest].ID) {
		t.Errorf("the network in detail is %q, want the nearest miss", got)
	}
	js[any](p, `(e => { e.value = "3"; e.dispatchEvent(new Event("change")); return null })(document.getElementById("selected"))`)
	p.typeOver("#threshold", "94.5")
	if got := p.text("#network .hint"); !strings.HasPrefix(got, r.Rows[3].ID) {
		t.Errorf("the reader chose %s, and the page shows %q", r.Rows[3].ID, got)
	}
}

// Shifted images and what errors cost, for the chosen network and for the one that
// the reader looks at.
func testStressed(t *testing.T, parent context.Context) {
	in := reporttest.Stressed(t)
	r := reporttest.Build(t, in, report.Options{})
	for _, v := range []view{desktop, phone, night} {
		p := open(t, parent, r, v)
		if n := js[int](p, `document.querySelectorAll("#shifted .shifts path").length`); n != 6 {
			t.Errorf("%d marks under shifts, want two for each of three", n)
		}
		if got := js[string](p, `document.querySelector("#shifted .shifts path:last-child").dataset.tip`); !strings.Contains(got, "blur 1: of") ||
			!strings.Contains(got, "0.00 % are found") {
			t.Errorf("the last mark says %q", got)
		}
		if got := p.text("#table-shifted"); !strings.Contains(got, "noise 20") || !strings.Contains(got, "worst class") {
			t.Errorf("shifts: %.300q", got)
		}
		if n := js[int](p, `document.querySelectorAll("#answers .answers0 *, #answers .answers1 *, #answers .others path").length`); n != 4+len(r.Rows)-1 {
			t.Errorf("%d marks and faint lines of answers, want two a split and a line each of the others", n)
		}
		if got := p.text("#table-answers"); strings.Count(got, "validation, of 95 %") != 1 || !strings.Contains(got, "test, of 50 %") {
			t.Errorf("answers of all networks: %.300q", got)
		}
		if got := p.text("#table-answered"); !strings.Contains(got, "100.00") {
			t.Errorf("answers given: %.300q", got)
		}
		p.fits(v)
		p.shoot(fmt.Sprintf("stressed-%d-%v", v.width, v.dark))
	}
	r.Sure = &report.Sure{Label: "one", Seeds: 1, Class: 1, Answered: r.Sure.Answered, Thresholds: []report.Threshold{{Score: 0.5,
		On: map[report.Split]report.Alarm{report.Validation: {Found: 17, Missed: 3, False: 2, Quiet: 78}, report.Test: {}}}}}
	two := open(t, parent, r, phone) // of two classes
	two.fits(phone)
	if got := two.text("#table-thresholds tbody"); got != "50.089.4785.002.50–––" {
		t.Errorf("thresholds: %q", got)
	}
	in.Scores = nil
	p := open(t, parent, reporttest.Build(t, in, report.Options{}), desktop)
	if shown := js[bool](p, `!document.querySelector("figure.shifted").hidden || document.getElementById("shifts") !== null ||
		document.getElementById("sure") !== null`); shown {
		t.Error("without scores there are parts for them")
	}
}

// The state is in the address, and an address brings it back.
func testAddress(t *testing.T, parent context.Context) {
	r := slicesReport(t)
	p := open(t, parent, r, desktop)
	p.typeOver("#threshold", "94.5")
	for _, c := range [][2]string{{"x", "macs"}, {"split", "test"}, {"rule", "mean"}, {"selected", "3"}} {
		js[any](p, `(e => { e.value = `+quote(c[1])+`; e.dispatchEvent(new Event("change")); return null })(document.getElementById(`+quote(c[0])+`))`)
	}
	hash := js[string](p, `location.hash`)
	for _, want := range []string{"at=94.5", "x=macs", "split=test", "rule=mean", "network=" + r.Rows[3].ID} {
		if !strings.Contains(hash, want) {
			t.Errorf("the address says %s, not %s", hash, want)
		}
	}
	for name, given := range map[string]string{"whole": hash, "hostile": "#at=1e9&x=<b>&split=none&network=nobody&cost-x=%zz",
		"a place": "#definitions"} {
		p.do(chromedp.Navigate("about:blank"))
		q := open(t, parent, r, desktop)
		js[any](q, `(location.hash = `+quote(given)+`, location.reload(), null)`)
		q.do(chromedp.WaitVisible("#pick-name"))
		got := js[string](q, `[document.getElementById("threshold").value, document.getElementById("x").value, document.getElementById("split").value, document.getElementById("selected").value].join(" ")`)
		want := map[string]string{"whole": "94.5 macs test 3"}[name]
		if want == "" {
			want = js[string](q, `"95  validation " + document.getElementById("selected").value`)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// What is saved is what is shown.
func testSave(t *testing.T, parent context.Context) {
	r := slicesReport(t)
	p := open(t, parent, r, desktop)
	js[any](p, `(URL.createObjectURL = (b) => { window.saved = b; return "#" }, HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download }, null)`)
	p.typeOver("#filter", "kernel 5")
	js[any](p, `(document.getElementById("save-table").click(), null)`)
	lines := strings.Split(strings.TrimSpace(saved(p, "text")), "\r\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[0], "kernel,filters,parameters,") ||
		!strings.HasPrefix(lines[1], fmt.Sprintf("5,32,%.0f,", r.Rows[0].Costs[0])) {
		t.Errorf("the table is saved as %q", lines)
	}
	if got := js[string](p, `window.savedAs`); got != "simulated-slices-results.csv" {
		t.Errorf("the file is called %q", got)
	}
	js[any](p, `(window.saved = null, document.getElementById("save-chart").click(), null)`)
	if got := saved(p, "png"); !strings.HasPrefix(got, "image/png 1") {
		t.Errorf("the chart is saved as %q", got)
	}
	js[any](p, `(window.saved = null, document.getElementById("save-front").click(), null)`)
	if got, name := saved(p, "png"), js[string](p, `window.savedAs`); !strings.HasPrefix(got, "image/png 1") || name != "simulated-slices-costs.png" {
		t.Errorf("two costs are saved as %q, called %q", got, name)
	}
}

// saved waits for what the page saves: its text, or its kind and whether it is
// more than a thousand bytes.
func saved(p *tab, kind string) string {
	p.t.Helper()
	expression := `(async () => { for (let i = 0; i < 200 && !window.saved; i++) await new Promise((r) => setTimeout(r, 25)); return window.saved ? ` +
		map[string]string{"text": `await window.saved.text()`, "png": `window.saved.type + " " + Number(window.saved.size > 1000)`}[kind] +
		` : "nothing" })()`
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// What a device has to hold stands in the card, beside the budgets.
func testDevice(t *testing.T, parent context.Context) {
	plan := reporttest.SmallPlan()
	plan.Classes = 36
	e := plan.Experiment(t)
	results, histories := plan.Run(e)
	for i := range results {
		results[i].Footprint.Measured = &footprint.Measured{TFLite: 250_000, TFLiteInt8: 61_240, Arena: 9_088}
	}
	target := *e.Target
	target.Within = []experiment.Budget{{Cost: footprint.MACs, Limit: 2_000_000}}
	e.Target = &target
	r := reporttest.Build(t, report.Input{Experiment: e, Results: results, Histories: histories}, report.Options{})
	p := open(t, parent, r, desktop)
	p.shoot("device")
	for _, want := range []string{"int8 file, bytes61,240", "arena, bytes9,088", "MACs, of at most", "of 2,000,000"} {
		if got := p.text("#pick"); !strings.Contains(got, want) {
			t.Errorf("the card does not say %q: %q", want, got)
		}
	}
	// 36 classes: every cell keeps its number apart, and tells its classes.
	const narrowest = `Math.min(...[...document.querySelectorAll("#confusion .cells rect")].map((e) => e.getBoundingClientRect().width))`
	if n := js[float64](p, narrowest); n < 20 {
		t.Errorf("cells of 36 classes are %v wide", n)
	}
	q := open(t, parent, r, phone) // where the matrix scrolls by itself
	if n := js[float64](q, narrowest); n < 18 {
		t.Errorf("cells of 36 classes are %v wide on a phone", n)
	}
	q.fits(phone)
	if got := js[string](p, `document.querySelectorAll("#confusion .cells rect")[1].dataset.tip`); !strings.Contains(got,
		"of #0 taken for #1") {
		t.Errorf("a cell says %q", got)
	}
	if got := p.text("#confusion .hint"); !strings.Contains(got, "Least found: #") {
		t.Errorf("the matrix does not name the classes that are found least: %q", got)
	}
	p.fits(desktop)
}

// What the chosen network gets wrong is shown by name, hostile names as text.
func testMistakes(t *testing.T, parent context.Context) {
	r := reporttest.Build(t, reporttest.Flawed(t), report.Options{})
	r.Classes = []string{"<img src=x onerror='window.hacked=1'>", "one", "two", "three", "four", "five", "six", "seven", "eight",
		"a name that is longer than most"}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 28, 28))); err != nil {
		t.Fatal(err)
	}
	r.Mistakes = []report.Mistake{{Image: 1234, True: 1, Predicted: 9, Seeds: 3, Picture: b.Bytes(),
		File: "one/<b>1</b>.png", Score: 0.875, TrueScore: 0.05, Scored: 3},
		{Image: 5, True: 0, Predicted: 2, Seeds: 1}}
	p := open(t, parent, r, desktop)
	p.shoot("mistakes")
	want := "onetaken for a name that is longer than mostscore 0.88, of one 0.053 of 3 seeds, one/<b>1</b>.png"
	if got := p.text("#mistakes .gallery li"); got != want {
		t.Errorf("the first mistake says %q", got)
	}
	if n := js[float64](p, `[...document.querySelectorAll("#mistakes img")].filter((e) => e.naturalWidth === 28).length`); n != 1 {
		t.Errorf("%v pictures show, want 1", n)
	}
	if got := js[string](p, `document.querySelectorAll("#confusion .cells rect")[1].dataset.tip`); !strings.HasSuffix(got, "taken for one") {
		t.Errorf("a cell says %q", got)
	}
	if got := js[string](p, `document.querySelector("#classes tbody tr:nth-child(2)").textContent`); !strings.HasPrefix(got, "one50") {
		t.Errorf("the second class says %q, want 50 images", got)
	}
	if got := js[any](p, `window.hacked ?? null`); got != nil {
		t.Error("a class's name ran as a script")
	}
	p.fits(desktop)
	q := open(t, parent, r, phone)
	q.fits(phone)
}

// A page of 45 trials stays small with as many pictures as it may have.
func TestSize(t *testing.T) {
	plan := reporttest.SlicesPlan()
	plan.Seeds = 3
	target := *plan.Target
	target.Seeds = plan.Seeds
	plan.Target = &target
	e := plan.Experiment(t)
	e.Evaluate.Shifts = []string{"noise 20", "blur 1", "brightness 0.2", "contrast 0.5", "shift 2", "rotate 10", "jpeg 30", "occlude 4"}
	results, histories := plan.Run(e)
	var scores []result.Scores // of every network: its curves of surest answers, and eight shifts
	for i := range results {
		scores = append(scores, reporttest.Scored(&results[i], e.Evaluate.Shifts))
	}
	r := reporttest.Build(t, report.Input{Experiment: e, Results: results, Histories: histories, Scores: scores}, report.Options{})
	if n := len(r.Answers(&r.Rows[0], 1, 0.5)); n != 2 || len(r.Rows[0].Shifts) != 9 || r.Sure == nil {
		t.Errorf("%d shares answered and %d shifts are in the report", n, len(r.Rows[0].Shifts))
	}
	for i := range 20 {
		r.Mistakes = append(r.Mistakes, report.Mistake{Image: i, Predicted: 1, Seeds: 3, Picture: make([]byte, 15_000)})
	}
	b, err := HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	if r.Counts.Done != 45 || len(b) > 1_500_000 {
		t.Errorf("%d bytes for %d trials, want at most 1.5 MB", len(b), r.Counts.Done)
	}
	t.Logf("%d bytes", len(b))
}
