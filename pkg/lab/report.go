package lab

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/report"
	"slimfit/pkg/report/claims"
	"slimfit/pkg/report/output"
	"slimfit/pkg/report/render"
	"slimfit/pkg/store"
)

// ReportOptions says what reports are made of.
type ReportOptions struct {
	Split     report.Split // "": by whether there is a target
	Published string       // a CSV file of published figures; "": none
	Claims    string       // a YAML file of claims; "": none
	Pictures  bool         // the chosen network's mistakes, for the page
}

// Reports are run folders as reports, with the claims held against them.
type Reports struct {
	Reports []*report.Report
	Front   []render.Part // what stands before the reports in a document
	folders []*store.Folder
	files   []output.File // besides those of the reports
}

// ReadReports reads every folder before anything is written. A trial that one
// folder lacks is taken from another that has the same configuration and seed.
func (l *Lab) ReadReports(dirs []string, o ReportOptions) (*Reports, error) {
	published, err := readPublished(o.Published)
	if err != nil {
		return nil, err
	}
	inputs := make([]report.Input, len(dirs))
	all := &Reports{folders: make([]*store.Folder, len(dirs))}
	for i, dir := range dirs {
		if all.folders[i], err = l.RunFolder(dir); err != nil {
			return nil, err
		}
		if inputs[i], err = l.readRun(all.folders[i]); err != nil {
			return nil, err
		}
		inputs[i].Published = published
	}
	l.measureForReports(inputs)
	for i := range inputs {
		in := inputs[i]
		for j := range inputs {
			if j != i {
				addOthers(&in, inputs[j])
			}
		}
		r, err := report.Build(in, report.Options{Split: o.Split})
		if err != nil {
			return nil, exit.With(exit.Usage, fmt.Errorf("report of %s: %w", dirs[i], err))
		}
		if o.Pictures {
			l.illustrate(r, in)
		}
		all.Reports = append(all.Reports, r)
	}
	return all, all.readClaims(o.Claims)
}

// addOthers adds what another folder knows of the same configurations, whatever
// they go by there; not what only has the ID of one of them.
func addOthers(in *report.Input, from report.Input) {
	own, here := map[string]string{}, in.Experiment.ByID()
	for id, c := range here {
		own[c.Digest()] = id
	}
	names := map[string]string{} // here, by those there; "" for another configuration's
	for _, r := range from.Results {
		id, ok := names[r.ConfigID]
		if !ok {
			if id = own[r.Config().Digest()]; id == "" && here[r.ConfigID] == nil {
				id = r.ConfigID
			}
			names[r.ConfigID] = id
		}
		if r.ConfigID = id; id != "" {
			in.Others = append(in.Others, r)
		}
	}
	for _, q := range from.Int8 {
		if q.ConfigID = names[q.ConfigID]; q.ConfigID != "" {
			in.Int8 = append(in.Int8, q)
		}
	}
}

// Compare puts two run folders side by side.
func (l *Lab) Compare(dirs [2]string, split report.Split) (*report.Comparison, error) {
	var reports [2]*report.Report
	for i, dir := range dirs {
		folder, err := l.RunFolder(dir)
		if err != nil {
			return nil, err
		}
		in, err := l.readRun(folder)
		if err != nil {
			return nil, err
		}
		if reports[i], err = report.Build(in, report.Options{Split: split}); err != nil {
			return nil, exit.With(exit.Usage, fmt.Errorf("compare %s: %w", dir, err))
		}
	}
	comparison, err := report.Compare(reports[0], reports[1])
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	return comparison, nil
}

func readPublished(file string) ([]report.PublishedRow, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, exit.Failed(err)
	}
	rows, err := report.ReadPublished(bytes.NewReader(b), file)
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	return rows, nil
}

