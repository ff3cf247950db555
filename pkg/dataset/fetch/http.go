package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// stallAfter is how long a download may stand still.
const stallAfter = 30 * time.Second

// statusError is an HTTP answer other than 200.
type statusError struct {
	url    string
	code   int
	status string
}

func (e *statusError) Error() string { return fmt.Sprintf("%s: %s", e.url, e.status) }

// notFound is what a module proxy answers for a module it does not have.
func (e *statusError) notFound() bool {
	return e.code == http.StatusNotFound || e.code == http.StatusGone
}

// get gives the body of a URL (https, http or file) to use. A download that
// stands still is given up.
func (f *fetch) get(ctx context.Context, url string, use func(io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stallAfter, func() {
		cancel(fmt.Errorf("no data for %v", stallAfter))
	})
	defer stalled.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := httpClient()
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &statusError{req.URL.Redacted(), resp.StatusCode, resp.Status}
	}
	body := &progressReader{r: resp.Body, total: resp.ContentLength, next: time.Now().Add(progressEvery),
		alive: func() { stalled.Reset(stallAfter) }, say: f.say}
	if err := use(body); err != nil {
		return fmt.Errorf("%s: %w", req.URL.Redacted(), causeOf(ctx, err))
	}
	return nil
}

// causeOf says why a context ended where that is the reason of err.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}

// httpClient knows the proxies of the environment and file:// URLs.
func httpClient() *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 15 * time.Second, DisableCompression: true}
	t.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	return &http.Client{Transport: t}
}

const progressEvery = 5 * time.Second

// progressReader tells now and then how far a download is.
type progressReader struct {
	r           io.Reader
	done, total int64 // bytes; total is -1 where it is not known
	next        time.Time
	alive       func()
	say         func(format string, args ...any)
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.done += int64(n)
	if n > 0 {
		p.alive()
	}
	if now := time.Now(); now.After(p.next) {
		p.next = now.Add(progressEvery)
		if p.total > 0 {
			p.say("%d of %d MB", p.done>>20, p.total>>20)
		} else {
			p.say("%d MB", p.done>>20)
		}
	}
	return n, err
}
