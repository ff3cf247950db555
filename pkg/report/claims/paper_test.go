package claims

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
)

// What claims.yaml says of single cells of Tables IV to VI in words, counted
// from the result files.
func TestWordsOnThePaper(t *testing.T) {
	const dir = "../../../experiments/paper/"
	f, err := os.Open(dir + "published/accuracies.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := report.ReadPublished(f, "accuracies.csv")
	if err != nil {
		t.Fatal(err)
	}
	printed, seconds := map[string]float64{}, map[string]float64{}
	for _, r := range rows {
		if s := r.Figure.Seconds; s != nil && r.Where["experiment"] != "paper-table4-6" {
			seconds[r.Where["experiment"]+r.Where["dense"]] = *s
		}
		if s := r.Figure.Seconds; s != nil && r.Where["kernel"] == "5" && r.Where["filters"] == "32" {
			seconds["table IV"] = *s
		}
		if r.Where["experiment"] == "paper-table4-6" {
			printed[r.Where["kernel"]+"x"+r.Where["filters"]] = r.Figure.Accuracy
		}
	}
	means := func(experiment string) map[string]float64 {
		sum, n := map[string]float64{}, map[string]float64{}
		files, _ := filepath.Glob(dir + "results/" + experiment + "/*/seed-*/result.json")
		for _, file := range files {
			var r result.Result
			if b, err := os.ReadFile(file); err != nil || json.Unmarshal(b, &r) != nil {
				t.Fatal(file, err)
			}
			cell := fmt.Sprintf("%vx%v", r.Assignment["kernel"], r.Assignment["filters"])
			sum[cell] += *r.Accuracy.Test
			n[cell]++
		}
		for cell := range sum {
			sum[cell] /= n[cell]
		}
		return sum
	}
	by2, by4 := means("paper-table4-6"), means("paper-table4-6-pool4")
	var nearer []string
	low, high := math.Inf(1), 0.0
	for cell, p := range printed {
		if by4[cell] == 0 || by2[cell] == 0 {
			continue
		}
		if math.Abs(by4[cell]-p) < math.Abs(by2[cell]-p) {
			nearer = append(nearer, cell)
		}
		if strings.HasPrefix(cell, "1x") {
			low, high = min(low, 100*(p-by4[cell])), max(high, 100*(p-by4[cell]))
		}
	}
	slices.Sort(nearer)
	if fmt.Sprint(nearer) != "[3x32 5x32]" {
		t.Errorf("nearer by 4: %v of %d cells", nearer, len(printed))
	}
	if got := fmt.Sprintf("%.1f to %.1f points less", low, high); got != "8.0 to 9.2 points less" {
		t.Error(got)
	}
	at := func(dense string) float64 { return seconds["paper-table2-3"+dense] }
	if b, _ := os.ReadFile(dir + "published/claims.yaml"); !strings.Contains(string(b), "8.0 to 9.2 points less") ||
		!strings.Contains(string(b), fmt.Sprintf("(%v s with\n      1024 units, as the base network's %v, and %v s with 128,", at("1024"),
			seconds["paper-table1"], at("128"))) ||
		!strings.Contains(string(b), fmt.Sprintf("where Table IV takes %v s", seconds["table IV"])) ||
		!strings.Contains(string(b), fmt.Sprintf("with 64 and 32 units it prints %v and %v s", at("64"), at("32"))) ||
		!strings.Contains(string(b), "5x5x32 and 3x3x32") || !strings.Contains(string(b), "nine\n      cells") {
		t.Error("claims.yaml says otherwise")
	}
}
