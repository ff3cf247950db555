// Package result holds the nouns that running writes and reporting reads: a
// trial, its result, its history, the environment it ran in. Running and
// reporting share nothing else.
//
//  1. A Key is a trial: configuration and seed.
//  2. A Result is what became of it; Figures are those of one Split, read by On,
//     made by Score, held together by Check.
//  3. An Int8 is what its int8 file gets; a Stopped, what a search ended early.
//  4. A Certificate is what a search found, and what that rests on.
//
// The JSON of each is pinned by golden files in testdata.
package result
