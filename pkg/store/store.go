// Package store keeps an experiment's run folder: results, histories,
// checkpoints and the leases that let several processes, on one host or many,
// share the work. Whole files by rename, no database, safe on NFS.
package store
