package sweep

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/store"
)

// Speeds are the measured speeds of packs on this machine: from runs, kept in
// the run folder, and from Calibrate, kept in the cache folder. They turn
// predicted costs into times. Safe for use by several goroutines.
type Speeds struct {
	path string
	cost CostModel

	mu    sync.Mutex
	table speedTable
	fresh bool // has what the file has not
}

type speedTable struct {
	Machine string              `json:"machine"`
	Packs   map[string]speed    `json:"packs"`          // by digest of the pack's shape
	Fits    map[string]stackFit `json:"fits,omitempty"` // best stacks on a GPU, by fitKey
}

// speed is what a pack of one shape took.
type speed struct {
	Step      float64 `json:"step"`      // seconds a step
	Predicted float64 `json:"predicted"` // seconds a step, by the cost model
	Around    float64 `json:"around"`    // seconds around the steps: graph, evaluation, saving; 0 while unknown
	Run       bool    `json:"run"`       // of a real run, which is worth more than a calibration
}

// FromRuns is what Estimate rests on at best.
const FromRuns = "from earlier runs"

// leastTraining is how long a pack must train, in seconds, for its speed to count.
const leastTraining = 2.0

// LoadSpeeds reads what is known of a machine from a cache or run folder; nothing
// known, or a file that cannot be read, is an empty table. machine is any text
// that tells machines apart.
func LoadSpeeds(dir, machine string, cost CostModel) *Speeds {
	sum := sha256.Sum256([]byte(machine))
	s := &Speeds{path: filepath.Join(dir, "speeds", hex.EncodeToString(sum[:6])+".json"), cost: cost}
	s.table = readTable(s.path)
	s.table.Machine = machine
	return s
}

func readTable(path string) speedTable {
	t := speedTable{Packs: map[string]speed{}}
	b, err := store.ReadFile(path, 1<<26)
	if err != nil || json.Unmarshal(b, &t) != nil || t.Packs == nil {
		return speedTable{Packs: map[string]speed{}}
	}
	return t
}

// Save writes what is new, joined with what other processes have written.
func (s *Speeds) Save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fresh {
		return nil
	}
	joined := readTable(s.path)
	maps.Copy(joined.Packs, s.table.Packs)
	if s.table.Packs = joined.Packs; joined.Fits != nil {
		maps.Copy(joined.Fits, s.table.Fits)
		s.table.Fits = joined.Fits
	}
	err := os.MkdirAll(filepath.Dir(s.path), 0o777)
	if err == nil {
		err = store.WriteJSON(s.path, s.table)
	}
	if err != nil {
		return fmt.Errorf("save speeds: %w", err)
	}
	s.fresh = false
	return nil
}

// Learn adds what other knows; what real runs took is worth most.
func (s *Speeds) Learn(other *Speeds) {
	for k, v := range other.known().Packs {
		s.put(k, v)
	}
	s.LearnFits(other)
}

// LearnFits adds what other knows to train fastest on GPUs.
func (s *Speeds) LearnFits(other *Speeds) {
	for k, v := range other.known().Fits {
		s.putFit(k, v)
	}
}

// known is a copy of what has been measured.
func (s *Speeds) known() speedTable {
	s.mu.Lock()
	defer s.mu.Unlock()
	return speedTable{Packs: maps.Clone(s.table.Packs), Fits: maps.Clone(s.table.Fits)}
}

// speedKey is where a pack's speed is kept. Workers side by side slow each
// other down, so their number belongs to it.
func speedKey(trials []experiment.Trial, slot Slot, workers int) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s %s %d", shapeOf(trials, slot.Threads), slot.Device, workers)))
	return hex.EncodeToString(sum[:8])
}

// speedKeys are the speed keys of many packs. It makes each once, whatever the
// seeds: they do not matter to speed, and a thousand packs may differ in nothing
// else.
type speedKeys struct {
	slot    Slot
	workers int
	known   map[[maxMembers]*experiment.Configuration]string
}

func newSpeedKeys(workers []Slot) *speedKeys {
	return &speedKeys{workers[0], len(workers), map[[maxMembers]*experiment.Configuration]string{}}
}

func (k *speedKeys) of(trials []experiment.Trial) string {
	if len(trials) > maxMembers {
		return speedKey(trials, k.slot, k.workers)
	}
	var members [maxMembers]*experiment.Configuration
	for i, t := range trials {
		members[i] = t.Configuration
	}
	key, ok := k.known[members]
	if !ok {
		key = speedKey(trials, k.slot, k.workers)
		k.known[members] = key
	}
	return key
}

func (s *Speeds) put(key string, v speed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.table.Packs[key]; was.Run && !v.Run {
		return
	}
	s.table.Packs[key], s.fresh = v, true
}

func (s *Speeds) get(key string) (speed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.table.Packs[key]
	return v, ok
}

// note keeps the speed of a pack that a worker has just finished.
func (r *run) note(slot int, c *claim) {
	if r.Speeds == nil || c.evaluate {
		return
	}
	step, around, ok := r.track.pace(slot)
	trained := step * float64(c.pack.Recipe.Steps-c.pack.Step)
	if !ok || trained < leastTraining {
		return
	}
	var trials []experiment.Trial
	for _, i := range c.order {
		trials = append(trials, r.trials[i])
	}
	r.Speeds.put(speedKey(trials, r.Workers[slot], len(r.Workers)),
		speed{Step: step, Predicted: r.Speeds.cost.Step(trials), Around: max(0, around), Run: true})
}

// Estimate predicts how long the packs take on these workers. from says what
// the prediction rests on; the time is 0 where no speed is known.
func (s *Speeds) Estimate(packs []Pack, workers []Slot) (took time.Duration, from string) {
	if len(packs) == 0 || len(workers) == 0 {
		return 0, ""
	}
	ratio, around := s.correction()
	if ratio == 0 {
		return 0, ""
	}
	timed := slices.Clone(packs)
	run, calibrated := 0, 0
	keys := newSpeedKeys(workers)
	for i, p := range packs {
		v, ok := s.get(keys.of(p.Trials))
		switch {
		case !ok:
			v = speed{Step: s.cost.Step(p.Trials) * ratio}
		case v.Run:
			run++
		default:
			calibrated++
		}
		v.Around = cmp.Or(v.Around, around)
		timed[i].Cost = v.Step*float64(p.Trials[0].Recipe.Steps) + v.Around
	}
	sortPacks(timed)
	seconds := Makespan(timed, len(workers))
	switch {
	case run == len(packs):
		from = FromRuns
	case run+calibrated == len(packs):
		from = "from a calibration"
	default:
		from = fmt.Sprintf("speed known of %d of %d packs", run+calibrated, len(packs))
	}
	return time.Duration(seconds * float64(time.Second)), from
}

// correction is the median of measured against predicted steps, and of the
// time around them; 0 where nothing was measured.
func (s *Speeds) correction() (ratio, around float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ratios, arounds []float64
	for _, v := range s.table.Packs {
		if v.Predicted > 0 && v.Step > 0 {
			ratios = append(ratios, v.Step/v.Predicted)
		}
		if v.Around > 0 {
			arounds = append(arounds, v.Around)
		}
	}
	return median(ratios), median(arounds)
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return x[len(x)/2]
}
