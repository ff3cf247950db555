package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/dataset"
)

// predictCommand classifies images.
func predictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "classify images with an exported file or a trained run",
		ArgsUsage: "MODEL IMAGE...",
		Description: "MODEL is a file or folder that `slimfit export` wrote (.tflite, weights.npz, savedmodel, frozen.pb), or what `slimfit export` takes. " +
			"Images are PNG or JPEG pictures, idx files (.gz too), or npy files of uint8 or of float32 in [0, 1]. Only savedmodel and frozen.pb need slimfit-worker.",
		Flags: []cli.Flag{formatFlag("text", "json", "csv"),
			&cli.BoolFlag{Name: "resize", Usage: "resize pictures to what the network takes"},
			&cli.Int64Flag{Name: "seed", Usage: "of a run, take the network of seed `N`"},
			runsFlag(), workerFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return usagef("predict: want a model and at least one image, got %d arguments; see %s --help", c.NArg(), c.Command.HelpName)
			}
			m, err := openModel(c, c.Args().First())
			if err != nil {
				return err
			}
			images, err := readAllImages(c, m, c.Args().Tail())
			if err != nil {
				return err
			}
			logits, probabilities, seconds, err := m.run(images.pixels)
			if err != nil {
				return err
			}
			p := newPredictions(m, images.names, logits, probabilities, seconds)
			return ioError(p.write(c.App.Writer, c.String("format")))
		},
	}
}

// imageList is every image of all files.
type imageList struct {
	names  []string // a file, or file[3]
	pixels []float32
}

// readAllImages reads all files and reports what is wrong with any of them.
func readAllImages(c *cli.Context, m *model, files []string) (*imageList, error) {
	list := &imageList{}
	var faults []error
	for _, file := range files {
		l, err := dataset.ReadImages(file, m.input, c.Bool("resize"))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for _, n := range l.Notes {
			note(c, "%s", n)
		}
		for i := range l.N {
			name := file
			if l.N > 1 {
				name = fmt.Sprintf("%s[%d]", file, i)
			}
			list.names = append(list.names, name)
		}
		list.pixels = append(list.pixels, l.Pixels...)
	}
	return list, errors.Join(faults...)
}

// predictions are what predict prints.
type predictions struct {
	Model           string       `json:"model"`
	Runtime         string       `json:"runtime"`
	Images          []prediction `json:"images"`
	Seconds         float64      `json:"seconds"` // of all images, reading and loading not counted
	SecondsPerImage float64      `json:"seconds_per_image"`

	names []string // of classes
}

type prediction struct {
	Image         string    `json:"image"`
	Class         int       `json:"class"`
	Name          string    `json:"name,omitempty"`
	Probability   float32   `json:"probability"` // of Class
	Probabilities []float32 `json:"probabilities"`
	Logits        []float32 `json:"logits,omitempty"` // where the model has them
}

func newPredictions(m *model, names []string, logits, probabilities []float32, seconds float64) *predictions {
	p := &predictions{Model: m.name, Runtime: m.runtime, Seconds: seconds, SecondsPerImage: seconds / float64(len(names)), names: m.classNames}
	for i, name := range names {
		of := probabilities[i*m.classes : (i+1)*m.classes]
		by, raw := of, []float32(nil)
		if logits != nil { // int8 probabilities may tie
			raw = logits[i*m.classes : (i+1)*m.classes]
			by = raw
		}
		class := 0
		for k, v := range by {
			if v > by[class] {
				class = k
			}
		}
		p.Images = append(p.Images, prediction{name, class, p.name(class), of[class], of, raw})
	}
	return p
}

// name is the class's word, "" where it has none.
func (p *predictions) name(class int) string {
	if class < len(p.names) {
		return p.names[class]
	}
	return ""
}

func (p *predictions) write(w io.Writer, format string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(p)
	case "csv":
		return p.csv(w)
	}
	t := table{head: []string{"image", "class", "probability", "then"}, left: 1}
	for _, i := range p.Images {
		t.rows = append(t.rows, []string{i.Image, p.label(i.Class), percent(i.Probability), p.runnerUp(i)})
	}
	if err := t.text(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s in %s, %s an image (%s)\n", count(len(p.Images), "image"), duration(p.Seconds), duration(p.SecondsPerImage), p.Runtime)
	return err
}

func (p *predictions) label(class int) string {
	return strings.TrimSpace(strconv.Itoa(class) + " " + p.name(class))
}

// duration is a time with three digits.
func duration(seconds float64) string {
	switch {
	case seconds >= 100:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds >= 1:
		return fmt.Sprintf("%.3g s", seconds)
	case seconds >= 1e-3:
		return fmt.Sprintf("%.3g ms", 1e3*seconds)
	}
	return fmt.Sprintf("%.3g µs", 1e6*seconds)
}

func percent(x float32) string { return fmt.Sprintf("%.2f %%", 100*x) }

// runnerUp is the second most likely class.
func (p *predictions) runnerUp(i prediction) string {
	order := make([]int, 0, len(i.Probabilities))
	for k := range i.Probabilities {
		if k != i.Class {
			order = append(order, k)
		}
	}
	best := slices.MaxFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(i.Probabilities[a], i.Probabilities[b]), cmp.Compare(b, a))
	})
	return p.label(best) + " " + percent(i.Probabilities[best])
}

func (p *predictions) csv(w io.Writer) error {
	t := table{head: []string{"image", "class", "name"}}
	for k := range p.Images[0].Probabilities {
		t.head = append(t.head, fmt.Sprintf("p%d", k))
	}
	for _, i := range p.Images {
		row := []string{i.Image, strconv.Itoa(i.Class), i.Name}
		for _, x := range i.Probabilities {
			row = append(row, strconv.FormatFloat(float64(x), 'g', -1, 32))
		}
		t.rows = append(t.rows, row)
	}
	return t.csv(w)
}
