// Package experiment reads an experiment file: strict YAML in, every
// configuration of its matrix with its footprint out, or all errors at once,
// each with its place in the file.
//
//  1. Load reads the file: pkg/yamlkeys checks it by the table of Keys, with
//     --set overrides put in before (LoadFrom).
//  2. dataset.Describe, which the caller gives, says what images the file means.
//  3. The matrix is expanded into combinations, with include and exclude as
//     GitHub Actions has them; every axis value is checked wherever "$name"
//     stands.
//  4. Each combination becomes a Configuration: layers, recipe, footprint, and
//     the ID that only what changes training is part of. Equal ones are one.
//  5. Target, seeds, evaluate, report and batch are read; what was told comes
//     back as Experiment, with Source as the file that needs no --set.
package experiment
