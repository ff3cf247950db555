package worker

import (
	"slimfit/models"
	"slimfit/pkg/graph"
	"slimfit/pkg/nvml"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
)

// info tells what this worker runs on, with the GPUs of the machine.
func (s *server) info() {
	driver, err := nvml.Read()
	if err != nil {
		s.emit(protocol.Event{Type: protocol.Warning, Message: err.Error()})
	}
	env := s.env
	if env.Device != "CPU" {
		s.placement(&env)
	}
	env.Driver, env.CUDA, env.CuDNN = driver.Version, driver.CUDA, nvml.CuDNN()
	s.emit(protocol.Event{Type: protocol.Ready, Environment: &env, GPUs: driver.GPUs})
}

// placement looks where a step of the paper's base network runs on the GPU.
func (s *server) placement(env *result.Environment) {
	layers, _ := models.Named("base")
	net := graph.Net{Spec: models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers}}
	p, err := graph.GPUPlacement([]graph.Net{net}, models.DefaultRecipe())
	if err != nil {
		s.emit(protocol.Event{Type: protocol.Warning, Message: err.Error()})
		return
	}
	n := len(p.OnCPU)
	env.CPUOps = &n
	if n > 0 {
		s.emit(protocol.Event{Type: protocol.Warning, Message: p.Warning()})
	}
}
