// The score of a token for a head: out[b·heads + h, t] = asking[b·heads + h] · x[b, t]. An invocation makes one.
struct Params { count: u32, heads: u32, tokens: u32, w4: u32 }

@group(0) @binding(0) var<storage, read> asking: array<vec4f>;  // [batch·heads, w4]
@group(0) @binding(1) var<storage, read> x: array<vec4f>;       // [batch·tokens, w4]
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // [batch·heads, tokens]; count of them
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.x + id.y * groups.x * 32u;
  if (at >= p.count) { return; }
  let row = at / p.tokens;
  let x_at = (row / p.heads * p.tokens + at % p.tokens) * p.w4;
  var sum = vec4f();
  for (var c = 0u; c < p.w4; c++) { sum += asking[row * p.w4 + c] * x[x_at + c]; }
  out[at] = dot(sum, vec4f(1.0));
}
