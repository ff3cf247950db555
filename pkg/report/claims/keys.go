package claims

import (
	"math"

	"slimfit/pkg/footprint"
	yk "slimfit/pkg/yamlkeys"
)

// maxCells bounds the work that one claim can cause.
const maxCells = 100

// keys are those of a file of claims.
func keys() []yk.Key {
	text := yk.Form{Kind: yk.TextKind, Max: 10_000}
	claims := yk.Forms(yk.List(1, 1000, yk.Key{Forms: yk.Forms(yk.Mapping(claimKeys(text)...))}))
	question := yk.Mapping(
		yk.Key{Name: "question", Required: true, Forms: yk.Forms(text), Doc: "Its words."},
		yk.Key{Name: "answer", Forms: yk.Forms(text), Doc: "What to make of the verdicts, without figures."},
		yk.Key{Name: "claims", Required: true, Forms: claims, Doc: "What answers the question."})
	return []yk.Key{
		{Name: "title", Forms: yk.Forms(text), Default: "Claims", Doc: "Of the document."},
		{Name: "about", Forms: yk.Forms(yk.List(0, 100, yk.Key{Forms: yk.Forms(text)})), Doc: "Paragraphs for its top."},
		{Name: "questions", Forms: yk.Forms(yk.List(1, 1000, yk.Key{Forms: yk.Forms(question)})), Doc: "Claims that answer a question together."},
		{Name: "claims", Forms: claims, Doc: "Claims that stand by themselves."},
	}
}

func claimKeys(text yk.Form) []yk.Key {
	fraction := yk.Number("[", 0, 1, "]")
	cell := yk.Table(yk.NamePattern, "experiment or an axis", "experiment and axes to values", yk.Key{Forms: yk.Forms(yk.Any())})
	cells := yk.Forms(yk.List(1, maxCells, yk.Key{Forms: yk.Forms(cell)}))
	return []yk.Key{
		{Name: "claim", Required: true, Forms: yk.Forms(text), Doc: "The statement in words."},
		{Name: "source", Forms: yk.Forms(text), Doc: "Who says so, and where."},
		{Name: "note", Forms: yk.Forms(text), Doc: "What to make of it."},
		{Name: "ours", Forms: yk.Forms(yk.Truth()), Default: "false", Doc: "Made here to test something; not a claim of the source."},
		{Name: "check", Required: true, Forms: yk.Forms(yk.Named(names())), Doc: "What it says of its cells."},
		{Name: "accuracy", Fraction: true, Forms: yk.Forms(yk.Choice("published"), fraction), Doc: "As printed; published: each cell's own."},
		{Name: "least", Fraction: true, Forms: yk.Forms(fraction), Doc: "Of bound: what all such images give."},
		{Name: "margin", Forms: yk.Forms(yk.Number("(", 0, math.Inf(1), "]")), Doc: "Of same, in accuracy; of spread, a factor."},
		{Name: "cost", Forms: yk.Forms(yk.Named(footprint.Costs())), Doc: "Of ratio."},
		{Name: "times", Forms: yk.Forms(yk.Number("(", 0, math.Inf(1), "]")), Doc: "Of ratio, as printed."},
		{Name: "cells", Required: true, Forms: cells, Doc: "The configurations that it speaks of, such as {experiment: name, kernel: 5}."},
		{Name: "than", Forms: cells, Doc: "Of gains: each cell's partner."},
	}
}
