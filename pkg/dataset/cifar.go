package dataset

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"slimfit/models"
)

// CIFAR-10's binary format: records of one label and 32x32 pixels as a red, a
// green and a blue plane, row by row. The files have no header.
const (
	cifarEdge     = 32
	cifarChannels = 3
	cifarPlane    = cifarEdge * cifarEdge
	cifarImage    = cifarPlane * cifarChannels
	cifarRecord   = 1 + cifarImage
)

// readCIFARSet reads training files in the given order and the test file.
func readCIFARSet(train []string, test string) (content, error) {
	c := content{input: models.Shape{H: cifarEdge, W: cifarEdge, C: cifarChannels}}
	trainImages, parts, err := readCIFARFiles(train)
	if err != nil {
		return c, err
	}
	testImages, testParts, err := readCIFARFiles([]string{test})
	if err != nil {
		return c, err
	}
	c.train, c.test, c.digest, c.testKey = trainImages, testImages, contentDigest(append(parts, testParts...)), contentDigest(testParts)
	return c, nil
}

// readCIFARFiles reads files one after the other into one array.
func readCIFARFiles(paths []string) (Images, []part, error) {
	var m Images
	total := int64(0)
	for _, path := range paths {
		st, err := os.Stat(path)
		if err != nil {
			return m, nil, err
		}
		if err := checkCIFARSize(st.Size()); err != nil {
			return m, nil, fmt.Errorf("%s: %w", path, err)
		}
		total += st.Size() / cifarRecord
	}
	if total*cifarImage > maxBytes {
		return m, nil, fmt.Errorf("%s: %d images, more than %d GiB", filepath.Dir(paths[0]), total, maxBytes>>30)
	}
	m = Images{Pixels: make([]uint8, 0, total*cifarImage), Labels: make([]uint8, 0, total)}
	var parts []part
	for _, path := range paths {
		sum, err := readCIFARFile(path, &m)
		if err != nil {
			return m, nil, fmt.Errorf("%s: %w", path, err)
		}
		parts = append(parts, part{sum, strings.TrimSuffix(filepath.Base(path), ".bin")})
	}
	return m, parts, nil
}

func checkCIFARSize(size int64) error {
	if size == 0 || size%cifarRecord != 0 {
		return fmt.Errorf("%d bytes is not a whole number of CIFAR-10 records (%d bytes each): not this kind of file, or truncated; copy or "+
			"fetch it again", size, cifarRecord)
	}
	return nil
}

// readCIFARFile appends the images of a file and returns its checksum.
func readCIFARFile(path string, m *Images) (string, error) {
	f, _, err := openFile(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if err := parseCIFAR(io.TeeReader(bufio.NewReaderSize(f, 1<<16), hash), m); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// parseCIFAR appends every record to m. It never reads more records than m has
// capacity for.
func parseCIFAR(r io.Reader, m *Images) error {
	record := make([]byte, cifarRecord)
	for n := 0; ; n++ {
		switch _, err := io.ReadFull(r, record); {
		case err == io.EOF:
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("truncated in record %d; copy or fetch it again", n+1)
		case err != nil:
			return fmt.Errorf("record %d: %w", n+1, err)
		}
		if len(m.Labels) == cap(m.Labels) {
			return errors.New("has grown while it was read")
		}
		m.Labels = append(m.Labels, record[0])
		at := len(m.Pixels)
		m.Pixels = m.Pixels[:at+cifarImage]
		interleave(m.Pixels[at:], record[1:])
	}
}

// interleave turns three planes (CHW) into pixels (HWC).
func interleave(dst, planes []byte) {
	red, green, blue := planes[:cifarPlane], planes[cifarPlane:2*cifarPlane], planes[2*cifarPlane:3*cifarPlane]
	for i := range red {
		dst[3*i], dst[3*i+1], dst[3*i+2] = red[i], green[i], blue[i]
	}
}
