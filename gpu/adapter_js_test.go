package gpu

// In a browser the tests have an adapter or fail: without one they would pass by doing nothing.
const adapterRequired = true

// triedNatively tells of a tile whether the native tests try it: SwiftShader has the least limits that WebGPU allows there.
func triedNatively(t tile) bool {
	return t != subgroupTile && t.tx*t.ty*t.split <= 256 && t.sharedBytes() <= 16<<10
}
