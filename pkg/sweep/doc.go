// Package sweep trains an experiment's trials: it puts them into packs, feeds
// worker processes, survives what happens to them, and writes the results. It
// knows workers only as processes that speak pkg/protocol.
//
//  1. Run looks at what is finished, and takes a lease on each trial that it
//     will train.
//  2. BuildPacks puts trials together that see the same batches and fit one
//     graph, by the measured speeds of packs (Speeds) or a cost model; BuildStacks
//     does on GPUs, by what is tried there at a network's first use: members, forms,
//     steps in a run of TensorFlow, workers side by side.
//  3. As many workers as cores, memory and GPUs allow are started, see
//     pkg/workerproc; each is given a pack at a time.
//  4. Events are written down: histories, results, early stops. A pack that
//     fails is halved and tried again, until one trial has the blame.
//  5. State and Overview are what people see of it, here and in other processes.
package sweep
