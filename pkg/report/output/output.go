// Package output writes reports in every format: as one text, and as the files
// of a report folder.
package output

import (
	"bytes"

	"slimfit/pkg/report"
	"slimfit/pkg/report/figure"
	"slimfit/pkg/report/page"
	"slimfit/pkg/report/render"
)

// File is one file of a report folder.
type File struct {
	Name string                 // below the folder, with forward slashes
	Make func() ([]byte, error) // its content; large reports are made one file at a time
}

// Files lists the reports in every format: report.md, tables.tex, results.csv
// (a line a trial), configurations.csv, report.json, figures/ as SVG and PNG,
// and one page a report: report.html, or <experiment>.html for several. front opens report.md.
func Files(reports []*report.Report, front ...render.Part) []File {
	files := []File{
		{"report.md", func() ([]byte, error) { return render.Markdown(reports, "figures", front...), nil }},
		{"results.csv", func() ([]byte, error) { return render.TrialsCSV(reports) }},
		{"configurations.csv", func() ([]byte, error) { return render.ConfigurationsCSV(reports) }},
		{"report.json", func() ([]byte, error) { return render.JSON(reports) }},
		{"tables.tex", func() ([]byte, error) { return render.LaTeX(reports), nil }},
	}
	for _, r := range reports {
		name := "report.html"
		if len(reports) > 1 {
			name = render.FileName(r.Name) + ".html"
		}
		files = append(files, File{name, func() ([]byte, error) { return page.HTML(r) }})
		for _, f := range figure.List(r) {
			path := "figures/" + render.FigureFile(reports, r, f.Name)
			files = append(files,
				File{path + ".svg", func() ([]byte, error) { return figure.SVG(r, f.Name) }},
				File{path + ".png", func() ([]byte, error) { return figure.PNG(r, f.Name) }})
		}
	}
	return files
}

// Write is the reports in one format: text, markdown, csv (a line a trial),
// json, latex, or html, the page of the first. front comes before them in text
// and Markdown.
func Write(reports []*report.Report, format string, front ...render.Part) ([]byte, error) {
	switch format {
	case "markdown":
		return render.Markdown(reports, "", front...), nil
	case "csv":
		return render.TrialsCSV(reports)
	case "json":
		return render.JSON(reports)
	case "latex":
		return render.LaTeX(reports), nil
	case "html":
		return page.HTML(reports[0])
	}
	var b bytes.Buffer
	for _, p := range front {
		b.Write(p.Text())
		b.WriteString("\n\n")
	}
	for i, r := range reports {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.Write(render.Text(r))
	}
	return b.Bytes(), nil
}

// FigureNames lists the figures that a report folder may have, without ending.
func FigureNames() []string { return figure.Names() }
