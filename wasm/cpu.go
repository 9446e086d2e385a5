//go:build js

package main

import (
	"errors"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/cpu/simd"
	"github.com/clipside/clipside/model"
)

// cpuDevice is the CPU: by SIMD where the browser has it, else in plain Go.
func cpuDevice() (model.Device, error) {
	d, err := simd.New()
	if errors.Is(err, simd.ErrUnavailable) {
		return cpu.New(), nil
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}
