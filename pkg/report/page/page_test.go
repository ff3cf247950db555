package page

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

func slicesReport(t *testing.T) *report.Report {
	t.Helper()
	p := reporttest.SlicesPlan()
	e := p.Experiment(t)
	results, histories := p.Run(e)
	return reporttest.Build(t, report.Input{Experiment: e, Results: results, Histories: histories,
		Published: reporttest.Flawed(t).Published}, report.Options{})
}

// wantPick is the pick at a threshold, computed here from the rows alone.
func wantPick(r *report.Report, threshold float64) string {
	best := -1
	for i := range r.Rows {
		if r.Rows[i].Validation.Min >= threshold && (best < 0 || r.Rows[i].Costs[0] < r.Rows[best].Costs[0]) {
			best = i
		}
	}
	if best < 0 {
		return "none"
	}
	return r.Rows[best].Label
}

// The page in a real browser. One browser serves all: it takes longest to start.
func TestPage(t *testing.T) {
	parent := browser(t)
	t.Run("use", func(t *testing.T) { testUse(t, parent) })
	t.Run("first screen", func(t *testing.T) { testFirstScreen(t, parent) })
	t.Run("address", func(t *testing.T) { testAddress(t, parent) })
	t.Run("save", func(t *testing.T) { testSave(t, parent) })
	t.Run("device", func(t *testing.T) { testDevice(t, parent) })
	t.Run("mistakes", func(t *testing.T) { testMistakes(t, parent) })
	t.Run("stressed", func(t *testing.T) { testStressed(t, parent) })
	t.Run("live", func(t *testing.T) { testLive(t, parent) })
	t.Run("hostile", func(t *testing.T) { testHostile(t, parent) })
	t.Run("sizes", func(t *testing.T) { testSizes(t, parent) })
}

