package dataset

import (
	"fmt"
	"os"
)

// openFile opens a regular file to read, and says how long it is: opening a pipe
// would wait for ever.
func openFile(path string) (*os.File, int64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !st.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.Open(path)
	return f, st.Size(), err
}
