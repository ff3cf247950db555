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
// may still be within it: more than they were seen to err, see pkg/export/README.md.
const nearBudget = 1.15

// chipFile is the file of a run folder with figures on a device.
func (l *Lab) chipFile(e *experiment.Experiment) string {
	return filepath.Join(l.Out, e.Name, "device-"+e.Target.Device+".json")
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
	known, err := readFigures[footprint.OnChip](file)
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
			setChip(&cfg.Footprint, k)
		} else {
			left = append(left, cfg)
		}
	}
	if len(left) > 0 && missing != "" {
		return exit.Failed(fmt.Errorf("%s: %w", e.File, &device.MissingError{Device: d.Name, Packages: missing}))
	}
	if simulate {
		defer l.tellRoom(configs)
	}
	if len(left) > mostSimulated || !simulate {
		sums, err := l.sums(ctx, d)
		if err == nil {
			err = chipFigures(ctx, d, sums, left)
		}
		if err != nil {
			return exit.With(exit.Usage, fmt.Errorf("%s: %w", e.File, err))
		}
		left = worthSimulating(e, left)
	}
	if !simulate || len(left) == 0 {
		return nil
	}
	l.Note("building %s for %s and running them: %s", text.Count(len(left), "configuration"), d.Name, by)
	if err := chipFigures(ctx, d, nil, left); err != nil {
		return exit.With(exit.Usage, fmt.Errorf("%s: %w", e.File, err))
	}
	if !keep {
		return nil
	}
	for _, cfg := range left {
		known[cfg.ID] = cfg.Footprint.Measured.Chip
	}
	return l.writeFigures(e, file, known)
}

// tellRoom says how many configurations have no room on the device, and what the
// one of least flash lacks.
func (l *Lab) tellRoom(configs []experiment.Configuration) {
	var without []experiment.Configuration
	for _, cfg := range configs {
		if m := cfg.Footprint.Measured; m != nil && m.Chip != nil && m.Chip.Lacks() != "" {
			without = append(without, cfg)
		}
	}
	if len(without) == 0 {
		return
	}
	first := slices.MinFunc(without, func(a, b experiment.Configuration) int {
		return cmp.Compare(a.Footprint.Measured.Chip.Flash, b.Footprint.Measured.Chip.Flash)
	})
	chip := first.Footprint.Measured.Chip
	l.Note("%d of %s without room on %s: %s lacks %s", len(without), text.Count(len(configs), "configuration"), chip.Chip, first.ID,
		chip.Lacks())
}

// planChip is measureOnChip for a look ahead: where a tool is missing, figures are
// left out, with a note.
func (l *Lab) planChip(ctx context.Context, e *experiment.Experiment, configs []experiment.Configuration) error {
	err := l.measureOnChip(ctx, e, configs, true, false)
	if missing := (*device.MissingError)(nil); errors.As(err, &missing) {
		l.Note("figures on %s are left out: %v", e.Target.Device, err)
		return nil
	}
	return err
}

// sums are estimates on the device; what they are the sums of is kept in the cache.
func (l *Lab) sums(ctx context.Context, d device.Device) (*device.Sums, error) {
	return d.Sums(ctx, filepath.Join(l.Cache, "device"))
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
func chipFigures(ctx context.Context, d device.Device, sums *device.Sums, configs []*experiment.Configuration) error {
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
		chip, err := onChip(ctx, d, sums, first.Spec())
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

// onChip are a network's figures on a device, with untrained weights: the sums,
// or without them the simulator's. What has no room by its constants or
// activations alone is not built: then they are its figures.
func onChip(ctx context.Context, d device.Device, sums *device.Sums, spec models.Spec) (*footprint.OnChip, error) {
	counts, err := footprint.Of(spec)
	if err != nil {
		return nil, err
	}
	least := &footprint.OnChip{Chip: d.Name, Flash: counts.Parameters, RAM: spec.Input.Elements(),
		By: footprint.AnEstimate + " from below: its weights or activations alone have no room"}
	if d.Counts == footprint.Cycles {
		least.Cycles = counts.MACs
	} else {
		least.Instructions = counts.MACs
	}
	if counts.Parameters > d.Flash { // a byte each
		return least, nil
	}
	m, err := untrained(spec)
	if err != nil {
		return nil, err
	}
	var chip *footprint.OnChip
	if sums != nil {
		chip, err = sums.Estimate(ctx, m)
	} else {
		var f device.Figures
		f, err = d.Measure(ctx, m, make([]uint8, spec.Input.Elements()))
		chip = f.OnChip()
	}
	if room := (*device.RoomError)(nil); err == nil || errors.As(err, &room) && chip.Cycles+chip.Instructions > 0 {
		return chip, nil
	} else if room == nil {
		return nil, err
	}
	least.Flash, least.RAM = max(least.Flash, chip.Flash), max(least.RAM, chip.RAM)
	return least, nil
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
	known := map[string]*device.Sums{}
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
		case missing != "":
			why = (&device.MissingError{Device: d.Name, Packages: missing}).Error()
		case simulated && !strings.HasPrefix(had.Chip.By, d.By(ctx)):
			why = "they are by " + had.Chip.By + "; here is " + d.By(ctx)
		default:
			if !simulated && known[d.Name] == nil {
				if known[d.Name], err = l.sums(ctx, d); err != nil {
					return m, err
				}
			}
			sums := known[d.Name]
			if simulated {
				sums = nil
			}
			if m.Chip, err = onChip(ctx, d, sums, spec); err != nil {
				return m, err
			}
			why = otherwise(*had.Chip, *m.Chip)
			if why != "" {
				m.Chip = had.Chip
			}
		}
		if why != "" && !told[why] {
			told[why] = true
			l.Note("figures on %s are not measured again: %s", d.Name, why)
		}
		return m, err
	}
}

// otherwise says why figures need not be those of now; "" where they must.
func otherwise(had, is footprint.OnChip) string {
	switch {
	case had.Code != "" && had.Code != is.Code:
		return "they are of the C code of another generator, " + had.Code + "; here it is " + is.Code
	case had.By != is.By && strings.Contains(had.By+is.By, footprint.AnEstimate):
		return "they are by " + had.By + "; here is " + is.By
	}
	return ""
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
		if missing := d.Missing(); missing != "" {
			l.Note("figures on %s are left out: %v", d.Name, &device.MissingError{Device: d.Name, Packages: missing})
			continue
		}
		chip, err := onChip(ctx, d, nil, n.spec())
		if err != nil {
			return exit.Usagef("%s: %w", n.Name, err)
		}
		setChip(&n.Footprint, chip)
		if lacks := chip.Lacks(); lacks != "" {
			l.Note("%s has no room on %s: it lacks %s", n.Name, d.Name, lacks)
		}
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
