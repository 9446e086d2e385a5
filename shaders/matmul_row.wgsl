// The matrix product of matmul.wgsl for a few rows, as those that a transformer's last layer is computed for: nothing
// is shared between rows, so the weights are read straight from memory.
//
// A workgroup makes 8 columns of one row. Eight invocations share a column: they read its weights side by side and add
// up through shared memory. With SUBGROUPS it makes 16 columns, four invocations a column, which add up among
// themselves: subgroups are of four invocations at least. Traffic: the weights once a row.
// Consts: ACT, BIAS, RESIDUAL, NORM, MOMENTS, SUBGROUPS.
const LANES = 8u - 4u * SUBGROUPS;
const COLUMNS = 64u / LANES;

struct Params {
  first: u32, m: u32, n: u32, k4: u32, n_padded: u32, // rows first to m - 1 are made
  cols: u32, block: u32, eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<Halves>;
@group(0) @binding(2) var<storage, read> bias: array<Halves>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read> gain: array<Halves>;
@group(0) @binding(5) var<storage, read> shift: array<Halves>;
@group(0) @binding(6) var<storage, read_write> moments: array<vec2f>; // MOMENTS: [m, ⌈n/COLUMNS⌉]
@group(0) @binding(7) var<storage, read_write> out: array<f32>;
@group(0) @binding(8) var<uniform> p: Params;

#if !SUBGROUPS
var<workgroup> sums: array<f32, 64>; // [column, lane]
#end
var<workgroup> outs: array<f32, COLUMNS>;
var<workgroup> norm: vec2f;

fn norm_of(row: u32) -> vec2f {
  let blocks = (p.cols + p.block - 1u) / p.block;
  var all = vec2f();
  for (var b = 0u; b < blocks; b++) {
    let na = f32(b * p.block);
    let nb = f32(min(p.block, p.cols - b * p.block));
    let part = moments[row * blocks + b];
    let d = part.x - all.x;
    all = vec2f(all.x + d * nb / (na + nb), all.y + part.y + d * d * na * nb / (na + nb));
  }
  return vec2f(all.x, inverseSqrt(all.y / f32(p.cols) + p.eps));
}

@compute @workgroup_size(64)
fn main(
#if SUBGROUPS
  @builtin(subgroup_invocation_id) member: u32,
#end
  @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32
) {
  let row = p.first + group.y;
#if SUBGROUPS
  // Who shares a subgroup is told by the hardware, not by index.
  let lane = member % LANES;
  let column = (subgroupMin(index) + member) / LANES;
#end
#if !SUBGROUPS
  let lane = index % LANES;
  let column = index / LANES;
#end
  let col = group.x * COLUMNS + column;
  if (NORM == 1u) {
    if (index == 0u) { norm = norm_of(row); }
    workgroupBarrier();
  }
  var sum = 0.0;
  if (col < p.n) {
    for (var k = lane; k < p.k4; k += LANES) {
      var a = x[row * p.k4 + k];
      if (NORM == 1u) { a = (a - norm.x) * norm.y * widen(gain[k]) + widen(shift[k]); }
      sum += dot(a, widen(w[col * p.k4 + k]));
    }
  }
#if SUBGROUPS
  sum += subgroupShuffleXor(sum, 1u);
  sum += subgroupShuffleXor(sum, 2u);
#end
#if !SUBGROUPS
  sums[index] = sum;
  workgroupBarrier();
#end
  if (lane == 0u) {
    var v = 0.0;
    if (col < p.n) {
#if SUBGROUPS
      v = sum;
#end
#if !SUBGROUPS
      for (var i = 0u; i < LANES; i++) { v += sums[index + i]; }
#end
      if (BIAS == 1u) { v += widen(bias[col / 4u])[col % 4u]; }
      if (RESIDUAL == 1u) { v += residual[row * p.n_padded + col]; }
      v = activate(v);
    }
    if (col < p.n_padded) { out[row * p.n_padded + col] = v; }
    outs[column] = v;
  }
  if (MOMENTS == 1u) {
    workgroupBarrier();
    if (index == 0u) {
      let n = min(p.n - group.x * COLUMNS, COLUMNS);
      var mean = 0.0;
      for (var i = 0u; i < n; i++) { mean += outs[i]; }
      mean /= f32(n);
      var squares = 0.0;
      for (var i = 0u; i < n; i++) { squares += (outs[i] - mean) * (outs[i] - mean); }
      moments[row * ((p.n + COLUMNS - 1u) / COLUMNS) + group.x] = vec2f(mean, squares);
    }
  }
}
