//go:build !js

package simd

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/clipside/clipside/preprocess"
)

// reading reads a picture as readStrips of site/clipside/strips.js does: fill puts the rows [y0, y1) at an address.
func reading(fill func(at uint32, y0, y1 int) error) func(p *resizing) error {
	return func(p *resizing) error {
		end := p.window.Y + p.window.Height
		for i := range p.count {
			y0 := p.window.Y + i*p.rows
			if err := fill(p.buffers[i%2], y0, min(y0+p.rows, end)); err != nil {
				return err
			}
			if err := p.d.m.offer(p.command(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestResizeEqualsItsTwin asks for equal bytes: both do Pillow's integer arithmetic.
func TestResizeEqualsItsTwin(t *testing.T) {
	d := testDevice(t)
	rng := rand.New(rand.NewPCG(5, 5))
	type shape struct{ width, height, size int }
	shapes := []shape{
		{1, 1, 1}, {1, 1, 7}, {64, 64, 64}, {65, 64, 64}, {300, 200, 64}, {200, 301, 64}, {20, 33, 96}, {1, 500, 32}, {700, 3, 32},
		{1001, 17, 33}, {640, 480, 224}, {5000, 900, 5}, {900, 3000, 224}, {700, 700, 1}, {1, preprocess.MaxSide, 3}, {preprocess.MaxSide, 2, 3},
	}
	for range 40 {
		shapes = append(shapes, shape{1 + rng.IntN(400), 1 + rng.IntN(400), 1 + rng.IntN(120)})
	}
	for i, s := range shapes {
		alpha := preprocess.Alpha(i % 3)
		t.Run(fmt.Sprintf("%d×%d to %d, alpha %d", s.width, s.height, s.size, alpha), func(t *testing.T) {
			img := preprocess.NewImage(s.width, s.height)
			for i := range img.Pix {
				img.Pix[i] = byte(rng.IntN(256))
				if rng.IntN(4) == 0 {
					img.Pix[i] |= 255 // samples at the end of their range, and whole vectors without transparency
				}
			}
			plan, err := preprocess.NewPlan(s.width, s.height, s.size)
			if err != nil {
				t.Fatal(err)
			}
			next := plan.Window.Y
			got, err := d.resize(plan, alpha, reading(func(at uint32, y0, y1 int) error {
				if y0 != next || y1 <= y0 {
					t.Errorf("rows %d to %d are asked for, want those from %d on", y0, y1, next)
				}
				for next = y0; next < y1; next++ {
					row := img.Pix[next*img.Stride+4*plan.Window.X:][:4*plan.Window.Width]
					d.m.write(at, row)
					at += uint32(len(row))
				}
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			if next != plan.Window.Y+plan.Window.Height {
				t.Errorf("row %d is not asked for, window is %+v", next, plan.Window)
			}
			switch alpha {
			case preprocess.Straight:
				preprocess.OverWhite(img.Pix)
			case preprocess.Premultiplied:
				preprocess.PremultipliedOverWhite(img.Pix)
			}
			want, err := plan.Run(img)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("byte %d of %d is %d, want %d", i, len(want), got[i], want[i])
					}
				}
			}
		})
	}
}

func TestOverWhiteOfEveryLevel(t *testing.T) {
	d := testDevice(t)
	img := preprocess.NewImage(256, 256)
	for i := range 256 * 256 {
		c, a := byte(i), byte(i>>8)
		copy(img.Pix[4*i:], []byte{c, 255 - c, c / 2, a})
	}
	plan, err := preprocess.NewPlan(256, 256, 256)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.resize(plan, preprocess.Straight, reading(func(at uint32, y0, y1 int) error {
		d.m.write(at, img.Pix[y0*img.Stride:y1*img.Stride])
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	preprocess.OverWhite(img.Pix)
	if !bytes.Equal(got, img.Pix) {
		t.Error("not as preprocess.OverWhite has it")
	}
}

func TestResizeReportsTheSourcesError(t *testing.T) {
	d := testDevice(t)
	plan, err := preprocess.NewPlan(4, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	lost := errors.New("lost")
	if _, err := d.resize(plan, preprocess.Opaque, reading(func(uint32, int, int) error { return lost })); !errors.Is(err, lost) {
		t.Errorf("error %v, want %v", err, lost)
	}
}

// Recordings are kept for the next pictures of their sizes, also where two calls are under way.
func TestResizingTakesNoMoreMemoryEachTime(t *testing.T) {
	d := testDevice(t)
	var used []int
	for range 3 {
		for width := range 2 * maxResizes {
			plan, err := preprocess.NewPlan(20+width, 40, 16)
			if err != nil {
				t.Fatal(err)
			}
			write := reading(func(at uint32, y0, y1 int) error {
				d.m.write(at, make([]byte, 4*plan.Window.Width*(y1-y0)))
				return nil
			})
			_, err = d.resize(plan, preprocess.Straight, func(p *resizing) error {
				d.mu.Unlock() // for another call, while this one is under way
				defer d.mu.Lock()
				if _, err := d.resize(plan, preprocess.Straight, write); err != nil {
					return err
				}
				return write(p)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		used = append(used, len(d.memory.used))
	}
	if used[0] != used[1] || used[1] != used[2] {
		t.Errorf("%d blocks of memory are in use after the first round, %d and %d after others", used[0], used[1], used[2])
	}
}