func testUse(t *testing.T, parent context.Context) {
	r := slicesReport(t)
	t.Run("threshold", func(t *testing.T) {
		p := open(t, parent, r, desktop)
		p.shoot("light")
		if got, want := p.text("#pick-name"), wantPick(r, 0.95); got != want {
			t.Errorf("at 95 %% the page picks %q, want %q", got, want)
		}
		if got := p.text("#pick-name"); got != r.Rows[r.Answer.Pick].Label {
			t.Errorf("the page picks %q, the report %q", got, r.Rows[r.Answer.Pick].Label)
		}
		p.do(chromedp.ScrollIntoView("#chart"))
		place := js[[]float64](p, `(b => [b.right - 20, (b.top + b.bottom) / 2])(document.querySelector("#line .grip").getBoundingClientRect())`)
		p.do(chromedp.DragAndDropXY(place[0], place[1], place[0], place[1]-70))
		moved := js[float64](p, `Number(document.querySelector("#line").getAttribute("aria-valuenow")) / 100`)
		if moved <= 0.951 {
			t.Fatalf("after dragging the line up the threshold is %v", moved)
		}
		if got, want := p.text("#pick-name"), wantPick(r, moved); got != want || want == wantPick(r, 0.95) {
			t.Errorf("dragged to %v the page picks %q, want %q", moved, got, want)
		}
		if got, want := p.text("#table-results tr.picked td:last-child"), "yes, the smallest"; got != want {
			t.Errorf("the table says %q, want %q", got, want)
		}
		p.shoot("dragged")
		for range 3 {
			p.do(chromedp.KeyEvent(kb.ArrowDown))
		}
		lower := js[float64](p, `Number(document.querySelector("#line").getAttribute("aria-valuenow")) / 100`)
		if lower >= moved || p.text("#pick-name") != wantPick(r, lower) {
			t.Errorf("after three arrow keys down: threshold %v, pick %q, want %q", lower, p.text("#pick-name"), wantPick(r, lower))
		}
		p.typeOver("#threshold", "99.9")
		if got := p.text("#pick-name"); got != "none" {
			t.Errorf("at 99.9 %% the page picks %q", got)
		}
		const key = `getComputedStyle(document.getElementById("key-ring")).display` // of the pick's ring
		if got := js[string](p, key); got != "none" {
			t.Errorf("nothing is picked, and the key explains its ring: %q", got)
		}
		p.typeOver("#threshold", "94.5")
		if got, want := p.text("#pick-name"), wantPick(r, 0.945); got != want {
			t.Errorf("at 94.5 %% the page picks %q, want %q", got, want)
		}
		if got := js[string](p, key); got == "none" {
			t.Error("the key does not explain the ring")
		}
	})
	t.Run("controls", func(t *testing.T) {
		p := open(t, parent, r, night)
		p.shoot("dark")
		for _, c := range []string{"x=parameters", "x=macs", "scale=linear", "split=test", "bars=mean", "rule=mean", "cost-y=peak",
			"measure=macs", "selected=3", "which=trials", "which=configurations"} {
			id, value, _ := strings.Cut(c, "=")
			js[any](p, fmt.Sprintf("(e => { e.value = %q; e.dispatchEvent(new Event('change')); if (e.value !== %q) throw new Error('no such "+
				"option: %s'); return null })(document.getElementById(%q))", value, value, c, id))
		}
		if got := js[string](p, `document.querySelector("#selected").selectedOptions[0].textContent`); got != r.Rows[3].Label {
			t.Errorf("selected %q, want %q", got, r.Rows[3].Label)
		}
		if got := js[float64](p, `document.querySelectorAll("#layers rect").length`); int(got) != len(r.Rows[3].Footprint.Layers) {
			t.Errorf("%v footprint bars, want %d", got, len(r.Rows[3].Footprint.Layers))
		}
		p.shoot("dark-macs")
	})
	t.Run("table", func(t *testing.T) { testTable(t, open(t, parent, r, desktop), r) })
	t.Run("tooltip", func(t *testing.T) {
		p := open(t, parent, r, desktop)
		js[any](p, `document.querySelector("#table-footprint [data-def=macs]").focus()`)
		if got := p.text("#tip"); !strings.Contains(got, "Multiply-accumulates") {
			t.Errorf("focus on MACs shows %q", got)
		}
		p.do(chromedp.KeyEvent(kb.Escape))
		if !js[bool](p, `document.getElementById("tip").hidden`) {
			t.Error("Escape leaves the tooltip open")
		}
		missing := js[[]string](p, `[...document.querySelectorAll("[data-def]")].map(e => e.dataset.def).filter(d => !document.getElementById("def-" + d))`)
		if len(missing) > 0 {
			t.Errorf("terms without a definition: %v", missing)
		}
	})
	t.Run("marks", func(t *testing.T) {
		p := open(t, parent, r, desktop)
		js[any](p, `document.querySelector("#chart .mark[tabindex='0']").focus()`)
		p.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.Enter))
		tip := p.text("#tip")
		chosen := js[string](p, `document.querySelector("#selected").selectedOptions[0].textContent`)
		if !strings.HasPrefix(tip, chosen) || chosen == "" {
			t.Errorf("the focused mark says %q, Enter selects %q", tip, chosen)
		}
		js[any](p, `document.querySelector("#chart").scrollIntoView({block: "center"})`)
		at := js[[]float64](p, `(b => [(b.left + b.right) / 2, (b.top + b.bottom) / 2])(document.querySelector("#chart .mark").getBoundingClientRect())`)
		p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
		if tip := p.text("#tip"); !strings.Contains(tip, "accuracy: mean") {
			t.Errorf("pointing at a mark shows %q", tip)
		}
	})
	t.Run("phone", func(t *testing.T) {
		p := open(t, parent, r, phone)
		p.fits(phone)
		p.shoot("phone")
	})
	t.Run("without scripts", func(t *testing.T) {
		p := open(t, parent, r, still)
		text, err := chromedp.Run(p.ctx, chromedp.Text("body"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, "is kernel 5, filters 2: 51,646 parameters") || !strings.Contains(text, "95.20–95.68") ||
			strings.Contains(text, "Drag the dashed line") {
			t.Errorf("without scripts the page reads: %.600s", text)
		}
		if err := chromedp.Do(p.ctx, chromedp.WaitVisible("noscript img")); err != nil {
			t.Errorf("the figure does not show: %v", err)
		}
		p.shoot("still")
	})
	t.Run("print", func(t *testing.T) {
		p := open(t, parent, r, desktop)
		b, err := chromedp.Run(p.ctx, chromedp.PrintToPDF())
		if err != nil || len(b) < 10_000 {
			t.Errorf("printing gives %d bytes, error %v", len(b), err)
		}
		if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
			t.Fatal(err)
		}
		hidden := js[[]string](p, `["#answer .sentence", "#chart svg", "#pick dl", "#more p", "#table-results tbody tr:last-child", "#table-differences td", "#definitions dd"]
			.filter((s) => !document.querySelector(s) || !document.querySelector(s).checkVisibility() || !document.querySelector(s).getBoundingClientRect().height)`)
		shown := js[[]string](p, `["nav", ".controls", ".hint", "#pick button", "footer"].filter((s) => document.querySelector(s).checkVisibility())`)
		if len(hidden)+len(shown) > 0 {
			t.Errorf("on paper %v do not show, and %v do", hidden, shown)
		}
	})
}

