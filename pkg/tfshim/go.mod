// This module stands in for galeone's fork of the TensorFlow binding: the main
// go.mod replaces that path with this folder, so that tfgo and slimfit use one
// binding, graft. Two bindings cannot be linked into one binary.
module github.com/galeone/tensorflow/tensorflow/go

go 1.26

require github.com/wamuir/graft v0.10.0

require google.golang.org/protobuf v1.34.2 // indirect
