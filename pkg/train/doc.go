// Package train is the recipe as a loop: take the next batch, step every
// network of the pack, look at the losses, measure the validation accuracy now
// and then, and at the end judge each network on the images it has not seen.
//
//  1. New builds the pack's graph and the order of the images, from the seed.
//  2. Next trains one step, and measures the validation accuracy where due says so.
//  3. Results judges the networks on the images that they have not seen.
//  4. Save and Restore let a training go on elsewhere, bit for bit.
//
// Fit is all of it, for a program of a few lines and for the worker.
package train
