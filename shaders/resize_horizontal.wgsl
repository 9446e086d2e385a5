// First pass of Pillow's resize (src/libImaging/Resample.c): each source row that the second pass needs, filtered to
// the columns of the crop. Integers throughout, coefficients scaled by 2^22, so that the result equals Pillow's bit
// for bit. Transparency, premultiplied, is laid over white first. An invocation makes one pixel.
struct Params { size: u32, rows: u32, stride: u32 }

@group(0) @binding(0) var source: texture_2d<f32>;
@group(0) @binding(1) var<storage, read> bounds: array<vec2u>;    // [size]: first source column, how many
@group(0) @binding(2) var<storage, read> coefficients: array<i32>; // [size, stride]
@group(0) @binding(3) var<storage, read_write> out: array<u32>;   // [rows, size] RGBA
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.size || id.y >= p.rows) { return; }
  let first = bounds[id.x].x;
  var sum = vec3i(1i << 21u); // rounds
  for (var i = 0u; i < bounds[id.x].y; i++) {
    let texel = vec4u(textureLoad(source, vec2u(first + i, id.y), 0) * 255.0 + 0.5);
    let level = min(texel.rgb + (255u - texel.a), vec3u(255u));
    sum += vec3i(level) * coefficients[id.x * p.stride + i];
  }
  let v = vec3u(clamp(sum >> vec3u(22u), vec3i(0), vec3i(255)));
  out[id.y * p.size + id.x] = v.r | (v.g << 8u) | (v.b << 16u) | 0xff000000u;
}
