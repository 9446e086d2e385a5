//go:build !js

package simd

import "testing"

func TestPeakIsMeasuredAndLeavesNothing(t *testing.T) {
	d := testDevice(t)
	before := len(d.memory.used)
	p, err := d.Peak()
	if err != nil || p.GFLOPS <= 0 || p.GBps <= 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	if after := len(d.memory.used); after != before {
		t.Errorf("%d blocks of memory are in use, before there were %d", after, before)
	}
}
