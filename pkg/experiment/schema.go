package experiment

import "slimfit/pkg/yamlkeys"

// Schema is the JSON Schema of an experiment file, for editors.
func Schema() ([]byte, error) { return yamlkeys.Schema("slimfit experiment", Keys()) }

// Reference is the table of every key in Markdown.
func Reference() string { return yamlkeys.Docs(Keys()) }
