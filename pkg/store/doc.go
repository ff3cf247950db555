// Package store keeps an experiment's run folder: results, histories,
// checkpoints and the leases that let several processes, on one host or many,
// share the work. Whole files by rename, no database, safe on NFS. README.md
// beside it has the files and their keys. In the order of use:
//
//  1. Create or Open a run folder; Session is a process's presence in it.
//  2. A trial is taken by a lease with a rising token; its owner renews it. Who
//     lost it is fenced off: CheckLease refuses what it wants to write.
//  3. Checkpoints are written in turns of two, each with a checksum.
//  4. Results, histories and int8 figures appear whole, by rename.
//  5. Reading takes nothing for granted: damage is named (DamageError), never
//     taken for "not there".
package store
