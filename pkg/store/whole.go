package store

import "slimfit/pkg/result"

// WriteFile writes a whole file by rename, whether or not there is one: who
// reads it sees the old content or the new.
func WriteFile(path string, b []byte) error { return content(path, b, nil).replace() }

// EncodeResult is the content of a result.json. The same result gives the same
// bytes, also after it was read from such a file.
func EncodeResult(r result.Result) ([]byte, error) { return encodeResult(r) }
