package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/device"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/parallel"
	"slimfit/pkg/text"
	"slimfit/pkg/tflite"
)

// mostSimulated is how many networks of an experiment are built and run for a
// device, a second or two each; a larger space is estimated, and of it those
// are simulated that are the cheapest within the budgets.
const mostSimulated = 100

// nearBudget is how far above a budget an estimate may lie for a network that
// may still be within it: more than models were seen to err, see pkg/export/README.md.
const nearBudget = 1.6

// chipFile is the file of a run folder with figures on a device.
func (l *Lab) chipFile(e *experiment.Experiment) string {
	return filepath.Join(l.Out, e.Name, "device-"+e.Target.Device+".json")
}

// kept are figures in the run folder, and of which code.
type kept struct {
	footprint.OnChip
	Code string `json:"code"` // see device.Code
}

// measureOnChip fills in the figures of the target's device: what the run
// folder has of the same C code, compiler and simulator, else what they say now.
// Nothing is simulated where simulate is not set.
func (l *Lab) measureOnChip(ctx context.Context, e *experiment.Experiment, configs []experiment.Configuration, simulate, keep bool) error {
	d, err := device.Named(e.Target.Device)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	file := l.chipFile(e)
	known, err := readFigures[kept](file)
	if err != nil {
		return err
	}
	missing := d.Missing()
	by := ""
	if missing == "" {
		by = d.By(ctx)
	}
	var left []*experiment.Configuration
	for i := range configs {
		cfg := &configs[i]
		if k := known[cfg.ID]; k != nil && (missing != "" || !simulate || k.By == by && k.Code == chipCode(d, cfg.Spec())) {
			setChip(&cfg.Footprint, &k.OnChip)
		} else {
			left = append(left, cfg)
		}
	}
	if len(left) > 0 && simulate && missing != "" {
		return exit.Failed(fmt.Errorf("%s: %w", e.File, &device.MissingError{Device: d.Name, Packages: missing}))
	}
	if len(left) > mostSimulated || !simulate {
		if err := chipFigures(ctx, d, left, false); err != nil {
			return exit.With(exit.Usage, fmt.Errorf("%s: %w", e.File, err))
		}
		left = worthSimulating(e, left)
	}
	if !simulate || len(left) == 0 {
		return nil
	}
	l.Note("building %s for %s and running them: %s", text.Count(len(left), "configuration"), d.Name, by)
	if err := chipFigures(ctx, d, left, true); err != nil {
		return exit.With(exit.Usage, fmt.Errorf("%s: %w", e.File, err))
	}
	if !keep {
		return nil
	}
	for _, cfg := range left {
		known[cfg.ID] = &kept{*cfg.Footprint.Measured.Chip, chipCode(d, cfg.Spec())}
	}
	return l.writeFigures(e, file, known)
}

// planChip is measureOnChip for a look ahead: where a tool is missing, figures
// are estimates.
func (l *Lab) planChip(ctx context.Context, e *experiment.Experiment, configs []experiment.Configuration) error {
	err := l.measureOnChip(ctx, e, configs, true, false)
	if missing := (*device.MissingError)(nil); errors.As(err, &missing) {
		l.Note("figures on %s are estimates: %v", e.Target.Device, err)
		err = l.measureOnChip(ctx, e, configs, false, false)
	}
	return err
}

// worthSimulating are the cheapest that may be within the budgets.
func worthSimulating(e *experiment.Experiment, all []*experiment.Configuration) []*experiment.Configuration {
	all = slices.DeleteFunc(slices.Clone(all), func(c *experiment.Configuration) bool {
		return slices.ContainsFunc(e.Target.Within, func(b experiment.Budget) bool {
			return float64(c.Footprint.Get(b.Cost)) > nearBudget*b.Limit
		})
	})
	slices.SortStableFunc(all, func(a, b *experiment.Configuration) int {
		return cmp.Compare(a.Footprint.Get(e.Target.Cost), b.Footprint.Get(e.Target.Cost))
	})
	return all[:min(len(all), mostSimulated)]
}

// chipFigures fills in the figures of the configurations, of equal networks once.
func chipFigures(ctx context.Context, d device.Device, configs []*experiment.Configuration, simulate bool) error {
	same := map[string][]*experiment.Configuration{}
	var keys []string
	for _, cfg := range configs {
		k := networkKey(*cfg)
		if same[k] == nil {
			keys = append(keys, k)
		}
		same[k] = append(same[k], cfg)
	}
	return parallel.Each(ctx, len(keys), 0, func(i int) error {
		first := same[keys[i]][0]
		chip, err := onChip(ctx, d, first.Spec(), simulate)
		if err != nil {
			return fmt.Errorf("%s: %w", first.ID, err)
		}
		for _, cfg := range same[keys[i]] {
			setChip(&cfg.Footprint, chip)
		}
		return nil
	})
}

func setChip(f *footprint.Footprint, chip *footprint.OnChip) {
	var m footprint.Measured
	if f.Measured != nil {
		m = *f.Measured
	}
	m.Chip = chip
	f.Measured = &m
}

