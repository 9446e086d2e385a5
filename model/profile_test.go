package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/clipside/clipside/cpu"
	"github.com/clipside/clipside/internal/golden"
	"github.com/clipside/clipside/model"
)

func TestProfileCountsTheWorkOfAnEncoder(t *testing.T) {
	s := golden.Read(t, "..", golden.Dirs[0])
	device := cpu.New()
	clip := s.Load(t, device)
	c := clip.Config.Text
	var p model.Profile
	device.SetProfile(&p)
	if _, err := clip.EmbedTexts(t.Context(), []string{"a photo of a cat."}, nil); err != nil {
		t.Fatal(err)
	}
	var matmuls int
	var flop float64
	for _, op := range p.Table() {
		if strings.HasPrefix(op.Op, "matmul") {
			matmuls += op.Runs
			flop += op.FLOP * float64(op.Runs)
		}
		if op.Runs < 1 || op.Bytes <= 0 {
			t.Errorf("%+v", op)
		}
	}
	// Four products a layer, and the projection.
	if want := 4*c.Layers + 1; matmuls != want {
		t.Errorf("%d matrix products, want %d", matmuls, want)
	}
	// Every weight takes part once for each token, at most, and for one token at least.
	weights := float64(c.Layers)*float64(4*c.Width*c.Width+2*c.Width*c.MLP) + float64(c.Width*clip.Config.EmbedDim)
	if flop < 2*weights || flop > 2*weights*float64(c.Context) {
		t.Errorf("%.0f operations for %.0f weights", flop, weights)
	}

	p.Reset()
	device.SetProfile(nil)
	if _, err := clip.EmbedTexts(t.Context(), []string{"a photo of a dog."}, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(p.Table()); n != 0 {
		t.Errorf("%d operations were timed without a profile", n)
	}
}

func TestProfileAddsUp(t *testing.T) {
	var p model.Profile
	w := model.Work{Op: "product", FLOP: 2e9, Bytes: 1e9}
	p.Add(w, 500*time.Millisecond)
	p.Add(w.Rest(), 500*time.Millisecond)
	p.Add(w, time.Second)
	p.Add(model.Work{Op: "rows", Bytes: 4}, 3*time.Second)
	table := p.Table()
	if len(table) != 2 || table[0].Op != "rows" || table[1].Runs != 2 || table[1].Time != 2*time.Second {
		t.Fatalf("%+v", table)
	}
	if g, b := table[1].GFLOPS(), table[1].GBps(); g != 2 || b != 1 {
		t.Errorf("%v GFLOPS, %v GB/s", g, b)
	}
	if bound := (model.Peak{GFLOPS: 8, GBps: 10}).Share(table[1]); bound != 0.25 {
		t.Errorf("bound by arithmetic: a share of %v of the peak", bound)
	}
	if bound := (model.Peak{GFLOPS: 8, GBps: 2}).Share(table[1]); bound != 0.5 {
		t.Errorf("bound by memory: a share of %v of the peak", bound)
	}
}
