//go:build js || cgo

package gpu

import (
	"strings"
	"testing"

	"github.com/clipside/clipside/model"
	"github.com/clipside/clipside/shaders"
)

// declare reserves nothing: towers that are only looked at.
func declare(name string, shape ...int) *model.Param { return model.NewParam(name, shape...) }

func vit(size, patch, width, layers int) model.ImageConfig {
	return model.ImageConfig{Kind: model.ViT, Size: size, Patch: patch, Width: width, Layers: layers, Heads: width / 64, MLP: 4 * width, Eps: 1e-5, Activation: model.QuickGELU}
}

func texts(width, layers int) model.TextConfig {
	return model.TextConfig{Vocab: 49408, Context: 77, Width: width, Layers: layers, Heads: width / 64, MLP: 4 * width, Eps: 1e-5, Activation: model.QuickGELU}
}

// TestNoDispatchTakesLong looks at every command of real models, on a software adapter and on a weak GPU.
func TestNoDispatchTakesLong(t *testing.T) {
	dev := adapter(t, Options{})
	for name, c := range map[string]model.Config{
		"ViT-L/14-336": {EmbedDim: 768, Image: vit(336, 14, 1024, 24), Text: texts(768, 12)},
		"ViT-B/32":     {EmbedDim: 512, Image: vit(224, 32, 768, 12), Text: texts(512, 12)},
		"TinyCLIP-8M":  {EmbedDim: 512, Image: vit(224, 16, 256, 10), Text: texts(256, 3)},
		"RN50": {EmbedDim: 1024, Text: texts(512, 12), Image: model.ImageConfig{
			Kind: model.ResNet, Size: 224, Width: 64, Blocks: []int{3, 4, 6, 3}, Heads: 32}},
	} {
		image, text := model.NewImageTower(&c, declare), model.NewTextTower(&c, declare)
		for _, a := range []struct {
			form
			rate float64
		}{{form{"software", true, shaders.F32}, softwareRate}, {form{"100 GFLOPS", false, shaders.Packed}, 100e9}} {
			t.Run(name+" "+a.name, func(t *testing.T) {
				a.device(t, dev)
				dev.only, dev.rate = nil, a.rate
				b, size := dev.imageBatch(image, 500), c.Image.Size
				bounded(t, dev, b, func(o model.Ops, data any) model.Tensor {
					return image.Encode(o, model.Pixels{B: b, Size: size, Data: data})
				})
				rows := dev.textRows(text)
				for _, n := range []int{16, 77} {
					b := max(1, rows/n)
					bounded(t, dev, b, func(o model.Ops, data any) model.Tensor {
						return text.Encode(o, model.Tokens{N: b * n, Longest: n, Data: data}, model.Indices{N: b, Data: data})
					})
				}
			})
		}
	}
}

// TestAPassFitsTheAdaptersBuffers looks at all tensors of as many pictures as go together on a fast adapter that binds little.
func TestAPassFitsTheAdaptersBuffers(t *testing.T) {
	dev := adapter(t, Options{})
	form{"hardware", false, shaders.Packed}.device(t, dev)
	limits := dev.limits
	t.Cleanup(func() { dev.limits = limits })
	dev.rate, dev.limits.MaxStorageBufferBindingSize = 1e15, 16<<20
	for name, image := range map[string]model.ImageConfig{
		"ViT-B/16": vit(224, 16, 768, 1),
		"RN50":     {Kind: model.ResNet, Size: 224, Width: 64, Blocks: []int{1, 1, 1, 1}, Heads: 32},
	} {
		tower := model.NewImageTower(&model.Config{EmbedDim: 512, Image: image}, declare)
		b := dev.imageBatch(tower, 500)
		r := &recorder{d: dev}
		if _, err := trace(r, func(r *recorder) model.Tensor {
			return tower.Encode(r, model.Pixels{B: b, Size: image.Size, Data: r.slot(4)})
		}); err != nil {
			t.Fatal(err)
		}
		largest := uint64(0)
		for _, s := range r.slots {
			largest = max(largest, s.size)
			if s.fixed {
				release(s.buffer)
			}
		}
		if b < 2 || largest > 16<<20 || largest < 4<<20 {
			t.Errorf("%s: of %d pictures a tensor has %d bytes", name, b, largest)
		}
	}
}

// bounded holds a pass over b pictures or texts against the bound on dispatches. Its inputs are all the same slot.
func bounded(t *testing.T, dev *Device, b int, forward func(o model.Ops, data any) model.Tensor) {
	t.Helper()
	works, _ := model.Works(func(o model.Ops) model.Tensor { return forward(o, nil) })
	r := &recorder{d: dev}
	defer func() {
		for _, s := range r.slots {
			if s.fixed {
				release(s.buffer)
			}
		}
	}()
	if _, err := trace(r, func(r *recorder) model.Tensor { return forward(r.metered(), r.slot(4)) }); err != nil {
		t.Fatal(err)
	}
	var want, got, pass, largest float64
	otherwise := func(w model.Work) bool { // it is made with less arithmetic than it is defined by
		return dev.info.Software && strings.HasPrefix(w.Op, "attention pool")
	}
	for _, w := range works {
		if !otherwise(w) {
			want += w.FLOP
		}
		largest = max(largest, w.FLOP)
	}
	next := map[*product]uint32{}
	for _, c := range r.commands {
		if c.flop > dev.maxDispatch() {
			t.Errorf("%s of %q in a batch of %d takes %.3g FLOP, at most %.3g", c.kernel.name, c.work.Op, b, c.flop, dev.maxDispatch())
		}
		if !otherwise(c.work) {
			pass += c.flop
			got += c.work.FLOP
		}
		if p := c.product; p != nil {
			if c.uniform[0] != next[p] {
				t.Errorf("%q goes on at row %d, not %d", c.work.Op, c.uniform[0], next[p])
			}
			next[p] = c.uniform[1]
		}
	}
	for p, rows := range next {
		if int(rows) != p.m {
			t.Errorf("of %d rows of a product %d are made", p.m, rows)
		}
	}
	// Fused norms have no command.
	if got > want || got < 0.98*want || pass < got {
		t.Errorf("the operations take %.4g FLOP, the commands %.4g, of which %.4g are counted", want, pass, got)
	}
	if b > 1 && (largest > dev.maxDispatch() || want > dev.maxSubmit()) {
		t.Errorf("%d at once, of which one operation takes %.3g FLOP and all %.3g", b, largest, want)
	}
	t.Logf("batch %d: %d operations, %d dispatches, %.1f GFLOP", b, len(works), len(r.commands), want/1e9)
}