// Write writes all reports as one into a folder, or, where into is "", each
// into its run folder.
func (r *Reports) Write(l *Lab, into string) error {
	if into != "" {
		return r.writeFiles(l, into, r.Reports)
	}
	for i, one := range r.Reports {
		if err := r.writeFiles(l, r.folders[i].ReportDir(), []*report.Report{one}); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reports) writeFiles(l *Lab, folder string, reports []*report.Report) error {
	if err := os.MkdirAll(filepath.Join(folder, "figures"), 0o777); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	var names []string
	for _, f := range append(output.Files(reports, r.Front...), r.files...) {
		names = append(names, f.Name)
		b, err := f.Make()
		if err != nil {
			return err
		}
		if err := store.WriteFile(filepath.Join(folder, filepath.FromSlash(f.Name)), b); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	// A figure of an earlier report that has none now would mislead.
	for _, name := range output.FigureNames() {
		for _, ending := range []string{".svg", ".png"} {
			old := "figures/" + name + ending
			if slices.Contains(names, old) {
				continue
			}
			if err := os.Remove(filepath.Join(folder, filepath.FromSlash(old))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("write report: %w", err)
			}
		}
	}
	l.Note("report: %s", filepath.Join(folder, "report.md"))
	for _, n := range names {
		if filepath.Ext(n) == ".html" {
			l.Note("        %s", filepath.Join(folder, n))
		}
	}
	return nil
}

// readClaims reads a file of claims and holds it against the reports.
func (r *Reports) readClaims(file string) error {
	if file == "" {
		return nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return exit.Failed(err)
	}
	f, err := claims.Read(b, file)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	judged, err := claims.Judge(f, r.Reports, file)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	r.Front = []render.Part{{Title: f.Title, Sections: claims.Sections(f.About, judged)}}
	r.files = []output.File{{Name: "claims.json", Make: func() ([]byte, error) { return claims.JSON(judged) }}}
	return nil
}

// A page shows the worst mistakes of one network. Pictures of more bytes in
// sum, or from folders of more images, are not worth the wait.
const (
	mostMistakes  = 20
	mostPictures  = 300_000 // bytes
	mostOwnToShow = 20_000  // images of a person's own, which are read one by one
)

// illustrate gives a report what the chosen network gets wrong, with pictures where
// the images are still there and the same.
func (l *Lab) illustrate(r *report.Report, in report.Input) {
	chosen := r.Chosen()
	if in.Experiment == nil || chosen < 0 {
		return
	}
	ref, d := in.Experiment.Ref, in.Experiment.Data
	var set dataset.Set // empty where the report does without
	if ref.Path == "" || d.Train+d.Validation+d.Test <= mostOwnToShow {
		if s, err := dataset.LoadData(d, models.Source{Cache: l.Cache, Path: ref.Path}); err == nil {
			set = *s
		}
	}
	if r.Classes == nil {
		r.Classes = set.ClassNames
	}
	part, files := set.Validation, set.ValidationFiles
	if r.Split == report.Test {
		part, files = set.Test, set.TestFiles
	}
	results := append(in.Results[:len(in.Results):len(in.Results)], in.Others...)
	total := 0
	for _, m := range report.Worst(results, in.Scores, r.Rows[chosen].ID, r.Split, mostMistakes) {
		if m.Image < part.N() {
			m.True = int(part.Labels[m.Image])
			m.Picture = picture(part, m.Image, d.Input)
		}
		if m.Image < len(files) {
			m.File = files[m.Image]
		}
		if m.True < 0 {
			continue // older results do not say
		}
		if total+len(m.Picture) > mostPictures {
			m.Picture = nil
		}
		total += len(m.Picture)
		r.Mistakes = append(r.Mistakes, m)
	}
}

// picture is an image as PNG; nil where it is neither grey nor in colour.
func picture(images dataset.Images, i int, shape models.Shape) []byte {
	size := shape.H * shape.W * shape.C
	if len(images.Pixels) < (i+1)*size || shape.C != 1 && shape.C != 3 {
		return nil
	}
	pixels, bounds := images.Pixels[i*size:(i+1)*size], image.Rect(0, 0, shape.W, shape.H)
	var picture image.Image = &image.Gray{Pix: pixels, Stride: shape.W, Rect: bounds}
	if shape.C == 3 {
		in := image.NewNRGBA(bounds)
		for k := range shape.H * shape.W {
			in.SetNRGBA(k%shape.W, k/shape.W, color.NRGBA{pixels[3*k], pixels[3*k+1], pixels[3*k+2], 255})
		}
		picture = in
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return nil
	}
	return b.Bytes()
}
