package npy

import (
	"archive/zip"
	"fmt"
	"io"
)

// Add writes an array into an npz archive, NumPy's zip of npy files, under its
// name. The same values give the same bytes.
func Add[T number](z *zip.Writer, name string, values []T, shape ...int) error {
	file, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
	if err == nil {
		err = Write(file, values, shape...)
	}
	if err != nil {
		return fmt.Errorf("write npz: %s: %w", name, err)
	}
	return nil
}

// Extract reads the named array of an npz archive, of at most so many bytes.
// The error wraps fs.ErrNotExist where there is none.
func Extract[T number](z *zip.Reader, name string, most int64) (values []T, shape []int, err error) {
	f, err := z.Open(name + ".npy")
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(MaxHeader)+most+1))
	if err == nil {
		values, shape, err = Read[T](b)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return values, shape, nil
}
