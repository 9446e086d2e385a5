// What an attention pool's heads ask of tokens as they are: out[b·heads + h] = scale·Σ_i q[b, h·d + i]·K[h·d + i], the rows
// of K being weights. The first of four kernels for software adapters; see gpu/attentionpool.go.
//
// An invocation makes 4 columns of a head's row. Traffic: K once a picture.
struct Params { count: u32, heads: u32, d: u32, w4: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> q: array<f32>;           // [batch, 4·w4]
@group(0) @binding(1) var<storage, read> w: array<Halves>;        // K: [heads·d, w4]
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>; // [batch·heads, w4]; count vec4s
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.x + id.y * groups.x * 32u;
  if (at >= p.count) { return; }
  let row = at / p.w4;
  let first = row % p.heads * p.d;
  let q_at = row / p.heads * p.w4 * 4u + first;
  let w_at = first * p.w4 + at % p.w4;
  var sum = vec4f();
  for (var i = 0u; i < p.d; i++) { sum += q[q_at + i] * widen(w[w_at + i * p.w4]); }
  out[at] = sum * p.scale;
}
