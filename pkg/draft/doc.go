// Package draft writes an experiment to start from: Of looks at a folder of
// data and chooses what fits it, Text writes the file with comments that say
// why. What it chooses are habits of the field, not findings.
package draft
