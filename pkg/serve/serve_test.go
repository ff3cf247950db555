package serve

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// run serves a folder until the test ends.
type run struct {
	address string
	pages   atomic.Int64 // made so far
	broken  atomic.Bool  // the next reports fail
	end     func() error
}

func start(t *testing.T, folder *store.Folder, keys []result.Key) *run {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &run{address: "http://" + l.Addr().String()}
	s := Server{Viewer: &sweep.Viewer{Folder: folder}, Keys: keys, Label: result.Key.String, pulse: 10 * time.Millisecond,
		Page: func(n int) ([]byte, error) {
			r.pages.Add(1)
			if r.broken.Load() {
				return nil, errors.New("the report contradicts itself")
			}
			return fmt.Appendf(nil, "<html>report %d</html>", n), nil
		}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	r.end = func() error {
		cancel()
		select {
		case err := <-done:
			done <- err
			return err
		case <-time.After(10 * time.Second):
			return errors.New("it goes on serving")
		}
	}
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// listen opens an event stream.
func (r *run) listen(t *testing.T) (wait func(func(state) bool) state, hangUp func()) {
	t.Helper()
	ctx, hangUp := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(hangUp)
	q, _ := http.NewRequestWithContext(ctx, "GET", r.address+"/events", nil)
	answer, err := http.DefaultClient.Do(q)
	if err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("events: %v, %v", answer, err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return func(wanted func(state) bool) (s state) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				s = state{}
				if err := json.Unmarshal([]byte(data), &s); err != nil {
					t.Fatal(err)
				}
				if wanted(s) {
					return s
				}
			}
		}
		t.Fatalf("the stream ended (%v); it said last %+v", lines.Err(), s)
		return s
	}, hangUp
}

