package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/model/bundle"
)

// small is a GPU that has no room for any parameter.
type small struct {
	model.Device
	released bool
}

func (s *small) Info() model.DeviceInfo { return model.DeviceInfo{Kind: "webgpu", Adapter: "small"} }

func (s *small) NewParam(string, ...int) (*model.Param, error) {
	return nil, fmt.Errorf("gpu: %w", model.ErrMemory)
}

func (s *small) Release() { s.released = true }

func TestTheCPUComputesWhereTheGPUIsTooSmall(t *testing.T) {
	src := bundle.FS(os.DirFS(packed(t)))
	manifest, err := bundle.ReadManifest(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	for kind, replaced := range map[deviceKind]bool{autoDevice: true, webgpuDevice: false} {
		var told bytes.Buffer
		gpu := &small{Device: cpu.New()}
		m := modelFlags{device: kind}
		clip, err := m.openOn(t.Context(), output{stdout: &told, stderr: &told}, gpu, src, manifest, []string{bundle.Text})
		switch {
		case !gpu.released:
			t.Errorf("%s: the GPU is not released", kind)
		case replaced && (err != nil || clip.Device.Info().Kind != "cpu" || !strings.Contains(told.String(), "the CPU computes")):
			t.Errorf("%s: %v; it said %q", kind, err, told.String())
		case !replaced && (err == nil || !strings.Contains(err.Error(), "-device cpu")):
			t.Errorf("%s: %v", kind, err)
		}
	}
}
