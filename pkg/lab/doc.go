// Package lab does what the commands do with an experiment: it trains, searches,
// verifies, quantizes, measures, predicts, exports and plans. It knows no
// command line and prints nothing: a command fills in a Lab and options, makes
// one call, and prints what comes back.
//
//  1. Load reads experiment files, with the machine's data sets and teachers.
//  2. Plan counts; Prepare and Train start pkg/sweep; Search goes through pkg/search's
//     rounds, and Verify goes the way again, training anew where it is asked to.
//  3. Quantize and MeasureNetworks work on what is there; ReadReports and Compare
//     build reports of it.
//  4. FindTrial, Export, OpenModel and Predict take a network out, and apply it.
//  5. What there is to say on the way goes to Note and Detail, which the caller
//     gives.
package lab
