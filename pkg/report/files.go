package report

import "fmt"

// File is one file of a report folder.
type File struct {
	Name    string // below the folder, with forward slashes
	Content []byte
}

// Files writes the reports in every format: report.md, tables.tex, results.csv
// (a line a trial), configurations.csv, report.json, figures/ as SVG and PNG,
// and one page a report: report.html, or <experiment>.html for several.
func Files(reports []*Report) ([]File, error) {
	trials, err := TrialsCSV(reports)
	if err != nil {
		return nil, err
	}
	configurations, err := ConfigurationsCSV(reports)
	if err != nil {
		return nil, err
	}
	all, err := JSON(reports)
	if err != nil {
		return nil, err
	}
	files := []File{{"report.md", Markdown(reports, "figures")}, {"results.csv", trials},
		{"configurations.csv", configurations}, {"report.json", all}, {"tables.tex", LaTeX(reports)}}
	for _, r := range reports {
		name := "report.html"
		if len(reports) > 1 {
			name = fileName(r.Name) + ".html"
		}
		page, err := r.HTML()
		if err != nil {
			return nil, err
		}
		files = append(files, File{name, page})
		for _, f := range r.Figures() {
			figure := "figures/" + figureFile(reports, r, f.Name)
			svg, err := r.SVG(f.Name)
			if err != nil {
				return nil, fmt.Errorf("report of %s: %w", r.Name, err)
			}
			png, err := r.PNG(f.Name)
			if err != nil {
				return nil, fmt.Errorf("report of %s: %w", r.Name, err)
			}
			files = append(files, File{figure + ".svg", svg}, File{figure + ".png", png})
		}
	}
	return files, nil
}

// FigureNames lists the figures that a report may have, without ending.
func FigureNames() []string { return []string{accuracyFigure, frontFigure, trainingFigure} }
