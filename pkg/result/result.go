package result

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"slimfit/models"
	"slimfit/pkg/footprint"
)

// Key names a trial: one configuration trained with one seed.
type Key struct {
	ConfigID string `json:"config_id"`
	Seed     int64  `json:"seed"`
}

const seedInfix = "/seed-"

func (k Key) String() string { return k.ConfigID + seedInfix + strconv.FormatInt(k.Seed, 10) }

// ParseKey reads what Key.String writes: <config-id>/seed-<n>.
func ParseKey(s string) (Key, error) {
	id, digits, ok := strings.Cut(s, seedInfix)
	seed, err := strconv.ParseInt(digits, 10, 64)
	k := Key{ConfigID: id, Seed: seed}
	if !ok || err != nil || !models.IsConfigID(id) || strings.ContainsRune(id, filepath.Separator) || k.String() != s {
		return Key{}, fmt.Errorf("%q is no trial; want <config-id>/seed-<n>", s)
	}
	return k, nil
}

// Status is where a trial stands.
type Status string

const (
	Pending  Status = "pending"
	Running  Status = "running"
	Done     Status = "done"
	Failed   Status = "failed"
	Diverged Status = "diverged" // the loss was not finite
)

// Finished says whether the status is final.
func (s Status) Finished() bool { return s == Done || s == Failed || s == Diverged }

// Result is the content of result.json.
type Result struct {
	// of the file without this line: CRC-32C, hex; package store makes and compares it
	Checksum   string         `json:"checksum,omitempty"`
	Experiment string         `json:"experiment"`
	ConfigID   string         `json:"config_id"`
	Assignment map[string]any `json:"assignment"` // the matrix values, by axis
	Model      []models.Layer `json:"model"`      // the last dense layer included
	Train      models.Recipe  `json:"train"`
	Dataset    models.Data    `json:"dataset"`
	Seed       int64          `json:"seed"`
	Status     Status         `json:"status"` // done, failed or diverged
	Reason     string         `json:"reason"` // why it failed or diverged; empty when done
	Accuracy   Pair[float64]  `json:"accuracy"`
	Correct    Pair[int]      `json:"correct"`
	Distinct   *Distinct      `json:"distinct,omitempty"` // nil where no test image repeats another, or none was opened
	Classes    []string       `json:"classes,omitempty"`  // names, by number; older results have none
	Steps      int            `json:"steps"`              // trained
	Selected   int            `json:"selected,omitempty"` // the step whose weights were taken, where the recipe selects the best
	// of training, this trial's share of its pack; evaluation and start-up not counted
	Seconds     float64             `json:"seconds"`
	WeightsSHA  string              `json:"weights_sha256,omitempty"`
	HistorySHA  string              `json:"history_sha256,omitempty"` // of history.csv
	Footprint   footprint.Footprint `json:"footprint"`
	Environment Environment         `json:"environment"`
	Warnings    []string            `json:"warnings"`
	Notes       []string            `json:"notes,omitempty"` // of how the images were read; older results have them in Warnings
	Started     time.Time           `json:"started"`
	Finished    time.Time           `json:"finished"`

	// The long ones come last: who lists results can stop before them.
	Wrong     Wrong     `json:"wrong"`
	Confusion Confusion `json:"confusion"`

	Before    *Measured `json:"-"` // StoppedEarly: see Stopped
	int8Bytes int       // see Int8Bytes
}

// Config is the configuration that the result is of.
func (r Result) Config() models.Config {
	return models.Config{Layers: r.Model[:max(0, len(r.Model)-1)], Data: r.Dataset, Recipe: r.Train}
}

// Key names the result's trial.
func (r Result) Key() Key { return Key{ConfigID: r.ConfigID, Seed: r.Seed} }

// By holds something of the validation and of the test images.
type By[T any] struct {
	Validation T `json:"validation"`
	Test       T `json:"test"`
}

// At is the place of what is of the split.
func (b *By[T]) At(s Split) *T {
	if s == Test {
		return &b.Test
	}
	return &b.Validation
}

// Pair holds a figure of each split; nil where it was not measured.
type Pair[T any] = By[*T]

// Distinct are the test images that show no image of training, validation or
// earlier in the test part again, pixel for pixel. Accuracy and Correct are over
// all images, as data sets are published; bounds are of these: see Counted.
type Distinct struct {
	Test      int     `json:"test"`                // images
	Correct   int     `json:"correct"`             // of them
	Left      []int   `json:"left_out,omitempty"`  // numbers of the other test images, rising
	Confusion [][]int `json:"confusion,omitempty"` // of the distinct ones, as in Confusion
}

// Wrong lists the misclassified images of each split as [index, predicted
// class], by rising index; nil where the split was not evaluated.
type Wrong = By[[][2]int]

// Confusion counts the images of each split: rows are true classes, columns
// predicted ones; nil where the split was not evaluated.
type Confusion = By[[][]int]

// Environment is where a trial ran.
type Environment struct {
	Slimfit     string   `json:"slimfit"`    // version of this program
	TensorFlow  string   `json:"tensorflow"` // version of the library
	Go          string   `json:"go"`
	OS          string   `json:"os"` // linux/amd64
	Host        string   `json:"host"`
	CPU         string   `json:"cpu"`            // model name
	CPUFeatures []string `json:"cpu_features"`   // those that change numerics: avx2, avx512f, ...
	Threads     int      `json:"threads"`        // of the trial's session
	Device      string   `json:"device"`         // CPU, or the GPU's name
	Stem        string   `json:"stem,omitempty"` // kernels of the first convolution: own-avx512, own-avx2, own-c or stock; "": stock
	Driver      string   `json:"driver,omitempty"`
	CUDA        string   `json:"cuda,omitempty"`
	CuDNN       string   `json:"cudnn,omitempty"`
	TF32        bool     `json:"tf32,omitempty"`           // the GPU may take float32 products to 10 bits of mantissa
	Autotune    bool     `json:"cudnn_autotune,omitempty"` // cuDNN picks kernels by the clock
	CPUOps      *int     `json:"cpu_ops,omitempty"`        // operations of a step that run on the CPU beside a GPU
	Pack        *Pack    `json:"pack,omitempty"`           // on a GPU, where the last bits depend on it
}

// StockStem is the name of TensorFlow's own kernels for a first convolution.
const StockStem = "stock"

// Kernels is the Stem, also of results that name none. The kernels that are
// slimfit's own give the same bits.
func (e Environment) Kernels() string { return cmp.Or(e.Stem, StockStem) }

// SameKernels says whether two environments' first convolutions give the same
// bits on one machine.
func (e Environment) SameKernels(o Environment) bool {
	return (e.Kernels() == StockStem) == (o.Kernels() == StockStem)
}

// Pack is how the networks that trained together were built.
type Pack struct {
	// Form is plain: side by side; or stacked: one tensor program for all, with what
	// else than fused its convolutions are, such as "stacked, depthwise, patches".
	Form    string `json:"form"`
	Members int    `json:"members"` // that the graph was built for
}

// Point is one line of history.csv.
type Point struct {
	Step       int      // steps done, 1-based
	Loss       float64  // mean training loss since the last point
	Validation *float64 // validation accuracy in [0, 1], where it was measured
}
