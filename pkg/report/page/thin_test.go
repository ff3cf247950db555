package page

import (
	"testing"

	"slimfit/pkg/result"
)

// However much a curve is thinned, its few validation accuracies stay.
func TestThinKeepsValidation(t *testing.T) {
	accuracy := 0.95
	points := make([]result.Point, 215)
	for i := range points {
		points[i].Step, points[i].Loss = 7*(i+1), 0.5
	}
	points[143].Validation, points[214].Validation = &accuracy, &accuracy
	got := thin(points, 20)
	measured := 0
	for _, p := range got {
		if p[2] != nil {
			measured++
		}
	}
	if measured != 2 || len(got) > 22 || *got[len(got)-1][0] != 7*215 {
		t.Errorf("%d points, %d with a validation accuracy, the last at step %v", len(got), measured, *got[len(got)-1][0])
	}
}