// onChip are a network's figures on a device, with untrained weights: from the
// simulator, or from the model of the device. What a network without room would
// take is estimated.
func onChip(ctx context.Context, d device.Device, spec models.Spec, simulate bool) (*footprint.OnChip, error) {
	counts, err := footprint.Of(spec)
	if err != nil {
		return nil, err
	}
	if counts.Parameters > d.Flash { // a byte each
		chip := &footprint.OnChip{Chip: d.Name, Flash: counts.Parameters, RAM: counts.Peak,
			By: footprint.AnEstimate + ": its weights alone have no room"}
		chip.Cycles, chip.Instructions = counts.MACs, counts.MACs
		return chip, nil
	}
	m, err := untrained(spec)
	if err != nil {
		return nil, err
	}
	guess, err := d.Estimate(m)
	if err != nil || !simulate {
		return guess, err
	}
	f, err := d.Measure(ctx, m, make([]uint8, spec.Input.Elements()))
	var room *device.RoomError
	switch {
	case err == nil || errors.As(err, &room) && f.Cycles+f.Instructions > 0:
		return f.OnChip(), nil
	case room == nil:
		return nil, err
	case room.Part == "flash":
		guess.Flash = max(guess.Flash, room.Needs)
	default:
		guess.RAM, guess.Flash = max(guess.RAM, room.Needs), max(f.Flash, guess.Flash)
	}
	guess.By = f.By + "; no room, so it did not run, and the rest is " + guess.By
	return guess, nil
}

func untrained(spec models.Spec) (*tflite.Model, error) {
	_, files, err := export.MeasureFiles(spec)
	if err != nil {
		return nil, err
	}
	return tflite.Load(files[export.TFLiteInt8])
}

// chipCode is the code that figures of an untrained network are of; "" where
// there is none, as for what has no room.
func chipCode(d device.Device, spec models.Spec) string {
	m, err := untrained(spec)
	if err != nil {
		return ""
	}
	code, _ := d.Code(m)
	return code
}

// measures makes a network's files anew; it gets what a certificate says of them.
type measures = func(models.Spec, footprint.Measured) (footprint.Measured, error)

// trustChip takes a network's figures on a device as they are.
func trustChip(files func(models.Spec) (footprint.Measured, error)) measures {
	return func(spec models.Spec, had footprint.Measured) (footprint.Measured, error) {
		m, err := files(spec)
		m.Chip = had.Chip
		return m, err
	}
}

// measureAgain measures on a device anew where what measured there is here;
// else figures are taken as they are, with a note.
func (l *Lab) measureAgain(ctx context.Context, files measures) measures {
	told := map[string]bool{}
	return func(spec models.Spec, had footprint.Measured) (footprint.Measured, error) {
		m, err := files(spec, had)
		if err != nil || had.Chip == nil {
			return m, err
		}
		d, err := device.Named(had.Chip.Chip)
		if err != nil {
			return m, err
		}
		simulated := !had.Chip.Estimated()
		why := ""
		switch missing := d.Missing(); {
		case simulated && missing != "":
			why = (&device.MissingError{Device: d.Name, Packages: missing}).Error()
		case simulated && !strings.HasPrefix(had.Chip.By, d.By(ctx)):
			why = "they are by " + had.Chip.By + "; here is " + d.By(ctx)
		default:
			m.Chip, err = onChip(ctx, d, spec, simulated)
			if err == nil && m.Chip.By != had.Chip.By && strings.Contains(m.Chip.By, footprint.AnEstimate) {
				why, m.Chip = "they are by "+had.Chip.By+"; here is "+m.Chip.By, had.Chip // models are fitted anew
			}
		}
		if why != "" && !told[why] {
			told[why] = true
			l.Note("figures on %s are not measured again: %s", d.Name, why)
		}
		return m, err
	}
}

// NetworksOnChip fills in the figures of networks on a device: that of the name,
// or of the target of the experiment that they are of.
func (l *Lab) NetworksOnChip(ctx context.Context, networks []Network, name string) error {
	for i := range networks {
		n := &networks[i]
		if name != "" {
			n.device = name
		}
		if n.device == "" {
			continue
		}
		d, err := device.Named(n.device)
		if err != nil {
			return exit.Usagef("--device: %w", err)
		}
		missing := d.Missing()
		if missing != "" {
			l.Note("figures on %s are estimates: %v", d.Name, &device.MissingError{Device: d.Name, Packages: missing})
		}
		chip, err := onChip(ctx, d, n.spec(), missing == "")
		if err != nil {
			return exit.Usagef("%s: %w", n.Name, err)
		}
		setChip(&n.Footprint, chip)
	}
	return nil
}

// chipsForReport fills in figures on the device of an experiment's target: those
// that were measured, else estimates.
func (l *Lab) chipsForReport(e *experiment.Experiment) {
	if e.Target != nil && e.Target.Device != "" && len(e.Configs) <= maxMeasured {
		_ = measureFiles(e, nil)
		_ = l.measureOnChip(context.Background(), e, e.Configs, false, false) // a row without figures says so
	}
}
