// out[i, :] = (x[i, :] − mean)/√(variance + eps)·gain + bias, in two passes over the row, so that a large mean does
// not cancel. A workgroup a row; 64 invocations share it through shared memory.
struct Params { rows: u32, cols: u32, c4: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [rows, c4]
@group(0) @binding(1) var<storage, read> gain: array<Halves>;     // [c4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;     // [c4]
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>; // [rows, c4]
@group(0) @binding(4) var<uniform> p: Params;

var<workgroup> partial: array<f32, 64>;

fn sum(v: f32, index: u32) -> f32 {
  partial[index] = v;
  workgroupBarrier();
  for (var n = 32u; n > 0u; n >>= 1u) {
    if (index < n) { partial[index] += partial[index + n]; }
    workgroupBarrier();
  }
  let total = workgroupUniformLoad(&partial[0]);
  return total;
}

// centred is x − mean, and 0 in the padding.
fn centred(at: u32, c: u32, mean: f32) -> vec4f {
  return select(vec4f(), x[at + c] - mean, vec4u(c * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.cols));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) index: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= p.rows) { return; }
  let at = row * p.c4;
  var s = 0.0;
  for (var c = index; c < p.c4; c += 64u) { s += dot(x[at + c], vec4f(1.0)); }
  let mean = sum(s, index) / f32(p.cols);
  s = 0.0;
  for (var c = index; c < p.c4; c += 64u) {
    let d = centred(at, c, mean);
    s += dot(d, d);
  }
  let scale = inverseSqrt(sum(s, index) / f32(p.cols) + p.eps);
  for (var c = index; c < p.c4; c += 64u) {
    out[at + c] = centred(at, c, mean) * scale * widen(gain[c]) + widen(bias[c]);
  }
}
