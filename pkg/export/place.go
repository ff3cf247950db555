package export

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"slimfit/models"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/tflite"
)

// Names of what an export's folder holds besides model files.
const (
	CardName     = "README.md"
	ManifestName = "export.json"
)

// GoldenName is the file with the export's golden vectors, see Golden.
const GoldenName = "golden.npz"

// Place is a folder that an export is made for. Everything is written into a
// temporary folder beside it first; Commit puts it in place.
type Place struct {
	dir, tmp string // absolute
}

// Prepare makes the temporary folder for an export into dir. A dir that holds
// the export of another network, or files of the names that are to be written
// and that no export wrote, gives a *TakenError, unless replace is set.
func Prepare(dir, weightsSHA string, formats []Format, replace bool) (*Place, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil { // the temporary folder must be on the same disk
		abs = real
	}
	var taken *TakenError
	if err := allowed(abs, weightsSHA, formats); err != nil && !(replace && errors.As(err, &taken)) {
		return nil, err
	}
	suffix := make([]byte, 6)
	rand.Read(suffix) // never fails, see crypto/rand
	p := &Place{dir: abs, tmp: abs + ".tmp-" + hex.EncodeToString(suffix)}
	if err := os.MkdirAll(filepath.Dir(abs), 0o777); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if err := os.Mkdir(p.tmp, 0o777); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return p, nil
}

func allowed(dir, weightsSHA string, formats []Format) error {
	info, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("export: %s is a file: name a folder", dir)
	}
	ours := map[string]bool{}
	old, err := ReadManifest(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return &TakenError{dir, err.Error()}
	case old.WeightsSHA != weightsSHA:
		return &TakenError{dir, fmt.Sprintf("it holds the export of %s, seed %d", old.ConfigID, old.Seed)}
	default:
		ours[CardName], ours[GoldenName] = true, old.Golden != ""
		for _, f := range old.Files {
			ours[f.Format.Path()] = true
		}
	}
	for _, name := range append(paths(formats), CardName, GoldenName) {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil && !ours[name] {
			return &TakenError{dir, name + " in it is not of an export"}
		}
	}
	return nil
}

func paths(formats []Format) []string {
	var all []string
	for _, f := range formats {
		all = append(all, f.Path())
	}
	return all
}

// TakenError says that a folder holds something that an export must not
// replace.
type TakenError struct{ Dir, Reason string }

func (e *TakenError) Error() string {
	return fmt.Sprintf("%s: %s; name another folder, or --force to replace it", e.Dir, e.Reason)
}

// ReadManifest reads the card of an export's folder. The error is
// os.ErrNotExist where that is the reason.
func ReadManifest(dir string) (*Card, error) {
	file := filepath.Join(dir, ManifestName)
	b, err := store.ReadFile(file, store.MaxJSON)
	if err != nil {
		return nil, err
	}
	var c Card
	if err := models.UnmarshalStrict(b, &c); err != nil || c.WeightsSHA == "" {
		return nil, fmt.Errorf("%s is no export's", file)
	}
	return &c, nil
}

// File is the path at which to write a format before Commit; its folder is
// there.
func (p *Place) File(f Format) (string, error) {
	file := filepath.Join(p.tmp, f.Path())
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return "", fmt.Errorf("export: %w", err)
	}
	return file, nil
}

// Write writes a format before Commit.
func (p *Place) Write(f Format, b []byte) error {
	file, err := p.File(f)
	if err != nil {
		return err
	}
	return write(file, b)
}

// WriteHeader writes the C header beside a format's file before Commit.
func (p *Place) WriteHeader(f Format, b []byte) error {
	file, err := p.File(f)
	if err != nil {
		return err
	}
	return write(strings.TrimSuffix(file, ".c")+".h", b)
}

// WriteGolden writes the golden vectors, joined with those of the files that
// stay, and notes them in the card; Describe comes before.
func (p *Place) WriteGolden(c *Card, g *Golden) error {
	if b, err := os.ReadFile(filepath.Join(p.dir, GoldenName)); err == nil {
		if old, err := ReadGolden(b); err == nil {
			g.Join(old, c.Files)
		}
	}
	b, err := g.Marshal()
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	c.Golden = result.SHA256(b)
	return write(filepath.Join(p.tmp, GoldenName), b)
}

// write writes a file that survives a power cut.
func write(file string, b []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// Describe adds the files that were written to the card, and those of an
// earlier export of the same network that stay. opts is what Build was given.
func (p *Place) Describe(c *Card, formats []Format, opts tflite.Options) error {
	files := map[Format]ModelFile{}
	if old, err := ReadManifest(p.dir); err == nil && old.WeightsSHA == c.WeightsSHA {
		for _, f := range old.Files {
			if now, err := sum(p.dir, f.Format); err == nil && now.SHA256 == f.SHA256 {
				files[f.Format] = f
			}
		}
	}
	for _, format := range formats {
		f, err := sum(p.tmp, format)
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		f.DensePerChannel = format.Quantized() && opts.DensePerChannel
		files[format] = f
	}
	c.Files = nil
	for _, format := range Formats() {
		if f, ok := files[format]; ok {
			c.Files = append(c.Files, f)
			c.take(f)
		}
	}
	return nil
}

func sum(dir string, f Format) (ModelFile, error) {
	b, err := os.ReadFile(filepath.Join(dir, f.Path()))
	if err != nil {
		return ModelFile{}, err
	}
	return ModelFile{Format: f, Path: f.Path(), Bytes: len(b), SHA256: result.SHA256(b)}, nil
}

// Commit writes the card and puts everything in place: the whole folder at
// once where there is none yet, else file by file, each of them whole.
func (p *Place) Commit(c *Card) error {
	manifest, err := c.JSON()
	if err != nil {
		return err
	}
	if err := write(filepath.Join(p.tmp, ManifestName), manifest); err != nil {
		return err
	}
	card, err := c.Markdown()
	if err != nil {
		return err
	}
	if err := write(filepath.Join(p.tmp, CardName), []byte(card)); err != nil {
		return err
	}
	if err := os.Rename(p.tmp, p.dir); err == nil { // it was not there, or empty
		return nil
	}
	return p.merge(c)
}

// merge moves the entries into a folder that is there, the card last. Files of
// another network's export, which is replaced, go.
func (p *Place) merge(c *Card) error {
	if old, err := ReadManifest(p.dir); err == nil && old.WeightsSHA != c.WeightsSHA {
		for _, f := range old.Files {
			if err := os.Remove(filepath.Join(p.dir, f.Format.Path())); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("export: %w", err)
			}
		}
	}
	entries, err := os.ReadDir(p.tmp)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != CardName && e.Name() != ManifestName {
			names = append(names, e.Name())
		}
	}
	for _, name := range append(names, ManifestName, CardName) {
		from, to := filepath.Join(p.tmp, name), filepath.Join(p.dir, name)
		err := os.Rename(from, to)
		if err != nil && isDir(to) { // a folder is not renamed over one that has files
			aside := filepath.Join(p.tmp, "old-"+name)
			if err = os.Rename(to, aside); err == nil {
				err = os.Rename(from, to)
			}
		}
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return os.RemoveAll(p.tmp)
}

// Abort removes what was written. After Commit there is nothing to remove.
func (p *Place) Abort() { os.RemoveAll(p.tmp) }
