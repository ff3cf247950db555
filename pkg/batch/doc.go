// Package batch hands an experiment's trials to a cluster's batch system,
// Slurm, and follows them there. A submission is a folder that never changes:
//
//	<run folder>/batch/0001/experiment.yaml   as it was when submitted
//	                        tasks.json        the trials of each array element
//	                        array.sh          the script of every element
//	                        report.sh         the script of the report job
//	                        jobs.json         Slurm's numbers for them
//	                        log/              what they wrote
//
// What is done is known from result files alone; Slurm is only asked what it
// still holds.
//
//  1. Prepare reads what is left, deals it out into elements of about the same
//     length, and writes the submission's folder.
//  2. Submit hands its scripts to sbatch: an array, and a report after it.
//  3. Each element is `slimfit run --task`, which trains its line of tasks.json.
//  4. Look tells running, waiting and lost elements by the leases and by Slurm.
//  5. Cancel takes back what has not ended; submitting again takes up the rest.
package batch
