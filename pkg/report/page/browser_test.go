package page

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"slimfit/pkg/report"
)

// browser starts a headless Chromium; the test is skipped where there is none.
// SLIMFIT_CHROMIUM names one that has to be there, as CI does.
func browser(t *testing.T) context.Context {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome", "chrome"}
	own := os.Getenv("SLIMFIT_CHROMIUM")
	if own != "" {
		names = []string{own}
	}
	path := ""
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil && path == "" {
			path = p
		}
	}
	if path == "" && own != "" {
		t.Fatalf("SLIMFIT_CHROMIUM is %s, which is no program", own)
	}
	if path == "" {
		t.Skipf("SKIPPED: the page is not tested in a browser: none of %s on PATH (Debian: apt-get install chromium)", strings.Join(names, ", "))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// tab is one open page and everything it complained of or asked for.
type tab struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex
	bad []string
}

// view is how a page is looked at.
type view struct {
	width, height int64
	dark          bool
	still         bool // scripts are off
}

var (
	desktop = view{width: 1280, height: 900}
	night   = view{width: 1280, height: 900, dark: true}
	phone   = view{width: 390, height: 844}
	still   = view{width: 1280, height: 900, still: true}
)

// open loads the report's page. At the end of the test, any message on the
// console, any uncaught error and any request but the file itself fail it.
func open(t *testing.T, parent context.Context, r *report.Report, v view) *tab {
	t.Helper()
	html, err := HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, html, 0o644); err != nil {
		t.Fatal(err)
	}
	return visit(t, parent, (&url.URL{Scheme: "file", Path: file}).String(), v)
}

// visit opens what is at the address; requests beyond it fail the test.
func visit(t *testing.T, parent context.Context, address string, v view) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(stop)
	p := &tab{t: t, ctx: ctx}
	p.do(chromedp.EmulateViewport(v.width, v.height))
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: v.still}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, func(ev any) { p.hear(ev, address) }); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Navigate(address))
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, b := range p.bad {
			t.Error(b)
		}
	})
	return p
}

func (p *tab) hear(ev any, address string) {
	complaint := ""
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		complaint = "uncaught: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			complaint += " " + x.Description
		}
	case *runtime.EventConsoleAPICalled:
		complaint = "console " + string(e.Type)
		for _, a := range e.Args {
			complaint += " " + string(a.Value) + a.Description
		}
	case *cdplog.EventEntryAdded:
		complaint = "browser log: " + e.Entry.Text
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, address) && !strings.HasPrefix(e.Request.URL, "data:") {
			complaint = "request of " + e.Request.URL
		}
	}
	if complaint != "" {
		p.mu.Lock()
		p.bad = append(p.bad, complaint)
		p.mu.Unlock()
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// js evaluates an expression in the page.
func js[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// text is what an element shows.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return js[string](p, `(document.querySelector(`+quote(selector)+`) || {textContent: "no such element"}).textContent.trim()`)
}

// typeOver replaces what an input holds, key by key.
func (p *tab) typeOver(selector, text string) {
	p.t.Helper()
	js[any](p, `document.querySelector(`+quote(selector)+`).select()`)
	p.do(chromedp.SendKeys(selector, text))
}

// fits fails the test where the page is wider than the view, and names what is.
func (p *tab) fits(v view) {
	p.t.Helper()
	if w := js[float64](p, `document.documentElement.scrollWidth`); w > float64(v.width) {
		p.t.Errorf("the page is %v wide in a view of %d: %v", w, v.width, js[[]string](p, `[...document.querySelectorAll("body *")]
			.filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth && !e.closest(".scroll, nav, #tip"))
			.slice(0, 8).map(e => e.tagName + "#" + e.id + " " + (e.getAttribute("class") || ""))`))
	}
}

func quote(s string) string { return "`" + s + "`" }

// shoot writes screenshots into the folder SLIMFIT_SCREENSHOTS, for a person.
func (p *tab) shoot(name string) {
	p.t.Helper()
	folder := os.Getenv("SLIMFIT_SCREENSHOTS")
	if folder == "" {
		return
	}
	b, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), b, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
