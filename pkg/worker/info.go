package worker

import (
	"slimfit/pkg/nvml"
	"slimfit/pkg/protocol"
)

// info tells what this worker runs on, with the GPUs of the machine.
func (s *server) info() {
	driver, err := nvml.Read()
	if err != nil {
		s.emit(protocol.Event{Type: protocol.Warning, Message: err.Error()})
	}
	env := s.env
	env.Driver, env.CUDA, env.CuDNN = driver.Version, driver.CUDA, nvml.CuDNN()
	s.emit(protocol.Event{Type: protocol.Ready, Environment: &env, GPUs: driver.GPUs})
}