func get(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// key is a trial of a folder that has no result for it yet.
func key(seed int64) result.Key { return result.Key{ConfigID: "c5x2-p4-d128-1a2b3c4d", Seed: seed} }

// fail writes a result as of a failed trial.
func fail(t *testing.T, f *store.Folder, k result.Key) {
	t.Helper()
	r := result.Result{ConfigID: k.ConfigID, Seed: k.Seed, Status: result.Failed, Reason: "killed\nby <b>somebody</b>", Warnings: []string{}}
	b, err := store.EncodeResult(r)
	if err == nil {
		err = errors.Join(os.MkdirAll(f.TrialDir(k), 0o777), store.WriteFile(f.ResultPath(k), b))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A folder without results, then what trains in it, what failed, a report that
// cannot be made, a result damaged while it is served.
func TestLive(t *testing.T) {
	folder, err := store.Create(t.TempDir(), "sample", []byte("name: sample\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, folder, []result.Key{key(0), key(1)})
	wait, _ := r.listen(t)
	if s := wait(func(state) bool { return true }); s.Page != 1 || s.Total != 2 || s.Pending != 2 || s.Alive != 0 {
		t.Errorf("at first: %+v", s)
	}
	if got := get(t, r.address); got != "<html>report 1</html>" {
		t.Errorf("the page is %s", got)
	}
	var history []result.Point
	process, err := folder.Join(900*time.Millisecond, func() any {
		step := 10 * (len(history) + 1)
		loss := 1 / float64(step)
		history = append(history, result.Point{Step: step, Loss: loss})
		must(0, errors.Join(os.MkdirAll(folder.TrialDir(key(1)), 0o777), folder.WriteHistory(key(1), 0, history)))
		member := sweep.MemberState{Key: key(1), Loss: &loss}
		return sweep.State{Total: 2, Failed: len(must(folder.Keys())) - 1, Left: 300,
			Workers: []sweep.WorkerState{{PID: 1, Step: step, Steps: 5000, Members: []sweep.MemberState{member}}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	s := wait(func(s state) bool { return len(s.Work) == 1 && len(s.Work[0].Points) >= 2 })
	if w := s.Work[0]; s.Running != 1 || s.Pending != 1 || s.Left != "5 min" || s.Alive != 1 || w.Label != key(1).String() ||
		w.Steps != 5000 ||
		*w.Points[1][0] <= *w.Points[0][0] || *w.Points[0][1] != 1/(*w.Points[0][0]) || w.Points[0][2] != nil {
		t.Errorf("in training: %+v", s)
	}
	fail(t, folder, key(0))
	s = wait(func(s state) bool { return s.Page == 2 })
	if s.Failed != 1 || len(s.Failures) != 1 || s.Failures[0] != key(0).String()+": failed: killed" {
		t.Errorf("after a failure: %+v", s)
	}
	r.broken.Store(true)
	if err := os.WriteFile(folder.ResultPath(key(0)), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := process.Close(); err != nil { // which gives reason to look
		t.Fatal(err)
	}
	s = wait(func(s state) bool { return s.Trouble != "" })
	if s.Trouble != "the report contradicts itself" || len(s.Damaged) != 1 || s.Failed != 0 || s.Page != 2 || s.Alive != 0 {
		t.Errorf("with a damaged result and no report: %+v", s)
	}
	if got := get(t, r.address); got != "<html>report 2</html>" {
		t.Errorf("the page is %s, want the last good one", got)
	}
	r.broken.Store(false)
	fail(t, folder, key(0))
	fail(t, folder, key(1))
	process, err = folder.Join(900*time.Millisecond, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	if s = wait(func(s state) bool { return s.Page == 3 && s.Trouble == "" }); s.Failed != 2 || len(s.Damaged) != 0 {
		t.Errorf("mended: %+v", s)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Nobody looks: no report is made. Streams end with the server, and with the
// browser.
func TestStreams(t *testing.T) {
	folder, err := store.Create(t.TempDir(), "sample", []byte("name: sample\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, folder, nil)
	wait, hangUp := r.listen(t)
	wait(func(state) bool { return true })
	hangUp()
	fail(t, folder, key(0))
	process, err := folder.Join(900*time.Millisecond, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	time.Sleep(300 * time.Millisecond)
	if n := r.pages.Load(); n != 1 {
		t.Errorf("%d reports were made, nobody looked", n)
	}
	var streams []func(func(state) bool) state
	for range 100 {
		wait, _ := r.listen(t)
		streams = append(streams, wait)
	}
	for _, wait := range streams {
		wait(func(s state) bool { return s.Page == 2 && s.Failed == 1 })
	}
	if n := r.pages.Load(); n != 2 {
		t.Errorf("%d reports for 100 pages, want one more", n)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(r.address); err == nil {
		t.Error("it still answers")
	}
}

// What cannot be read is told before anything is served.
func TestNothingThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Server{Viewer: &sweep.Viewer{Folder: &store.Folder{Dir: filepath.Join(t.TempDir(), "none")}}, Label: result.Key.String,
		Page: func(int) ([]byte, error) { return nil, errors.New("no result in it") }}
	if err := s.Run(context.Background(), l); err == nil {
		t.Error("it served nothing")
	}
	if _, err := l.Accept(); err == nil {
		t.Error("the port is still taken")
	}
}

// Other sites' pages, names that lead here and writes are refused.
func TestGuard(t *testing.T) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "secret") })
	h := guard(ok, "node7.cluster")
	for _, c := range []struct {
		name, method, host string
		header             map[string]string
		want               int
	}{
		{"local", "GET", "127.0.0.1:8765", nil, 200},
		{"by name", "GET", "localhost:8765", nil, 200},
		{"behind ssh -L", "HEAD", "LOCALHOST:9000", nil, 200},
		{"IPv6", "GET", "[::1]:8765", nil, 200},
		{"without a port", "GET", "localhost", nil, 200},
		{"told name", "GET", "node7.cluster:8765", nil, 200},
		{"own page", "GET", "localhost:8765", map[string]string{"Origin": "http://localhost:8765", "Sec-Fetch-Site": "same-origin"}, 200},
		{"a link elsewhere", "GET", "localhost:8765", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200},
		{"rebinding", "GET", "evil.example:8765", nil, 421},
		{"rebinding that looks local", "GET", "localhost.evil.example", nil, 421},
		{"no host", "GET", "", nil, 421},
		{"other origin", "GET", "localhost:8765", map[string]string{"Origin": "http://evil.example"}, 403},
		{"other port's page", "GET", "localhost:8765", map[string]string{"Origin": "http://localhost:3000"}, 403},
		{"a file's page", "GET", "localhost:8765", map[string]string{"Origin": "null"}, 403},
		{"embedded elsewhere", "GET", "localhost:8765", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403},
		{"embedded by a neighbour", "GET", "localhost:8765", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403},
		{"a write", "POST", "localhost:8765", nil, 405},
	} {
		q := httptest.NewRequest(c.method, "/", nil)
		q.Host = c.host
		for k, v := range c.header {
			q.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		if w.Code != c.want || c.want != 200 && strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
		}
		if w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: headers %v", c.name, w.Header())
		}
	}
}

// A page is sent packed to who takes it; other paths are not there.
func TestDocument(t *testing.T) {
	html := []byte(strings.Repeat("<p>a long report</p>", 1000))
	page, err := newDocument(1, html)
	if err != nil {
		t.Fatal(err)
	}
	h := (&Server{page: page}).handler()
	for _, packed := range []bool{false, true} {
		q, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		if packed {
			q.Header.Set("Accept-Encoding", "br, gzip")
		}
		h.ServeHTTP(w, q)
		body := io.Reader(w.Body)
		if packed {
			if w.Body.Len() > len(html)/10 {
				t.Errorf("%d bytes of %d are packed", w.Body.Len(), len(html))
			}
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != string(html) {
			t.Errorf("packed %v: %d bytes, %v", packed, len(got), err)
		}
	}
	for _, path := range []string{"/experiment.yaml", "/../secret", "/events/", "/index.html"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 404 && w.Code != 307 && w.Code != 301 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// The curve of what trains is its history from the first step, small however long the
// training is; points of a training before, which went further, are none of it.
func TestCurve(t *testing.T) {
	folder, err := store.Create(t.TempDir(), "sample", []byte("name: sample\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Viewer: &sweep.Viewer{Folder: folder}}
	heard := sweep.MemberState{Key: key(0), Loss: new(0.5)}
	if got := s.read(7, 20_000, heard); len(got) != 1 || *got[0][0] != 7 || *got[0][1] != 0.5 {
		t.Errorf("before the first point: %v", got)
	}
	if got, err := json.Marshal(s.read(0, 20_000, sweep.MemberState{Key: key(0)})); err != nil || string(got) != "[]" {
		t.Errorf("before the first heartbeat with a loss: %s, %v", got, err)
	}
	var history []result.Point
	for step := 50; step <= 10_050; step += 50 {
		p := result.Point{Step: step, Loss: float64(step)}
		if step%1000 == 0 {
			p.Validation = new(0.5)
		}
		history = append(history, p)
	}
	if err := errors.Join(os.MkdirAll(folder.TrialDir(key(0)), 0o777), folder.WriteHistory(key(0), 0, history)); err != nil {
		t.Fatal(err)
	}
	points, measured := s.read(10_010, 10_000, heard), 0
	for _, p := range points {
		if p[2] != nil && int(*p[0])%1000 == 0 {
			measured++
		}
	}
	if n := len(points); measured != 10 || n > mostPoints+2 || n < mostPoints/2 || *points[0][0] != 50 || *points[n-1][0] != 10_000 {
		t.Errorf("%d points, %d validation accuracies, the last %v", n, measured, *points[n-1][0])
	}
}
