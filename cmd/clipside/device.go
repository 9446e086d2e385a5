package main

import (
	"errors"
	"fmt"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/gpu"
	"github.com/clipside/clipside/model"
)

// deviceKind is the value of -device.
type deviceKind string

const (
	autoDevice   deviceKind = "auto"
	webgpuDevice deviceKind = "webgpu"
	cpuDevice    deviceKind = "cpu"
)

func (k *deviceKind) String() string { return string(*k) }

func (k *deviceKind) Set(s string) error {
	switch d := deviceKind(s); d {
	case autoDevice, webgpuDevice, cpuDevice:
		*k = d
		return nil
	}
	return errors.New("must be auto, webgpu or cpu")
}

// openDevice opens the device that was asked for. Where auto ends on the CPU, passedOver says why.
func openDevice(k deviceKind) (d model.Device, passedOver string, err error) {
	if k == cpuDevice {
		return cpu.New(), "", nil
	}
	g, err := gpu.Open(gpu.Options{Software: k == webgpuDevice})
	if err == nil {
		return g, "", nil
	}
	if k == autoDevice && errors.Is(err, gpu.ErrUnavailable) {
		return cpu.New(), err.Error(), nil
	}
	return nil, "", fmt.Errorf("%w; -device cpu works on every machine", err)
}

// describe names a device for a person.
func describe(info model.DeviceInfo) string {
	switch {
	case info.Kind == "cpu":
		return "the CPU"
	case info.Software:
		return info.Adapter + " (WebGPU in software)"
	}
	return info.Adapter + " (WebGPU)"
}
