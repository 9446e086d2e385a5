package gpu

import (
	"errors"
	"syscall/js"
	"testing"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/preprocess"
	"github.com/clipside/clipside/shaders"
	"github.com/cogentcore/webgpu/wgpu"
)

// fullGPU has no memory for a picture of 8000×8000, or a buffer as large, and says so as WebGPU's specification has it:
// createTexture gives an invalid texture, the error goes to the scope, and what is made of the texture is invalid, too.
const fullGPU = `(() => {
	const scopes = [];
	const fault = (filter, message) => {
		const scope = scopes.findLast((scope) => scope.filter === filter);
		if (!scope) throw new Error('uncaptured: ' + message);
		scope.error ??= { message };
	};
	return {
		limits: new Proxy({}, { get: (_, name) => (name === 'maxTextureDimension2D' ? 16384 : 1 << 30) }),
		queue: { writeBuffer() {} },
		pushErrorScope: (filter) => scopes.push({ filter }),
		popErrorScope: async () => scopes.pop().error ?? null,
		createBuffer(d) {
			if (d.size > 64e6) fault('out-of-memory', 'a buffer of ' + d.size);
			return { ...d, destroy() {} };
		},
		createTexture({ size }) {
			const [width, height] = Array.isArray(size) ? size : [size.width, size.height];
			const invalid = 4 * width * height > 64e6;
			if (invalid) fault('out-of-memory', 'a texture of ' + width + '×' + height);
			return { createView: () => ({ invalid }), destroy() {} };
		},
		createBindGroupLayout: (d) => d,
		createPipelineLayout: (d) => d,
		createShaderModule: (d) => d,
		createComputePipelineAsync: async (d) => d,
		createBindGroup(d) {
			if (d.entries.some(({ resource }) => resource?.invalid)) fault('validation', 'the texture view is invalid');
			return d;
		},
	};
})()`

func TestAPictureTooLargeForTheMemoryLeavesOthersAlone(t *testing.T) {
	dev := wgpu.NewDevice(js.Global().Call("eval", fullGPU))
	d := &Device{}
	d.init(&dev, model.DeviceInfo{Kind: "webgpu"}, shaders.Packed)
	const size = 32
	e := &encoder{}
	var err error
	e.program, err = d.record(func(r *recorder) model.Tensor {
		e.pixels = r.fixed("pixels", 4*size*size)
		return r.Patches(model.Pixels{B: 1, Size: size, Data: e.pixels}, 1, model.Preprocess{Std: [3]float32{1, 1, 1}})
	})
	if err != nil {
		t.Fatal(err)
	}
	load := func(side int) error {
		plan, err := preprocess.NewPlan(side, side, size)
		if err != nil {
			t.Fatal(err)
		}
		p, err := d.prepared(plan, func(*wgpu.Texture) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.load(e, []model.Picture{p})
		return err
	}
	if err := load(100); err != nil {
		t.Fatal("a small picture: ", err)
	}
	if err := load(8000); !errors.Is(err, model.ErrMemory) {
		t.Fatalf("a picture too large for the memory: %v", err)
	}
	if err := load(100); err != nil {
		t.Error("a small picture afterwards: ", err)
	}
}

func TestAModelTooLargeForTheMemoryIsRefused(t *testing.T) {
	dev := wgpu.NewDevice(js.Global().Call("eval", fullGPU))
	d := &Device{}
	d.init(&dev, model.DeviceInfo{Kind: "webgpu"}, shaders.Packed)
	for _, test := range []struct {
		rows int
		want error
	}{{1000, nil}, {20000, model.ErrMemory}, {1000, nil}} {
		err := d.Checked(func() error {
			_, err := d.NewParam("weight", test.rows, 4096)
			return err
		})
		if !errors.Is(err, test.want) {
			t.Errorf("%d rows: %v, want %v", test.rows, err, test.want)
		}
	}
}
