package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
)

// workerName is the file of the program that trains, beside slimfit itself.
const workerName = "slimfit-worker"

func workerFlag() cli.Flag {
	return &cli.StringFlag{Name: "worker", Usage: "the `FILE` of slimfit-worker (default: beside slimfit)"}
}

// workerFile is the worker's absolute path; the file need not be there.
func workerFile(c *cli.Context) (string, error) {
	file := c.String("worker")
	if file == "" {
		self, err := os.Executable()
		if err != nil {
			return "", ioError(fmt.Errorf("find slimfit-worker beside slimfit: %w; name it by --worker", err))
		}
		if real, err := filepath.EvalSymlinks(self); err == nil { // a link in ~/bin leads to the real place
			self = real
		}
		file = filepath.Join(filepath.Dir(self), workerName)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return "", ioError(fmt.Errorf("find the worker: %w", err))
	}
	return file, nil
}
