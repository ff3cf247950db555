package page

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
)

// liveServer sends pages and states as pkg/serve does.
type liveServer struct {
	*httptest.Server
	page chan []byte // holds the newest

	mu    sync.Mutex
	state string        // that every stream is told, also one that comes later; "": none
	next  chan struct{} // closed when there is another
}

func newLiveServer(t *testing.T) *liveServer {
	s := &liveServer{page: make(chan []byte, 1), next: make(chan struct{})}
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		page := <-s.page
		s.page <- page
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	})
	m.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			s.mu.Lock()
			state, next := s.state, s.next
			s.mu.Unlock()
			if state != "" {
				fmt.Fprintf(w, "data: %s\n\n", state)
				w.(http.Flusher).Flush()
			}
			select {
			case <-r.Context().Done():
				return
			case <-next:
			}
		}
	})
	s.Server = httptest.NewServer(m)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *liveServer) put(t *testing.T, r *report.Report, number int) {
	t.Helper()
	b, err := Live(r, number)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.page:
	default:
	}
	s.page <- b
}

const (
	training = `{"page":1,"total":45,"done":3,"failed":1,"running":1,"pending":40,"left":"5 min","alive":1,"gone":[],
		"work":[{"label":"kernel <b>5</b>","step":120,"steps":2000,"left":"40 s","points":[[60,2.1,null],[120,0.7,0.91]]}],
		"failures":["kernel 3, seed 1: failed: <img src=x onerror=alert(1)>"],"damaged":[]}`
	finished = `{"page":2,"total":45,"done":45,"alive":0,"gone":[],"work":[],"failures":[],"damaged":[],"trouble":"the disk is full"}`
)

// A page that a server sends shows what trains and takes a newer report over,
// and whatever the reader chose, typed, sorted or opened stays.
func testLive(t *testing.T, parent context.Context) {
	s := newLiveServer(t)
	in := reporttest.Flawed(t)
	in.Results = nil
	s.put(t, reporttest.Build(t, in, report.Options{}), 1)
	for _, v := range []view{desktop, phone} {
		p := visit(t, parent, s.URL+"/", v)
		s.tell(training)
		p.until("#live-now", "3 of 45 trials done, 1 failed, 1 training, 40 waiting · about 5 min left")
		if got := p.text("#live-work"); !strings.Contains(got, "kernel <b>5</b> · 120 of 2,000 · loss 0.700 · 91.00 % · 40 s") {
			t.Errorf("what trains: %q", got)
		}
		if got := p.text("#live-bad"); !strings.Contains(got, "<img src=x onerror=alert(1)>") ||
			js[int](p, `document.querySelectorAll("#live img").length`) != 0 {
			t.Errorf("failures: %q", got)
		}
		if n := js[int](p, `document.querySelectorAll("#live-work svg").length`); n != 2 {
			t.Errorf("%d curves, want loss and accuracy", n)
		}
		p.fits(v)
		p.shoot(fmt.Sprintf("live-%d", v.width))
		p.do(chromedp.Navigate("about:blank"))
	}

	r := slicesReport(t)
	s.put(t, r, 1)
	s.tell(training)
	p := visit(t, parent, s.URL+"/", desktop)
	p.until("#live-now", "1 training")
	for _, selector := range []string{"#chart svg", "#pick-name"} { // what trains stands below what decides
		if bottom := js[float64](p, `document.querySelector(`+quote(selector)+`).getBoundingClientRect().bottom`); bottom > float64(desktop.height) {
			t.Errorf("while a trial trains, %s ends at %v, below a screen of %d", selector, bottom, desktop.height)
		}
	}
	p.do(chromedp.Navigate("about:blank"))
	s.tell("")
	p = visit(t, parent, s.URL+"/", desktop)
	p.typeOver("#threshold", "94.5")
	p.typeOver("#filter", "kernel 5")
	js[any](p, `(e => {
		document.querySelector("#table-results th button").click();
		document.querySelector("#differences details").open = true;
		e.value = "3";
		e.dispatchEvent(new Event("change"));
		scrollTo({top: 700, behavior: "instant"});
		document.getElementById("filter").focus({preventScroll: true});
		return null })(document.getElementById("selected"))`)
	place := func() float64 {
		return js[float64](p, `document.getElementById("network").getBoundingClientRect().top`)
	}
	before, top := p.hands(), place()
	r.About = "the second report"
	s.put(t, r, 2)
	s.tell(finished)
	p.until(".about", "the second report")
	p.until("#live-now", "this report is not the newest: the disk is full")
	if after := p.hands(); after != before || !strings.Contains(after, "94.5") {
		t.Errorf("the reader's hands\n%s, now\n%s", before, after)
	}
	if now := place(); math.Abs(now-top) > 60 {
		t.Errorf("what the reader looks at was at %v, now at %v", top, now)
	}
	if hidden := js[bool](p, `document.getElementById("live-work").hidden`); !hidden {
		t.Error("nothing trains, and curves are shown")
	}
	js[any](p, `(e => { e.value = "macs"; e.dispatchEvent(new Event("change")); return null })(document.getElementById("x"))`)
	if got := p.text("#chart"); !strings.Contains(got, "multiply-accumulates") {
		t.Errorf("the new page's controls do nothing: %.200q", got)
	}
}

// tell tells a state to all streams: one of a page that is gone takes none from
// the next one's.
func (s *liveServer) tell(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = strings.ReplaceAll(state, "\n", "")
	close(s.next)
	s.next = make(chan struct{})
}

// until waits for text in an element.
func (p *tab) until(selector, text string) {
	p.t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if strings.Contains(p.text(selector), text) {
			return
		}
	}
	p.t.Fatalf("%s says %q, want %q", selector, p.text(selector), text)
}

// hands is what the reader did to the page.
func (p *tab) hands() string {
	return js[string](p, `JSON.stringify([location.hash, document.getElementById("filter").value, document.activeElement.id,
		document.querySelector("#network .hint").textContent,
		document.querySelector("#differences details").open,
		[...document.querySelectorAll("#table-results th")].map((th) => th.getAttribute("aria-sort")),
		[...document.querySelectorAll("#table-results tbody tr")].filter((tr) => !tr.hidden).length])`)
}
