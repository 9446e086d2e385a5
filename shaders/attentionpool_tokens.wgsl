// What a head makes of the tokens: out[b·heads + h] = Σ_t softmax(scores[b·heads + h])[t]·x[b, t]. An invocation makes
// 4 columns.
struct Params { count: u32, heads: u32, tokens: u32, w4: u32 }

@group(0) @binding(0) var<storage, read> scores: array<f32>;      // [batch·heads, tokens]
@group(0) @binding(1) var<storage, read> x: array<vec4f>;         // [batch·tokens, w4]
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>; // [batch·heads, w4]; count vec4s
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.x + id.y * groups.x * 32u;
  if (at >= p.count) { return; }
  let row = at / p.w4;
  let x_at = row / p.heads * p.tokens * p.w4 + at % p.w4;
  var top = scores[row * p.tokens];
  for (var t = 1u; t < p.tokens; t++) { top = max(top, scores[row * p.tokens + t]); }
  var sum = vec4f();
  var total = 0.0;
  for (var t = 0u; t < p.tokens; t++) {
    let weight = exp(scores[row * p.tokens + t] - top);
    total += weight;
    sum += weight * x[x_at + t * p.w4];
  }
  out[at] = sum / total;
}
