package docs

import (
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// othersTable puts networks of others beside the smallest of ours that was trained
// for as long and was at least as often right on the validation images.
func othersTable(root string) (string, error) {
	r, err := readRecords(root)
	if err != nil {
		return "", err
	}
	var rows [][]string
	fivefold := 0
	for _, other := range []struct{ name, experiment string }{{"ST's, ten classes", "others-st"}, {"TI's LeNet-5", "others-ti"},
		{"Keras' example", "others-keras"}, {"PyTorch's example", "others-pytorch"},
		{"MLPerf Tiny's ResNet-8, CIFAR-10 as JPEG", "cifar-resnet8"}} {
		at := slices.IndexFunc(r.nets, func(n *net) bool { return n.Experiment == other.experiment })
		if at < 0 {
			return "", fmt.Errorf("no results of %s", other.experiment)
		}
		theirs := r.nets[at]
		pair := []*net{theirs, r.beside(theirs)}
		if pair[1] == nil {
			pair = pair[:1]
		}
		for i, n := range pair { // theirs, ours
			m, err := n.measured()
			if err != nil {
				return "", err
			}
			mean, _, ok := n.mean(result.Test)
			if !ok {
				return "", fmt.Errorf("%s: chosen, but not opened on the test images", n.ConfigID)
			}
			validation, _, _ := n.mean(result.Validation)
			row := []string{other.name, fmt.Sprintf("%d x %d", n.Train.Steps, n.Train.Batch), text.Thousands(n.Footprint.Parameters),
				text.Thousands(n.int8Bytes()), text.Thousands(m.TFLiteInt8), text.Thousands(m.Arena), text.Thousands(n.Footprint.MACs),
				text.Percentage(validation), text.Percentage(mean), ""}
			if i == 1 {
				times := float64(theirs.int8Bytes()) / float64(n.int8Bytes())
				row[0] = fmt.Sprintf("ours, int8 bytes %s fewer", text.Times(times))
				if row[9], err = difference(n, theirs); err != nil {
					return "", err
				}
				if times >= 5 {
					fivefold++
				}
			}
			rows = append(rows, row)
		}
		if len(pair) == 1 {
			rows = append(rows, append([]string{"ours: none as accurate was found"}, make([]string, 9)...))
		}
	}
	return table([]string{"network", "steps", "parameters", "int8 bytes", "int8 file", "arena", "MACs", "validation, %", "test, %",
		"ours less theirs, points"}, 1, rows) +
		fmt.Sprintf("\nAt least five times fewer int8 bytes at no lower validation accuracy: %d of 5, where 4 are the goal.\n", fivefold), nil
}

// beside is the smallest of ours, trained for as many steps, whose mean validation
// accuracy is no lower.
func (r *records) beside(theirs *net) *net {
	want, _, _ := theirs.mean(result.Validation)
	for _, n := range r.nets {
		if mean, _, ok := n.mean(result.Validation); strings.HasPrefix(n.Experiment, "others-ours") && n.Train.Steps == theirs.Train.Steps &&
			n.Dataset.Name == theirs.Dataset.Name && len(n.seeds) == len(theirs.seeds) && ok && mean >= want-1e-9 {
			return n
		}
	}
	return nil
}

// difference is a's mean test accuracy less b's, with its interval at 95 % over
// seeds and images, the same images for both.
func difference(a, b *net) (string, error) {
	groups := []stats.Group{{Name: a.ConfigID, Wrong: a.wrong(result.Test)}, {Name: b.ConfigID, Wrong: b.wrong(result.Test)}}
	draws, err := stats.CrossedBootstrap(groups, a.Dataset.Test, stats.BootstrapDraws, stats.BootstrapSeed)
	if err != nil {
		return "", err
	}
	d, err := draws.Difference(0, 1, 0.95)
	return fmt.Sprintf("%+.2f, %+.2f to %+.2f", 100*d.Mean, 100*d.Interval.Low, 100*d.Interval.High), err
}
