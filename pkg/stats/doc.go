// Package stats holds the statistics that a claim about a trained network
// needs: intervals for one fixed network on test images, what a handful of
// seeds can say of the next one, and comparisons on shared images. Accuracies
// are fractions in [0, 1], confidences lie in (0, 1).
//
//  1. One network on n images: ClopperPearson, LowerBound, UpperBound.
//  2. A few seeds: Summarize, TInterval for the mean, PredictionInterval and
//     ToleranceFactor for networks still to be trained; EstimateMean counts the
//     images' share in the seeds' spread.
//  3. Two networks on the same images: Discordant and McNemar; two groups of
//     them: CrossedBootstrap, which draws seeds and images; their spreads:
//     CompareSpread. Holm corrects for many comparisons.
//  4. A training that is not over: Projected, at the steps that IsLook names.
package stats