func testTable(t *testing.T, p *tab, r *report.Report) {
	column := func() []string {
		return js[[]string](p, `[...document.querySelectorAll("#table-results tbody tr")].filter(tr => !tr.hidden).map(tr => tr.cells[2].textContent)`)
	}
	p.do(chromedp.Click("#table-results th:nth-child(3) button"))
	var sorted []string
	for _, i := range r.ByCost("parameters") {
		sorted = append(sorted, text.Whole(r.Rows[i].Costs[0]))
	}
	if got := column(); !slices.Equal(got, sorted) {
		t.Errorf("sorted by parameters: %v, want %v", got, sorted)
	}
	p.do(chromedp.Click("#table-results th:nth-child(3) button"))
	slices.Reverse(sorted)
	if got := column(); !slices.Equal(got, sorted) {
		t.Errorf("sorted down: %v, want %v", got, sorted)
	}
	p.typeOver("#filter", "kernel 3, filters 16")
	if got := column(); len(got) != 1 || got[0] != "402,986" {
		t.Errorf("filtered: %v", got)
	}
	if got, want := p.text("#shown"), "1 of 15 shown"; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
	p.typeOver("#filter", " ")
	js[any](p, `(e => { e.value = "meets"; e.dispatchEvent(new Event("change")); return null })(document.getElementById("only"))`)
	meets := 0
	for i := range r.Rows {
		if r.Rows[i].Verdict == report.Meets {
			meets++
		}
	}
	if got := column(); len(got) != meets {
		t.Errorf("only those that meet: %d rows, want %d", len(got), meets)
	}
}

