// Cuts pictures into patches and normalises: out[patch, (row·P + column)·3 + channel] = (level/255 − mean)/std.
// An invocation makes four consecutive values.
struct Params {
  count: u32, size: u32, side: u32, grid: u32, // count vec4s of out; picture, patch and grid sides
  cols: u32, c4: u32,                          // values and vec4s a patch
  scale: vec4f, shift: vec4f,                  // per channel: level·scale + shift
}

@group(0) @binding(0) var<storage, read> px: array<u32>;          // [batch, size, size], RGBA from the low byte up
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>; // [batch·grid², c4]
@group(0) @binding(2) var<uniform> p: Params;

fn value(patch_index: u32, i: u32) -> f32 {
  if (i >= p.cols) { return 0.0; }
  let channel = i % 3u;
  let inside = i / 3u;
  let b = patch_index / (p.grid * p.grid);
  let y = patch_index / p.grid % p.grid * p.side + inside / p.side;
  let x = patch_index % p.grid * p.side + inside % p.side;
  let level = (px[(b * p.size + y) * p.size + x] >> (channel * 8u)) & 255u;
  return f32(level) * p.scale[channel] + p.shift[channel];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.count) { return; }
  let at = i / p.c4;
  let c = i % p.c4 * 4u;
  out[i] = vec4f(value(at, c), value(at, c + 1u), value(at, c + 2u), value(at, c + 3u));
}
