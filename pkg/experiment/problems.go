package experiment

import "slimfit/pkg/yamlkeys"

// problems reads the file and collects what is wrong with it.
type problems struct{ *yamlkeys.Reader }

func newProblems(file string) *problems {
	return &problems{yamlkeys.New(file, yamlkeys.Document{
		What: "experiment file", Keys: "name, dataset and model", One: "one file is one experiment",
		Empty:      "`slimfit init` writes one to start from",
		References: "matrix values can be used in model and train only",
		Reserved:   reserved(),
	})}
}

// reserved names are for later versions.
func reserved() []string { return []string{"augment"} }
