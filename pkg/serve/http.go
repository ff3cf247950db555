package serve

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// document is a page as it is sent.
type document struct {
	number     int
	html, gzip []byte
}

func newDocument(number int, html []byte) (document, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(html); err != nil {
		return document{}, err
	}
	if err := w.Close(); err != nil {
		return document{}, err
	}
	return document{number, html, b.Bytes()}, nil
}

func (s *Server) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.sendPage)
	m.HandleFunc("GET /events", s.sendEvents)
	return m
}

func (s *Server) sendPage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	page := s.page
	s.mu.Unlock()
	h, body := w.Header(), page.html
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = page.gzip
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
	w.Write(body) // a browser that went away needs no answer
}

// sendEvents tells one page the state, and each newer one, until it goes away
// or takes nothing for a while.
func (s *Server) sendEvents(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	full := s.streams >= mostStreams
	if !full {
		s.streams++
	}
	s.mu.Unlock()
	if full {
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	defer func() {
		s.mu.Lock()
		s.streams--
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	quiet := time.NewTicker(15 * time.Second)
	defer quiet.Stop()
	for {
		s.mu.Lock()
		now, next := s.state, s.next
		s.mu.Unlock()
		out.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := fmt.Fprintf(w, "data: %s\n\n", now); err != nil || out.Flush() != nil {
			return
		}
		for told := false; !told; {
			select {
			case <-r.Context().Done():
				return
			case <-next:
				told = true
			case <-quiet.C: // finds out who went away
				out.SetWriteDeadline(time.Now().Add(10 * time.Second))
				if _, err := fmt.Fprint(w, ":\n\n"); err != nil || out.Flush() != nil {
					return
				}
			}
		}
	}
}

// guard lets only pages of this server read from it. A browser sends requests
// for any site: one whose name leads here (DNS rebinding) has a Host that is none
// of ours, and a page of another site says so. A port is not looked at: it is
// another one behind ssh -L.
func guard(h http.Handler, names ...string) http.Handler {
	self, _ := os.Hostname() // "" where the system has no name
	names = append(names, "localhost", self)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ours := net.ParseIP(strings.Trim(host, "[]")) != nil ||
			host != "" && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) })
		origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
		foreign := origin != "" && origin != "http://"+r.Host ||
			!slices.Contains([]string{"", "none", "same-origin"}, site) && r.Header.Get("Sec-Fetch-Mode") != "navigate"
		for key, value := range map[string]string{"Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'none'",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff"} {
			w.Header().Set(key, value)
		}
		switch {
		case !ours:
			http.Error(w, "this is no name of this server: open it by localhost or an address", http.StatusMisdirectedRequest)
		case foreign:
			http.Error(w, "pages of other sites may not read this", http.StatusForbidden)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this server is read only", http.StatusMethodNotAllowed)
		default:
			h.ServeHTTP(w, r)
		}
	})
}
