// Package export takes a trained network out of its run folder: it finds the
// one that is meant, checks that it is finished and whole, makes model files of
// it with a card that says what they are, and puts them in place, all or none.
// What only TensorFlow writes, the caller adds.
//
//  1. Find takes what people write (a run folder, a trial, a certificate) to the
//     one network that is meant.
//  2. Open reads its result and its weights, and checks one against the other.
//  3. Build makes the files of pure Go; calibration images come from its data
//     set. Judge measures what an int8 file gets.
//  4. NewCard writes down what they are: README.md for people, export.json for
//     programs.
//  5. NewGolden keeps images with what each file must say of them.
//  6. Place puts them there, all or none, and never over somebody else's files.
package export
