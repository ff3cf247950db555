package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// part is one line of a content digest.
type part struct {
	sum  string // SHA-256 of the part's bytes, hex
	name string // its role, never a path
}

// contentDigest identifies the content of a data set: the SHA-256 of a listing
// of its parts, one line "<sha-256>  <role>" each, in a fixed order.
//
//	idx files:     train-images, train-labels, t10k-images, t10k-labels, unpacked
//	CIFAR files:   data_batch_1, data_batch_2, ..., test_batch
//	image folders: every file with "<part>/<class number>", by role, then checksum
//
// It depends on nothing else: not on the path, file times, compression, or the
// names of pictures. A copy of MNIST has MNIST's digest.
func contentDigest(parts []part) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%s  %s\n", p.sum, p.name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// testKey is TestKey by the registered checksums: the last files are the test
// images'.
func (i Info) testKey() string {
	roles := []string{"t10k-images", "t10k-labels"}
	if i.Format == formatCIFAR {
		roles = []string{"test_batch"}
	}
	var parts []part
	for k, f := range i.Files[max(0, len(i.Files)-len(roles)):] {
		parts = append(parts, part{f.SHA256, roles[k]})
	}
	return contentDigest(parts)
}
