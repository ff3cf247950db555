package report

// File is one file of a report folder.
type File struct {
	Name string                 // below the folder, with forward slashes
	Make func() ([]byte, error) // its content; large reports are made one file at a time
}

// Files lists the reports in every format: report.md, tables.tex, results.csv
// (a line a trial), configurations.csv, report.json, figures/ as SVG and PNG,
// and one page a report: report.html, or <experiment>.html for several. front opens report.md.
func Files(reports []*Report, front ...Part) []File {
	files := []File{
		{"report.md", func() ([]byte, error) { return Markdown(reports, "figures", front...), nil }},
		{"results.csv", func() ([]byte, error) { return TrialsCSV(reports) }},
		{"configurations.csv", func() ([]byte, error) { return ConfigurationsCSV(reports) }},
		{"report.json", func() ([]byte, error) { return JSON(reports) }},
		{"tables.tex", func() ([]byte, error) { return LaTeX(reports), nil }},
	}
	for _, r := range reports {
		name := "report.html"
		if len(reports) > 1 {
			name = fileName(r.Name) + ".html"
		}
		files = append(files, File{name, r.HTML})
		for _, f := range r.Figures() {
			figure := "figures/" + figureFile(reports, r, f.Name)
			files = append(files,
				File{figure + ".svg", func() ([]byte, error) { return r.SVG(f.Name) }},
				File{figure + ".png", func() ([]byte, error) { return r.PNG(f.Name) }})
		}
	}
	return files
}

// FigureNames lists the figures that a report may have, without ending.
func FigureNames() []string { return []string{accuracyFigure, frontFigure, trainingFigure} }
