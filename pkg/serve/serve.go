// Package serve shows a run folder's report in browsers on this machine, live:
// while trials train, pages change by themselves.
//
//  1. A Server looks at the folder's files, one look for all pages: heartbeats
//     each second, results where a heartbeat tells of an end, or now and then.
//  2. Each open page has an event stream (server-sent events): where the trials
//     stand, and the number of the newest report, which the page then fetches.
//  3. The report is made anew after results changed, once for all pages, and only
//     while somebody looks.
//
// Nothing is written: it works beside any run, on a cluster's folder, and where
// nothing may be written. guard says who may read.
package serve

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
)

// Server shows one run folder. Its exported fields are set before Run.
type Server struct {
	Viewer *sweep.Viewer
	Keys   []result.Key                     // of the trials that there should be; nil: of those that have a folder
	Label  func(result.Key) string          // names a trial
	Page   func(number int) ([]byte, error) // makes the report's page, which knows its number
	Name   string                           // by which people may open it, besides localhost and addresses; "" for none

	pulse time.Duration // 0 is pulseEvery

	mu      sync.Mutex
	state   []byte               // the newest, as JSON
	next    chan struct{}        // closed when there is a newer one
	page    document             // the newest
	trouble string               // why page is not newer
	streams int                  // open
	curves  map[result.Key]curve // of what trains
}

// What a Server may spend: looks and reports of a large folder take a small
// share of one processor's time, however much changes.
const (
	pulseEvery  = time.Second
	lookEvery   = 30 * time.Second // where no heartbeat tells of an end
	rest        = 20               // from one look, or one report, to the next, in times that it took
	mostStreams = 500
)

// Run serves on the listener, which it closes, until ctx ends.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	defer l.Close()
	s.next, s.curves = make(chan struct{}), map[result.Key]curve{}
	w := &watcher{Server: s}
	if err := w.begin(); err != nil { // what cannot be served is told at once
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	server := &http.Server{Handler: guard(s.handler(), s.Name), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 1 << 16, BaseContext: func(net.Listener) context.Context { return ctx }}
	var both sync.WaitGroup
	both.Go(func() { w.run(ctx) })
	both.Go(func() {
		<-ctx.Done() // event streams end by it too
		late, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if server.Shutdown(late) != nil {
			server.Close()
		}
	})
	err := server.Serve(l)
	stop()
	both.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// watcher looks at the folder for all pages.
type watcher struct {
	*Server
	last               sweep.Overview
	told               string // by heartbeats, of ends, at the last look
	shown              uint64 // Mark of the last report
	looked, rendered   time.Time
	lookFor, renderFor time.Duration
	fault              error // of the last report
}

func (w *watcher) begin() error {
	if err := w.look(); err != nil {
		return err
	}
	if err := w.render(); err != nil {
		return err
	}
	w.told = ends(w.last.Processes)
	w.tell(w.last)
	return nil
}

func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(cmp.Or(w.pulse, pulseEvery))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err := w.beat()
			w.mu.Lock()
			w.trouble = ""
			if err != nil {
				w.trouble = err.Error()
			}
			w.mu.Unlock()
			w.tell(w.last)
		}
	}
}

// beat reads the heartbeats, and what they give reason to read.
func (w *watcher) beat() error {
	processes, err := w.Viewer.Processes()
	if err != nil {
		return err
	}
	says, since := ends(processes), time.Since(w.looked)
	if since >= rest*w.lookFor && (says != w.told || since >= lookEvery) {
		w.told = says
		if err := w.look(); err != nil {
			return err
		}
	}
	w.last.Processes = processes
	w.mu.Lock()
	watched := w.streams > 0
	w.mu.Unlock()
	if watched && w.last.Mark != w.shown && time.Since(w.rendered) >= rest*w.renderFor {
		w.fault = w.render()
	}
	return w.fault
}

func (w *watcher) look() (err error) {
	w.looked = time.Now()
	o, err := w.Viewer.Look(w.Keys)
	w.lookFor = time.Since(w.looked)
	if err == nil {
		w.last = o
	}
	return err
}

// render makes the report's page anew.
func (w *watcher) render() error {
	w.rendered, w.shown = time.Now(), w.last.Mark
	html, err := w.Page(w.page.number + 1)
	w.renderFor = time.Since(w.rendered)
	if err != nil {
		return err
	}
	page, err := newDocument(w.page.number+1, html)
	if err == nil {
		w.mu.Lock()
		w.page = page
		w.mu.Unlock()
	}
	return err
}
