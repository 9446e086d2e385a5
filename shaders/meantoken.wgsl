// Puts the mean of each sequence of x before it and adds positions: out[b, 0] = mean(x[b]) + position[0],
// out[b, t] = x[b, t − 1] + position[t]. An invocation makes four values.
struct Params { count: u32, c4: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [batch, n, c4]
@group(0) @binding(1) var<storage, read> position: array<Halves>; // [n + 1, c4]
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>; // [batch, n + 1, c4]; count vec4s
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.count) { return; }
  let c = i % p.c4;
  let token = i / p.c4;
  let b = token / (p.n + 1u);
  let t = token % (p.n + 1u);
  var v = vec4f();
  if (t == 0u) {
    for (var j = 0u; j < p.n; j++) { v += x[(b * p.n + j) * p.c4 + c]; }
    v /= f32(p.n);
  } else {
    v = x[(b * p.n + t - 1u) * p.c4 + c];
  }
  out[i] = v + widen(position[t * p.c4 + c]);
}
