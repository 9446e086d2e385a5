// The matrix product of matmul.wgsl for a few rows, as those that a transformer's last layer is computed for: nothing
// is shared between rows, so the weights are read straight from memory.
//
// A workgroup makes 8 columns of one row. 32 invocations share a column: they read its weights side by side, four vec4s
// at once so as not to wait for each, and add up through shared memory; with SUBGROUPS four of them do so among
// themselves before, subgroups being of four invocations at least. Traffic: the weights once a row.
// A row that is layer-normalised (NORM) is measured by every workgroup anew, in two passes, so that a large mean does not
// cancel: it is short, and in cache.
// Consts: ACT, BIAS, RESIDUAL, NORM, SUBGROUPS.
const LANES = 32u;
const COLUMNS = 256u / LANES;
const SUMS = LANES / (1u + 3u * SUBGROUPS); // of a column, in shared memory

struct Params {
  first: u32, m: u32, n: u32, k4: u32, n_padded: u32, // rows first to m - 1 are made
  cols: u32, block: u32, eps: f32, // of x; not used; NORM
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;        // [m, k4]
@group(0) @binding(1) var<storage, read> w: array<Halves>;       // [n, k4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;    // [n_padded/4]
@group(0) @binding(3) var<storage, read> residual: array<f32>;   // [m, n_padded]
@group(0) @binding(4) var<storage, read> gain: array<Halves>;    // NORM: [k4]
@group(0) @binding(5) var<storage, read> shift: array<Halves>;   // NORM: [k4]
@group(0) @binding(7) var<storage, read_write> out: array<f32>;  // [m, n_padded]
@group(0) @binding(8) var<uniform> p: Params;

var<workgroup> sums: array<f32, 256>;

// total adds up what all invocations have.
fn total(index: u32, mine: f32) -> f32 {
  workgroupBarrier();
  sums[index] = mine;
  workgroupBarrier();
  if (index < 16u) {
    var s = 0.0;
    for (var i = index; i < 256u; i += 16u) { s += sums[i]; }
    sums[index] = s;
  }
  workgroupBarrier();
  var s = 0.0;
  for (var i = 0u; i < 16u; i++) { s += sums[i]; }
  return s;
}

// centred is x − mean, and 0 in the padding.
fn centred(at: u32, k: u32, mean: f32) -> vec4f {
  return select(vec4f(), x[at + k] - mean, vec4u(k * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.cols));
}

@compute @workgroup_size(256)
fn main(
#if SUBGROUPS
  @builtin(subgroup_invocation_id) member: u32,
#end
  @builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32
) {
#if SUBGROUPS
  // Who shares a subgroup is told by the hardware, not by the invocation's index.
  let index = subgroupMin(invocation) + member;
#end
#if !SUBGROUPS
  let index = invocation;
#end
  let x_at = (p.first + group.y) * p.k4;
  let lane = index % LANES;
  let w_at = min(group.x * COLUMNS + index / LANES, p.n - 1u) * p.k4; // what is made beyond the edge is dropped
#if NORM
  var part = 0.0;
  for (var k = index; k < p.k4; k += 256u) { part += dot(x[x_at + k], vec4f(1.0)); }
  let mean = total(index, part) / f32(p.cols);
  part = 0.0;
  for (var k = index; k < p.k4; k += 256u) {
    let d = centred(x_at, k, mean);
    part += dot(d, d);
  }
  let scale = inverseSqrt(total(index, part) / f32(p.cols) + p.eps);
#end
  var sum = 0.0;
  for (var first = lane; first < p.k4; first += 4u * LANES) {
#for u 4
    let k$u = min(first + $uu * LANES, p.k4 - 1u);
    let w$u = w[w_at + k$u];
#if NORM
    let x$u = centred(x_at, k$u, mean) * scale * widen(gain[k$u]) + widen(shift[k$u]);
#end
#if !NORM
    let x$u = x[x_at + k$u];
#end
#end
#for u 4
    sum += select(0.0, dot(x$u, widen(w$u)), first + $uu * LANES < p.k4);
#end
  }
#if SUBGROUPS
  sum += subgroupShuffleXor(sum, 1u);
  sum += subgroupShuffleXor(sum, 2u);
#end
  workgroupBarrier();
#if SUBGROUPS
  if (index % 4u == 0u) { sums[index / 4u] = sum; }
#end
#if !SUBGROUPS
  sums[index] = sum;
#end
  workgroupBarrier();
  let col = group.x * COLUMNS + invocation;
  if (invocation < COLUMNS && col < p.n_padded) {
    var v = 0.0;
    if (col < p.n) {
      for (var i = 0u; i < SUMS; i++) { v += sums[invocation * SUMS + i]; }
      if (BIAS == 1u) { v += widen(bias[col / 4u])[col % 4u]; }
      if (RESIDUAL == 1u) { v += residual[(p.first + group.y) * p.n_padded + col]; }
      v = activate(v);
    }
    out[(p.first + group.y) * p.n_padded + col] = v;
  }
}