// A hostile experiment does nothing: its text is shown as text.
func testHostile(t *testing.T, parent context.Context) {
	const attack = `</script><script>window.hacked=1</script><img src=x onerror="window.hacked=2">"'><svg onload=window.hacked=3>{{.R}}` +
		"`${window.hacked=4}`" + `<!--<script>`
	in := reporttest.Flawed(t)
	e := *in.Experiment
	e.Name, e.About = attack, attack
	e.Data.Name = attack
	e.Axes = slices.Clone(e.Axes)
	e.Axes[0].Name = attack
	e.Configs = slices.Clone(e.Configs)
	for i := range e.Configs {
		a := map[string]any{attack: e.Configs[i].Assignment["kernel"], "filters": e.Configs[i].Assignment["filters"], "dense": attack}
		e.Configs[i].Assignment = a
	}
	e.Report = experiment.Report{Slice: attack, X: "filters"}
	in.Experiment, in.Published = &e, nil
	for i := range in.Results {
		in.Results[i].Reason += attack
		in.Results[i].Warnings = []string{attack}
		in.Results[i].Environment.CPU = attack
	}
	in.Certificate = &result.Certificate{Experiment: attack, Summary: attack, Rules: []string{attack}, Promises: []string{attack},
		Warnings:   []string{attack},
		Candidates: []result.Judged{{ConfigID: attack, Finding: attack, Reason: attack}},
		Openings:   []result.Opening{{ConfigID: attack, Reason: attack, Networks: []result.TestedNetwork{{}}}}}
	in.Warnings, in.Command = []string{attack}, attack
	p := open(t, parent, reporttest.Build(t, in, report.Options{}), desktop)
	p.shoot("hostile")
	js[any](p, `document.querySelectorAll("#chart .mark").forEach(m => m.dispatchEvent(new MouseEvent("mouseover", {bubbles: true})))`)
	if got := js[any](p, `window.hacked ?? null`); got != nil {
		t.Errorf("a script of the experiment ran: %v", got)
	}
	if got := p.text("h1"); got != text.Plain(attack) {
		t.Errorf("the name shows as %q", got)
	}
	p.fits(desktop)
	if n := js[float64](p, `document.querySelectorAll("img, body script:not(#data)").length`); n != 3 {
		t.Errorf("%v images and scripts in the page, want the 3 scripts of its own", n)
	}
}

func testSizes(t *testing.T, parent context.Context) {
	for name, in := range map[string]report.Input{"one": reporttest.One(t), "many": reporttest.Many(t), "flawed": reporttest.Flawed(t),
		"unfinished": reporttest.Unfinished(t), "without-file": reporttest.WithoutFile(t)} {
		t.Run(name, func(t *testing.T) {
			r := reporttest.Build(t, in, report.Options{})
			p := open(t, parent, r, desktop)
			p.shoot(name)
			if got := js[float64](p, `document.querySelectorAll("#table-results tbody tr").length`); int(got) != len(r.Rows) {
				t.Errorf("%v rows, want %d", got, len(r.Rows))
			}
			want := 0
			for i := range r.Rows {
				if r.Rows[i].X != nil {
					want++
				}
			}
			if r.Counts.Done == 0 {
				want = 0
			}
			if got := js[float64](p, `document.querySelectorAll("#chart .mark").length`); int(got) != want {
				t.Errorf("%v marks, want %d", got, want)
			}
			if picked := r.Answer.Pick; picked >= 0 {
				if got := p.text("#pick-name"); got != r.Rows[picked].Label {
					t.Errorf("the page picks %q, the report %q", got, r.Rows[picked].Label)
				}
			}
			p.fits(desktop)
		})
	}
}

// A page of a search with several targets has the figure of its answers.
func TestPageOfTargets(t *testing.T) {
	in := reporttest.Flawed(t)
	one := in.Experiment.Configs[0]
	certificate := func(accuracy float64) result.Certificate {
		return result.Certificate{Experiment: in.Experiment.Name, Seeds: []int64{0}, Summary: "It is.",
			Target:     result.Target{Accuracy: accuracy, Confidence: 0.95, Rule: "worst", Cost: "parameters"},
			Candidates: []result.Judged{{ConfigID: one.ID, Cost: one.Footprint.Parameters, Networks: make([]result.ScreenedNetwork, 1)}},
			Openings: []result.Opening{{ConfigID: one.ID, Networks: []result.TestedNetwork{
				{Correct: 950, Accuracy: 0.95, Interval: [2]float64{0.94, 0.96}}}}},
			Winner: &result.Winner{ConfigID: one.ID}}
	}
	top := certificate(0.9)
	for _, more := range []bool{false, true} {
		if more {
			top.Front = []result.Certificate{certificate(0.94)}
		}
		in.Certificate = &top
		b, err := HTML(reporttest.Build(t, in, report.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(string(b), `id="certificate-title"`)
		section, _, _ = strings.Cut(section, "</section>")
		if strings.Contains(section, `src="data:image/svg`) != more {
			t.Errorf("several targets %v: %s", more, section)
		}
	}
}
