// The heads' answers: out[b, h·d + i] = V[h·d + i] · mixed[b·heads + h] + bias[h·d + i], the rows of V being the weights' second
// half. An invocation makes 4 columns, of one head. Traffic: V once a picture.
struct Params { count: u32, heads: u32, d4: u32, w4: u32 }

@group(0) @binding(0) var<storage, read> mixed: array<vec4f>;     // [batch·heads, w4]
@group(0) @binding(1) var<storage, read> w: array<Halves>;        // K, then V: [2·4·w4, w4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;     // K's, then V's: [2·w4]
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>; // [batch, w4]; count vec4s
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.x + id.y * groups.x * 32u;
  if (at >= p.count) { return; }
  let column = at % p.w4;
  let x_at = (at / p.w4 * p.heads + column / p.d4) * p.w4;
#for r 4
  let w$r = ((p.w4 + column) * 4u + $ru) * p.w4;
  var sum$r = vec4f();
#end
  for (var c = 0u; c < p.w4; c++) {
    let v = mixed[x_at + c];
#for r 4
    sum$r += v * widen(w[w$r + c]);
#end
  }
  out[at] = vec4f(dot(sum0, vec4f(1.0)), dot(sum1, vec4f(1.0)), dot(sum2, vec4f(1.0)), dot(sum3, vec4f(1.0))) + widen(bias[p.w4 + column]);
}
