package worker

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/protocol"
)

// The sheet has the first batch's images as they lie in the set, then as the steps
// see them: without augmentation the same.
func TestPreview(t *testing.T) {
	p := testPack(t, 10)
	set, err := dataset.LoadData(p.Data, p.Source)
	if err != nil {
		t.Fatal(err)
	}
	order := make([]int32, p.Recipe.Batch)
	dataset.NewOrder(set.Train.N(), p.Members[0].Key.Seed).Batch(0, len(order), order)
	s := serve(t)
	for _, augment := range []*models.Augment{nil, {Flip: models.FlipHorizontal, Probability: 1}} {
		p.Recipe.Augment = augment
		file := filepath.Join(t.TempDir(), "sheet.png")
		s.send(protocol.Command{Preview: &protocol.Preview{Pack: p, Rows: 5, Steps: 3, File: file}})
		s.until(protocol.Previewed)
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(f)
		f.Close()
		if err != nil || m.Bounds() != image.Rect(0, 0, 4+4*68, 4+5*68) { // 8x8 pixels, eight times as large
			t.Fatalf("%v, %v", m.Bounds(), err)
		}
		flipped, rest := 0, 0
		for row := range 5 {
			pixels := set.Train.Pixels[int(order[row])*64:]
			for column := range 4 {
				same, mirrored := true, true
				for k := range 64 {
					v, _, _, _ := m.At(4+68*column+k%8*8+7, 4+68*row+k/8*8).RGBA()
					same = same && uint8(v) == pixels[k]
					mirrored = mirrored && uint8(v) == pixels[k/8*8+7-k%8]
				}
				switch {
				case mirrored:
					flipped++
				case !same:
					rest++
				}
			}
		}
		if rest > 0 || (augment != nil) != (flipped > 0) || flipped > 14 {
			t.Errorf("augment %+v: of 20 pictures %d are flipped, %d something else", augment, flipped, rest)
		}
	}
	s.send(protocol.Command{Preview: &protocol.Preview{Pack: p, Rows: 1, Steps: 1, File: filepath.Join(t.TempDir(), "none", "x.png")}})
	if e := s.until(protocol.Error); !e[len(e)-1].Storage {
		t.Errorf("a file that cannot be written: %+v", e)
	}
}
