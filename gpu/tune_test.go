//go:build js || cgo

package gpu

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipside/clipside/internal/recording"
	"github.com/clipside/clipside/model"
)

// towers are small ones, without weights.
func towers(t *testing.T, d *Device) (*model.ImageTower, *model.TextTower) {
	t.Helper()
	c := &model.Config{
		EmbedDim: 32,
		Image:    model.ImageConfig{Kind: model.ViT, Size: 32, Patch: 8, Width: 64, Layers: 2, Heads: 2, MLP: 128, Eps: 1e-5, Activation: model.GELU},
		Text:     model.TextConfig{Vocab: 50, Context: 16, Width: 48, Layers: 2, Heads: 2, MLP: 96, Eps: 1e-5, Activation: model.GELU},
	}
	declare := func(name string, shape ...int) *model.Param {
		p, err := d.NewParam(name, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return model.NewImageTower(c, declare), model.NewTextTower(c, declare)
}

func TestTuningMeasuresEveryProductOnceAndIsKept(t *testing.T) {
	dev := adapter(t, Options{})
	form{software: false, store: dev.store}.device(t, dev)
	dev.only = nil
	// Two tiles of few invocations are left: others would take half a minute to compile here.
	dev.limits.MaxComputeInvocationsPerWorkgroup, dev.limits.MaxComputeWorkgroupStorageSize = 128, 11<<10
	image, text := towers(t, dev)
	weights := len(dev.weights)
	// One that is known already, and what an older version may have left.
	const known = "17×192×64 16×16×32÷2\n17×64×64 8×8\nnonsense"
	if err := dev.Tune(t.Context(), image, text, known); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(dev.Tuning(), "\n")
	// Patches, then per tower: queries, keys and values; out; fc1; fc2.
	if len(got) != 1+4+4 {
		t.Errorf("%d products are tuned, want 9:\n%s", len(got), dev.Tuning())
	}
	if again := parseTuning(dev.Tuning()); len(again) != len(got) {
		t.Errorf("of %d lines %d can be read again", len(got), len(again))
	}
	if t17 := dev.tuned[shape{17, 192, 64, false}]; t17 != (tuning{tile{8, 8, 2, 2, 8, 2}, 0}) {
		t.Errorf("a product known before was measured again: %v", t17)
	}
	rates := parseTuning(strings.ReplaceAll(dev.Tuning(), " 0\n", " 7000\n"))
	if len(rates) != len(got) || rates[shape{17, 192, 64, false}].gflops != 7000 {
		t.Errorf("the rates are not kept:\n%s", dev.Tuning())
	}
	if len(dev.weights) != weights {
		t.Errorf("%d weights are left of measuring", len(dev.weights)-weights)
	}
}

// TestACoarseClockTellsNothing: what it cannot tell apart is neither a tile nor a rate, which would bound nothing any more.
func TestACoarseClockTellsNothing(t *testing.T) {
	dev := adapter(t, Options{})
	form{software: false, store: dev.store}.device(t, dev)
	dev.only = nil
	dev.limits.MaxComputeInvocationsPerWorkgroup, dev.limits.MaxComputeWorkgroupStorageSize = 128, 11<<10
	const tick = 100 * time.Millisecond
	image, _ := towers(t, dev)
	before := dev.rate
	for _, s := range dev.shapes(image, nil)[:2] {
		got, err := dev.fastest(t.Context(), s, tick)
		if err != nil || got != (tuning{tile: dev.guess(s)}) {
			t.Errorf("%s: %+v, %v; want the likely tile %s", s, got, err, dev.guess(s))
		}
	}
	if dev.rate != before {
		t.Errorf("the rate is %g", dev.rate)
	}
}

// TestLargeProductsAreNotMeasured: each tile has an input of its own, and memory may not be there for all.
func TestLargeProductsAreNotMeasured(t *testing.T) {
	dev := adapter(t, Options{})
	form{software: false, store: dev.store}.device(t, dev)
	dev.only = nil
	most := tuningBytes
	t.Cleanup(func() { tuningBytes = most })
	tuningBytes = 1000
	image, _ := towers(t, dev)
	if err := dev.Tune(t.Context(), image, nil, ""); err != nil {
		t.Fatal(err)
	}
	if len(dev.tuned) == 0 {
		t.Error("there are no products")
	}
	for s, got := range dev.tuned {
		if want := (tuning{tile: dev.guess(s)}); got != want {
			t.Errorf("%s: %+v, want the likely tile, with no rate, %+v", s, got, want)
		}
	}
}

func TestWhatAnAdapterRefusesIsNotChosen(t *testing.T) {
	dev := adapter(t, Options{})
	form{software: false, store: dev.store}.device(t, dev)
	dev.only = nil
	s := shape{50, 3072, 768, false}
	likely := dev.guess(s)
	dev.refused = []tile{likely}
	if dev.guess(s) == likely || slices.Contains(dev.choices(s), likely) {
		t.Errorf("%s is chosen of %v", dev.guess(s), dev.choices(s))
	}
}

func TestARateThatNoAdapterHasIsMeasuredAnew(t *testing.T) {
	if tuned := parseTuning("17×64×64 16×16×32÷2 9223372036854775807\n17×192×64 16×16×32÷2 7000"); len(tuned) != 1 {
		t.Errorf("%v", tuned)
	}
}

func TestClockTick(t *testing.T) {
	exact := now
	t.Cleanup(func() { now = exact })
	now = func() time.Duration { return exact().Truncate(3 * time.Millisecond) }
	if tick := clockTick(); tick <= 0 || tick%(3*time.Millisecond) != 0 {
		t.Errorf("%v, of a clock that goes by 3 ms", tick)
	}
}

func TestATransformerLayerIsFiveDispatches(t *testing.T) {
	dev := adapter(t, Options{})
	form{software: false, store: dev.store}.device(t, dev)
	image, text := towers(t, dev)
	count := func(layers int, build func(r *recorder) model.Tensor) int {
		p, err := dev.record(build)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Release()
		return len(p.commands)
	}
	pictures := count(2, func(r *recorder) model.Tensor {
		return image.Encode(r, model.Pixels{B: 1, Size: 32, Data: r.fixed("pixels", 4*32*32)})
	})
	// Patches, their product, class token, two norms (the first layer's own), 2 layers of 5 and the last one's two
	// picks of rows, projection, normalize.
	if want := 3 + 2 + 2*5 + 2 + 2; pictures != want {
		t.Errorf("a picture takes %d dispatches, want %d", pictures, want)
	}
	texts := count(2, func(r *recorder) model.Tensor {
		return text.Encode(r, model.Tokens{N: 16, Longest: 16, Data: r.slot(recording.TokenBytes * 16)}, r.Index([]uint32{15}))
	})
	if want := 1 + 1 + 2*5 + 2 + 2; texts != want {
		t.Errorf("a text takes %d dispatches, want %d", texts, want)
	}
}

func TestPeakIsMeasured(t *testing.T) {
	p, err := adapter(t, Options{}).Peak()
	if err != nil || p.GFLOPS <= 0 || p.GBps <= 0 {
		t.Errorf("%+v, %v", p, err)
	}
}
