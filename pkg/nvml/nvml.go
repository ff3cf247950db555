// Package nvml lists the NVIDIA GPUs of the machine. NVML comes with NVIDIA's
// driver and is opened when asked for: a machine without it has no GPUs. The
// package needs cgo, so it is for the worker only.
package nvml

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"slimfit/pkg/protocol"
)

// Driver is what NVML says of the machine's driver.
type Driver struct {
	Version string         // such as 550.54.15
	CUDA    string         // the newest CUDA version that it runs, such as 12.4
	GPUs    []protocol.GPU // by index; MIG slices are not listed
}

// Read asks NVML. A machine without the library, or without a GPU, gives the
// zero Driver and no error.
func Read() (Driver, error) {
	switch r := nvml.Init(); r {
	case nvml.SUCCESS:
		defer nvml.Shutdown()
	case nvml.ERROR_LIBRARY_NOT_FOUND, nvml.ERROR_DRIVER_NOT_LOADED:
		return Driver{}, nil
	default:
		return Driver{}, failed("open NVML", r)
	}
	var d Driver
	version, r := nvml.SystemGetDriverVersion()
	if r != nvml.SUCCESS {
		return d, failed("read the driver's version", r)
	}
	d.Version = version
	if cuda, r := nvml.SystemGetCudaDriverVersion(); r == nvml.SUCCESS { // 12040 is 12.4
		d.CUDA = fmt.Sprintf("%d.%d", cuda/1000, cuda%1000/10)
	}
	count, r := nvml.DeviceGetCount()
	if r != nvml.SUCCESS {
		return d, failed("count GPUs", r)
	}
	for i := range count {
		gpu, err := device(i)
		if err != nil {
			return d, err
		}
		d.GPUs = append(d.GPUs, gpu)
	}
	return d, nil
}

func device(i int) (protocol.GPU, error) {
	gpu := protocol.GPU{Index: i}
	dev, r := nvml.DeviceGetHandleByIndex(i)
	if r != nvml.SUCCESS {
		return gpu, failed(fmt.Sprintf("open GPU %d", i), r)
	}
	if gpu.UUID, r = dev.GetUUID(); r != nvml.SUCCESS {
		return gpu, failed(fmt.Sprintf("read the UUID of GPU %d", i), r)
	}
	// What follows is for people; a device that does not tell it can be used.
	if name, r := dev.GetName(); r == nvml.SUCCESS {
		gpu.Name = name
	}
	if memory, r := dev.GetMemoryInfo(); r == nvml.SUCCESS {
		gpu.Memory = memory.Total
	}
	if major, minor, r := dev.GetCudaComputeCapability(); r == nvml.SUCCESS {
		gpu.Capability = fmt.Sprintf("%d.%d", major, minor)
	}
	return gpu, nil
}

func failed(act string, r nvml.Return) error { return fmt.Errorf("%s: %s", act, nvml.ErrorString(r)) }
