// Second pass of Pillow's resize, over the rows that the first pass left: see resize_horizontal.wgsl.
struct Params { size: u32, stride: u32, first: u32 } // first: pixel of out

@group(0) @binding(0) var<storage, read> x: array<u32>;           // [rows, size] RGBA
@group(0) @binding(1) var<storage, read> bounds: array<vec2u>;    // [size]: first row of x, how many
@group(0) @binding(2) var<storage, read> coefficients: array<i32>; // [size, stride]
@group(0) @binding(3) var<storage, read_write> out: array<u32>;   // [pictures, size, size] RGBA
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.size || id.y >= p.size) { return; }
  let first = bounds[id.y].x;
  var sum = vec3i(1i << 21u); // rounds
  for (var i = 0u; i < bounds[id.y].y; i++) {
    let px = x[(first + i) * p.size + id.x];
    sum += vec3i(vec3u(px, px >> 8u, px >> 16u) & vec3u(255u)) * coefficients[id.y * p.stride + i];
  }
  let v = vec3u(clamp(sum >> vec3u(22u), vec3i(0), vec3i(255)));
  out[p.first + id.y * p.size + id.x] = v.r | (v.g << 8u) | (v.b << 16u) | 0xff000000u;
}
