// Package search finds the cheapest configuration that meets a target and
// writes down everything that the answer rests on. What to train next, and the
// verdict, follow from finished results alone, so that a search can be stopped
// and taken up at any time, and checked by a stranger.
//
//  1. New makes a Problem of an experiment's target: candidates within the
//     budgets, cheapest first.
//  2. Replay goes through the search with the results that are there, and says
//     in a Plan which trials to train, or which test images to open, next.
//  3. Run does so until the verdict stands, with functions that train and open.
//  4. Certificate writes the verdict down, with everything that it rests on.
//  5. Verify goes the way again from the files, and lists every statement that
//     does not follow: Fault.
//
// README.md says how it decides, and what the certificate's keys mean.
package search
