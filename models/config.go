package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Config is one configuration: everything that changes training except the
// seed.
type Config struct {
	Layers []Layer // without the last dense layer
	Data   Data
	Recipe Recipe
}

// Spec is the configuration's network for its data set.
func (c Config) Spec() Spec {
	return c.Data.Spec(c.Layers)
}

// ID is a slug of the layers and the first 8 digits of Digest:
// c5x2-p4-d128-1a2b3c4d.
func (c Config) ID() string { return slug(c.Layers) + "-" + c.Digest()[:shortDigest] }

// LongID is ID with all digits of Digest, for configurations that have their ID
// in common with another.
func (c Config) LongID() string { return slug(c.Layers) + "-" + c.Digest() }

// Named says whether id is the configuration's ID or LongID.
func (c Config) Named(id string) bool { return id == c.ID() || id == c.LongID() }

const (
	shortDigest = 8
	longDigest  = 32
)

// Digest is the first half, hex, of a SHA-256 over everything in c except the
// data set's name, which is only a label: two configurations with one digest
// are one.
func (c Config) Digest() string {
	data := c.Data
	data.Name = ""
	b, err := json.Marshal(struct {
		Model []Layer `json:"model"`
		Data  Data    `json:"dataset"`
		Train Recipe  `json:"train"`
	}{c.Spec().FullLayers(), data, c.Recipe})
	if err != nil {
		// Only a NaN or an infinity in the recipe can do this; validation refuses them.
		b = []byte(fmt.Sprintf("%+v", c))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:longDigest/2])
}

// maxSlug keeps folder names short; the digest tells long models apart.
const maxSlug = 48

// slug shortens the layers to words such as c5x32, p2 and d128. Dropout and
// the last dense layer are left out.
func slug(layers []Layer) string {
	var words []string
	for _, l := range layers {
		if f := l.Kind.facts(); f != nil && f.slug != nil {
			words = append(words, f.slug(l))
		}
	}
	s := strings.Join(words, "-")
	if len(s) > maxSlug {
		s = strings.TrimRight(s[:maxSlug], "-")
	}
	if s == "" {
		s = "linear"
	}
	return s
}

// IsConfigID says whether a name ends in a dash and 8 or 32 hex digits, as those
// of Config.ID and LongID do.
func IsConfigID(name string) bool { return endsIn(name, shortDigest) || IsLongID(name) }

// IsLongID says whether a name ends in a dash and 32 hex digits.
func IsLongID(name string) bool { return endsIn(name, longDigest) }

func endsIn(name string, digits int) bool {
	i := len(name) - digits
	return i >= 2 && name[i-1] == '-' && strings.Trim(name[i:], "0123456789abcdef") == ""
}
