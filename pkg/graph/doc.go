// Package graph turns networks into TensorFlow graphs and runs them: the
// layers, the packs of networks that train side by side, their variables and
// optimizers. It is the only room that builds TensorFlow operations; a panic of
// the bindings becomes an error here.
//
//  1. NewPack builds one graph for the networks of a pack: first convolutions of
//     one shape as one operation on one batch, everything else apart, so that a
//     network's figures do not depend on its company. For a GPU, networks that
//     are alike but for their seeds become one stack, whose operations hardly
//     grow with its members; Form names what was built.
//  2. Weights start from (seed, purpose, layer) alone, see Generator; dropout
//     from (seed, layer, step).
//  3. Step feeds the indices of a batch; the images stay on the device. Loss,
//     gradients and optimizer run in the graph; Rate is the learning rate of a
//     step. Steps trains several in one run, where the graph was unrolled.
//  4. State is a network's weights and moments, for checkpoints, and back.
//  5. Frozen and SavedModel write trained networks; LoadFrozen and LoadModel
//     read them for prediction.
package graph
