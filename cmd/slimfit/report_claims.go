package main

import (
	"os"

	"slimfit/pkg/claims"
	"slimfit/pkg/report"
)

// judgedClaims is what --claims adds to a report: the part of the document, and
// claims.json; both empty without the flag.
type judgedClaims struct {
	front []report.Part
	json  []report.File
}

// readClaims reads a file of claims and holds it against the reports.
func readClaims(file string, reports []*report.Report) (judgedClaims, error) {
	if file == "" {
		return judgedClaims{}, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return judgedClaims{}, ioError(err)
	}
	f, err := claims.Read(b, file)
	if err != nil {
		return judgedClaims{}, &exitError{code: exitUsage, err: err}
	}
	judged, err := claims.Judge(f, reports, file)
	if err != nil {
		return judgedClaims{}, &exitError{code: exitUsage, err: err}
	}
	return judgedClaims{
		front: []report.Part{{Title: f.Title, Sections: claims.Sections(f.About, judged)}},
		json:  []report.File{{Name: "claims.json", Make: func() ([]byte, error) { return claims.JSON(judged) }}},
	}, nil
}
