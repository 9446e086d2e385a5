// out[y, x, :] = the mean of in over the k×k square at (k·y, k·x). An invocation makes 4 channels of one pixel.
struct Params { count: u32, side: u32, out_side: u32, c4: u32, k: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [batch, side, side, c4]
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>; // [batch, out_side, out_side, c4]; count vec4s
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.count) { return; }
  let c = i % p.c4;
  let pixel = i / p.c4;
  let ox = pixel % p.out_side;
  let oy = pixel / p.out_side % p.out_side;
  let map = pixel / (p.out_side * p.out_side);
  var s = vec4f();
  for (var dy = 0u; dy < p.k; dy++) {
    for (var dx = 0u; dx < p.k; dx++) {
      s += x[((map * p.side + oy * p.k + dy) * p.side + ox * p.k + dx) * p.c4 + c];
    }
  }
  out[i] = s / f32(p.k * p.k);
}
