// Package worker is slimfit-worker: it reads commands from its supervisor,
// trains packs, writes their checkpoints and tells what happens. It ends when
// its supervisor does.
//
//  1. Serve reads a pkg/protocol command a line and answers with events.
//  2. A pack's images are loaded once, its checkpoint, if there is one, is taken
//     up.
//  3. Training reports looks, and writes checkpoints after checking the lease: a
//     worker whose lease is gone writes nothing.
//  4. A finished network's figures go out as an event; the supervisor writes the
//     files.
//
// It measures the speed of packs, judges kept weights, and exports what only
// TensorFlow writes, by the same commands.
package worker
