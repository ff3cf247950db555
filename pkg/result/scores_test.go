package result

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestBin(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		logits []float32
		answer int
		want   int
	}{
		{[]float32{0, 0}, 0, 0}, {[]float32{1, 0}, 0, -4}, {[]float32{0, 1}, 1, 4}, {[]float32{0, 1.24}, 1, 4}, {[]float32{0.1, 0}, 0, -1},
		{[]float32{0, 99}, 1, HighestBin}, {[]float32{99, 0}, 0, LowestBin}, {[]float32{nan, 1}, 1, 0},
		{[]float32{0, 0, 0}, 0, -3},                            // log-odds of 1/3 are -0.69
		{[]float32{2, 0, 0}, 0, 5},                             // 2 - log 2 = 1.31
		{[]float32{1000, 1000 - 1.5, -1e30, -1e30}, 0, 6},      // no overflow
		{[]float32{float32(math.Inf(1)), 0, 0}, 0, HighestBin}, //
	} {
		if got := Bin(c.logits, c.answer); got != c.want {
			t.Errorf("%v: bin %d, want %d", c.logits, got, c.want)
		}
	}
}

func scores() Scores {
	s := NewScores(Result{ConfigID: "c", Seed: 1, WeightsSHA: "w"})
	s.Sure[Validation] = Tally{{-64, 1, 0}, {3, 2, 1}}
	s.SetFound("noise 20", Validation, []int{1, 2})
	return s
}

