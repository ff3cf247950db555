package lab

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/report"
)

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
