package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// Choice is a configuration, or one trial, of a run folder.
type Choice struct {
	Folder   *store.Folder
	ConfigID string
	Seed     *int64 // nil: the best on the validation images
}

// Find says what a person means by a name: the folder of a run, of a
// configuration or of a trial, a certificate, or what is called so below out
// (an experiment's name, a configuration's ID, a path of them). A run folder
// stands for its certificate's winner, or for its only configuration.
func Find(name, out string) (Choice, error) {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		return ofCertificate(name)
	}
	if err == nil {
		return ofFolder(name)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return Choice{}, err
	}
	dirs, err := below(out, name)
	if err != nil {
		return Choice{}, err
	}
	switch len(dirs) {
	case 0:
		return Choice{}, &NotFoundError{name, out}
	case 1:
		return ofFolder(dirs[0])
	}
	return Choice{}, fmt.Errorf("%s is in several run folders, name one of them: %s", name, strings.Join(dirs, ", "))
}

// NotFoundError says that there is nothing of a name.
type NotFoundError struct{ Name, Out string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("there is no %s, here or in %s: want the folder of a run, a configuration or a trial, a configuration's ID, or a "+
		"certificate", e.Name, e.Out)
}

// below lists the folders below out that a relative name may stand for.
func below(out, name string) ([]string, error) {
	if filepath.IsAbs(name) {
		return nil, nil
	}
	rel := filepath.Clean(name)
	tries := []string{filepath.Join(out, rel)}
	if first, rest, ok := strings.Cut(rel, string(filepath.Separator)); ok && first == filepath.Base(store.DefaultOut) {
		tries = append(tries, filepath.Join(out, rest))
	}
	for _, dir := range tries {
		if isDir(dir) {
			return []string{dir}, nil
		}
	}
	if id, _, _ := strings.Cut(rel, string(filepath.Separator)); !models.IsConfigID(id) {
		return nil, nil
	}
	runs, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var dirs []string
	for _, r := range runs {
		if dir := filepath.Join(out, r.Name(), rel); isDir(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// ofFolder tells the folders of trials, configurations and runs by their names.
func ofFolder(dir string) (Choice, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Choice{}, err
	}
	if folder, key, err := store.ParseTrialDir(abs); err == nil {
		return Choice{folder, key.ConfigID, &key.Seed}, nil
	}
	if id := filepath.Base(abs); models.IsConfigID(id) {
		return Choice{Folder: &store.Folder{Dir: filepath.Dir(abs)}, ConfigID: id}, nil
	}
	folder := &store.Folder{Dir: abs}
	names, err := folder.Named(".json")
	if err != nil {
		return Choice{}, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n != result.CertificateName && !isCertificate(filepath.Join(abs, n)) })
	switch {
	case len(names) > 1:
		return Choice{}, &UnchosenError{folder, fmt.Sprintf("%s holds several certificates, and none answers its experiment.yaml: name one of "+
			"them, such as %s", dir, filepath.Join(dir, names[0]))}
	case len(names) == 1:
		return ofCertificate(filepath.Join(abs, names[0]))
	}
	keys, err := folder.Keys()
	if err != nil {
		return Choice{}, err
	}
	ids := distinct(keys)
	switch len(ids) {
	case 0:
		return Choice{}, fmt.Errorf("%s is no run folder, or nothing is trained in it", dir)
	case 1:
		return Choice{Folder: folder, ConfigID: ids[0]}, nil
	}
	return Choice{}, &UnchosenError{folder, fmt.Sprintf("%s holds %d configurations and no certificate: name one of them, such as %s", dir,
		len(ids), filepath.Join(dir, ids[0]))}
}

// UnchosenError says that a run folder has more than one configuration, and no
// search that chose.
type UnchosenError struct {
	Folder *store.Folder
	text   string
}

func (e *UnchosenError) Error() string { return e.text }

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// isCertificate says whether a file is a certificate that found something.
func isCertificate(file string) bool {
	c, err := readCertificate(file)
	return err == nil && c.Winner != nil
}

func readCertificate(file string) (c result.Certificate, err error) {
	b, err := store.ReadFile(file, store.MaxJSON)
	if err != nil {
		return c, err
	}
	if err := models.UnmarshalStrict(b, &c); err != nil || c.Format < 1 || c.Format > result.CertificateFormat {
		return c, fmt.Errorf("%s is no certificate of a search", file)
	}
	return c, nil
}

// instead is what there is beside a certificate without a winner.
func instead(file string, nearest *result.NearestMiss) string {
	dir := filepath.Dir(file)
	names, err := (&store.Folder{Dir: dir}).Named(".json")
	for i := len(names) - 1; i >= 0 && err == nil; i-- {
		if other := filepath.Join(dir, names[i]); isCertificate(other) {
			return "; " + other + " beside it names one"
		}
	}
	if nearest == nil {
		return ""
	}
	return "; name " + filepath.Join(dir, nearest.ConfigID) + " to take its nearest miss all the same"
}

func distinct(keys []result.Key) []string {
	var ids []string
	for _, k := range keys {
		if len(ids) == 0 || ids[len(ids)-1] != k.ConfigID { // they come sorted
			ids = append(ids, k.ConfigID)
		}
	}
	return ids
}

// ofCertificate takes the winner of a search's certificate.
func ofCertificate(file string) (Choice, error) {
	c, err := readCertificate(file)
	if err != nil {
		return Choice{}, err
	}
	if c.Winner == nil {
		return Choice{}, fmt.Errorf("%s names no winner: %s%s", file, strings.TrimSuffix(c.Summary, "."), instead(file, c.Nearest))
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return Choice{}, err
	}
	return Choice{Folder: &store.Folder{Dir: dir}, ConfigID: c.Winner.ConfigID}, nil
}
