// Layer norm with an invocation a row and no barriers: for software adapters. See layernorm.wgsl.
struct Params { rows: u32, cols: u32, c4: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [rows, c4]
@group(0) @binding(1) var<storage, read> gain: array<Halves>;     // [c4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;     // [c4]
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>; // [rows, c4]
@group(0) @binding(4) var<uniform> p: Params;

// centred is x − mean, and 0 in the padding.
fn centred(at: u32, c: u32, mean: f32) -> vec4f {
  return select(vec4f(), x[at + c] - mean, vec4u(c * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.cols));
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.x + id.y * groups.x * 8u;
  if (row >= p.rows) { return; }
  let at = row * p.c4;
  var s = vec4f();
  for (var c = 0u; c < p.c4; c++) { s += x[at + c]; }
  let mean = dot(s, vec4f(1.0)) / f32(p.cols);
  s = vec4f();
  for (var c = 0u; c < p.c4; c++) {
    let d = centred(at, c, mean);
    s += d * d;
  }
  let scale = inverseSqrt(dot(s, vec4f(1.0)) / f32(p.cols) + p.eps);
  for (var c = 0u; c < p.c4; c++) {
    out[at + c] = centred(at, c, mean) * scale * widen(gain[c]) + widen(bias[c]);
  }
}