func TestScoresCheck(t *testing.T) {
	images := func(Split) int { return 4 }
	for want, change := range map[string]func(*Scores){
		"":                              func(*Scores) {},
		"out of order":                  func(s *Scores) { s.Sure[Validation] = Tally{{3, 2, 1}, {3, 1, 0}} },
		"or range":                      func(s *Scores) { s.Sure[Validation] = Tally{{64, 4, 0}} },
		"is out of order or range":      func(s *Scores) { s.Sure[Test] = Tally{{1, -1, 5}} },
		"scores are of 3 images, not 4": func(s *Scores) { s.Sure[Validation] = Tally{{3, 2, 1}} },
		"more is found":                 func(s *Scores) { s.SetFound("noise 20", Validation, []int{5, 0}) },
		"3 right answers to distinct":   func(s *Scores) { s.SetFound("blur 1", Test, []int{1, 1}); s.SetDistinct("blur 1", 3) },
		"41 mistakes, more than 40":     func(s *Scores) { s.Mistakes[Test] = make([]Mistake, 41) },
		"no mistake {Image:4":           func(s *Scores) { s.Mistakes[Test] = []Mistake{{Image: 4}} },
		"True:2":                        func(s *Scores) { s.Mistakes[Test] = []Mistake{{True: 2}} },
		"Score:NaN":                     func(s *Scores) { s.Mistakes[Test] = []Mistake{{Score: math.NaN()}} },
		"3 classes, not 2":              func(s *Scores) { s.SetFound("blur 1", Test, []int{1, 0, 0}) },
	} {
		s := scores()
		change(&s)
		if got := s.Check(images, 2); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A mistake has the softmax's shares; the surest are kept.
func TestMistakes(t *testing.T) {
	want := Mistake{Image: 7, True: 2, Predicted: 1, Score: 0.6652, TrueScore: 0.2447}
	if got := NewMistake(7, 2, 1, []float32{-1, 1, 0}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	nan := float32(math.NaN())
	if got := NewMistake(7, 2, 0, []float32{nan, nan, 1}); got != (Mistake{Image: 7, True: 2}) {
		t.Errorf("of logits that are no numbers: %+v", got)
	}
	var all []Mistake
	for i := range 50 {
		all = append(all, Mistake{Image: i, Score: float64(i/2) / 100})
	}
	if got := Surest(all); len(got) != MostMistakes || got[0].Image != 48 || got[1].Image != 49 || got[39].Image != 11 {
		t.Errorf("%+v", got)
	}
}

// Scores keep what earlier ones of the same weights have besides, and nothing of
// other weights.
func TestScoresAdd(t *testing.T) {
	old, s := scores(), NewScores(Result{ConfigID: "c", Seed: 1, WeightsSHA: "w"})
	s.SetFound("noise 20", Test, []int{0, 1})
	s.SetFound("blur 1", Validation, []int{1, 1})
	s.Add(old)
	if !reflect.DeepEqual(s.Sure[Validation], old.Sure[Validation]) || s.Shifts["noise 20"][Validation][1] != 2 ||
		s.Shifts["noise 20"][Test][1] != 1 ||
		s.Shifts["blur 1"][Validation] == nil || s.Shifts["blur 1"][Test] != nil || len(s.Shifts) != 2 {
		t.Errorf("together: %+v", s)
	}
	old.Mistakes[Test] = []Mistake{{Image: 1}}
	s.Mistakes = nil // as of older files
	if s.Add(old); len(s.Mistakes[Test]) != 1 {
		t.Error("mistakes were not taken over")
	}
	other := NewScores(Result{ConfigID: "c", Seed: 1, WeightsSHA: "x"})
	if other.Add(old); other.Sure[Validation] != nil {
		t.Error("scores of other weights were taken over")
	}
	b, err := json.Marshal(scores())
	if want := `{"config_id":"c","seed":1,"weights_sha256":"w","sure":{"validation":[[-64,1,0],[3,2,1]]},` +
		`"shifts":{"noise 20":{"validation":[1,2]}}}`; err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

// Floors count distinct test images where a result tells them, and nothing where
// scores do not know how many of these were found.
func TestScoresCounted(t *testing.T) {
	s, d := scores(), &Distinct{Test: 3}
	s.SetFound("noise 20", Test, []int{2, 2})
	if right, n := s.Counted([]string{"noise 20"}, nil, 5); !reflect.DeepEqual(right, []int{4}) || n != 5 {
		t.Errorf("all: %v of %d", right, n)
	}
	if right, n := s.Counted([]string{"noise 20"}, d, 5); right != nil {
		t.Errorf("older scores: %v of %d", right, n)
	}
	s.SetDistinct("noise 20", 2)
	again := NewScores(Result{ConfigID: "c", Seed: 1, WeightsSHA: "w"})
	again.Add(s)
	if right, n := again.Counted([]string{"noise 20"}, d, 5); !reflect.DeepEqual(right, []int{2}) || n != 3 {
		t.Errorf("distinct: %v of %d", right, n)
	}
}

// What the int8 network finds is beside what the float32 one does, and is added up,
// checked and judged as that is.
func TestInt8Scores(t *testing.T) {
	r := Result{ConfigID: "c", Seed: 1, WeightsSHA: "w"}
	old, s := NewScores(r), NewScores(r)
	old.Int8, s.Int8 = &Shifted{}, &Shifted{}
	old.Int8.SetFound("blur 1", Test, []int{1, 0})
	s.Int8.SetFound("blur 1", Validation, []int{2, 1})
	s.Add(old)
	int8 := s.Judged(true)
	if got := int8.Correct([]string{"blur 1"}, Validation); len(got) != 1 || got[0] != 3 {
		t.Errorf("%v right answers to validation images", got)
	}
	if got := int8.Correct([]string{"blur 1"}, Test); len(got) != 1 || got[0] != 1 {
		t.Errorf("%v right answers to test images", got)
	}
	if float := s.Judged(false); float.Correct([]string{"blur 1"}, Validation) != nil {
		t.Error("the float32 network is judged by the int8 one's answers")
	}
	images := func(Split) int { return 3 }
	if doubt := s.Check(images, 2); doubt != "" {
		t.Error(doubt)
	}
	if s.Int8.SetFound("blur 1", Test, []int{3, 1}); s.Check(images, 2) == "" {
		t.Error("more right answers than images are believed")
	}
	fresh := NewScores(r)
	if fresh.Add(s); fresh.Int8 == nil {
		t.Error("the int8 network's are lost")
	}
}
