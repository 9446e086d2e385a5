// out[i, j] = act(Σ_k x[i, k]·w[j, k] + bias[j] + residual[i, j]), with x as it is, or layer-normalised (NORM), or the
// pixels under a convolution's taps (CONV: an implicit matrix product whose rows are the pixels of out).
//
// Tiling: a workgroup of 8×8×SPLIT invocations makes an (8·RM)×(8·RN) block of out, RM×RN an invocation, walking K by
// 4·STEP through shared memory. x and w are both contiguous along K, so everything moves as vec4 and the inner product
// is dot(). Rows of a shared tile are one vec4 apart more than they are long, so that eight invocations reading eight
// rows hit different banks. With SPLIT, slices of the workgroup take turns at the steps of K and add up at the end:
// for products of so few blocks that they would leave most of a GPU idle.
// Traffic: x is read n/(8·RN) times, w m/(8·RM) times; RM + RN shared loads for 4·RM·RN multiply-adds.
//
// Layer norm costs no pass of its own. A product that writes a normed tensor leaves with it the mean and the sum of
// squared deviations of each row's columns in this block (MOMENTS); the product that reads the tensor combines them
// (Chan, Golub & LeVeque 1979), which is as exact as two passes over the row.
// Consts: ACT, BIAS, RESIDUAL, NORM, MOMENTS, CONV, RM, RN, STEP, SPLIT, and SLICED, which is 1 if SPLIT is more than 1.
const TILE_M = 8u * RM;
const TILE_N = 8u * RN;
const PITCH = STEP + 1u;
const AREA = (TILE_M + TILE_N) * PITCH;
const TILES = SPLIT * AREA;
// Of workgroup memory there is little, so one array serves the slices' sums and then the moments.
const OUTS = RM * RN;
const SCRATCH = SLICED * 64u * RM * RN + (1u - SLICED) * MOMENTS * 16u * TILE_M + 1u;

struct Params {
  first: u32, m: u32, n: u32, k4: u32, n_padded: u32, // rows first to m - 1 are made
  cols: u32, block: u32, eps: f32, // NORM: of a row of x; columns that one of its moments is of
  side: u32, out_side: u32, in4: u32, taps: u32, stride: u32, pad: u32, // CONV; taps of a side
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;              // [m, k4]; CONV: [batch, side, side, in4]
@group(0) @binding(1) var<storage, read> w: array<Halves>;             // [n, k4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;          // [n_padded/4]
@group(0) @binding(3) var<storage, read> residual: array<f32>;         // [m, n_padded]
@group(0) @binding(4) var<storage, read> gain: array<Halves>;          // NORM: [k4]
@group(0) @binding(5) var<storage, read> shift: array<Halves>;         // NORM: [k4]
@group(0) @binding(6) var<storage, read_write> moments: array<vec2f>;  // NORM: [m, ⌈cols/block⌉]; MOMENTS: [m, ⌈n/TILE_N⌉]
@group(0) @binding(7) var<storage, read_write> out: array<f32>;        // [m, n_padded]
@group(0) @binding(8) var<uniform> p: Params;

var<workgroup> tiles: array<vec4f, TILES>; // a slice's rows of x, then its rows of w
var<workgroup> norms: array<vec2f, TILE_M>;       // of each row of x: mean, 1/√(variance + eps)
var<workgroup> scratch: array<f32, SCRATCH>;      // [64, RM, RN]: what a slice hands to the first; then
                                                  // [TILE_M, 8, 2]: moments of an invocation's columns

// merge combines the moments (mean, squared deviations) of na and nb values.
fn merge(a: vec2f, na: f32, b: vec2f, nb: f32) -> vec2f {
  if (nb == 0.0) { return a; }
  let d = b.x - a.x;
  return vec2f(a.x + d * nb / (na + nb), a.y + b.y + d * d * na * nb / (na + nb));
}

fn norm_of(row: u32) -> vec2f {
  let blocks = (p.cols + p.block - 1u) / p.block;
  var all = vec2f();
  for (var b = 0u; b < blocks; b++) {
    let start = b * p.block;
    all = merge(all, f32(start), moments[row * blocks + b], f32(min(p.block, p.cols - start)));
  }
  return vec2f(all.x, inverseSqrt(all.y / f32(p.cols) + p.eps));
}

// operand is x[row, 4k…4k+3].
fn operand(row: u32, k: u32) -> vec4f {
#if !CONV
  return x[row * p.k4 + k];
#end
#if CONV
  let pixel = row % (p.out_side * p.out_side);
  let tap = k / p.in4;
  let yy = i32(pixel / p.out_side * p.stride + tap / p.taps) - i32(p.pad);
  let xx = i32(pixel % p.out_side * p.stride + tap % p.taps) - i32(p.pad);
  if (yy < 0 || yy >= i32(p.side) || xx < 0 || xx >= i32(p.side)) { return vec4f(); }
  let map = row / (p.out_side * p.out_side);
  return x[((map * p.side + u32(yy)) * p.side + u32(xx)) * p.in4 + k % p.in4];
#end
}

// finish stores an output and returns it.
fn finish(row: u32, col: u32, sum: f32) -> f32 {
  if (row >= p.m || col >= p.n_padded) { return 0.0; }
  var v = 0.0;
  if (col < p.n) {
    v = sum;
    if (BIAS == 1u) { v += widen(bias[col / 4u])[col % 4u]; }
    if (RESIDUAL == 1u) { v += residual[row * p.n_padded + col]; }
    v = activate(v);
  }
  out[row * p.n_padded + col] = v;
  return v;
}

// columns is how many of the columns from col0 + lane on, eight apart, are within the matrix.
fn columns(col0: u32, lane: u32) -> u32 {
  return min((max(p.n, col0 + lane) - col0 - lane + 7u) / 8u, RN);
}

@compute @workgroup_size(8, 8, SPLIT)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row0 = p.first + group.y * TILE_M;
  let col0 = group.x * TILE_N;
  let index = local.y * 8u + local.x;
  let area = local.z * AREA;
  // acc{i}_{j} is out[row0 + local.y + 8i, col0 + local.x + 8j].
#for i RM
#for j RN
  var acc$i_$j = 0.0;
#end
#end

#if NORM
  for (var r = local.z * 64u + index; r < TILE_M; r += 64u * SPLIT) { norms[r] = norm_of(min(row0 + r, p.m - 1u)); }
  workgroupBarrier();
#end
  for (var first = 0u; first < p.k4; first += STEP * SPLIT) {
    let k = first + local.z * STEP;
    for (var i = index; i < TILE_M * STEP; i += 64u) {
      let r = i / STEP;
      let c = i % STEP;
      var v = vec4f();
      if (k + c < p.k4 && row0 + r < p.m) {
        v = operand(row0 + r, k + c);
#if NORM
        v = (v - norms[r].x) * norms[r].y * widen(gain[k + c]) + widen(shift[k + c]);
#end
      }
      tiles[area + r * PITCH + c] = v;
    }
    for (var i = index; i < TILE_N * STEP; i += 64u) {
      let r = i / STEP;
      let c = i % STEP;
      var v = vec4f();
      if (k + c < p.k4 && col0 + r < p.n) { v = widen(w[(col0 + r) * p.k4 + k + c]); }
      tiles[area + (TILE_M + r) * PITCH + c] = v;
    }
    workgroupBarrier();
    let xs = area + local.y * PITCH;
    let ws = area + (TILE_M + local.x) * PITCH;
    for (var c = 0u; c < STEP; c++) {
#for j RN
      let b$j = tiles[ws + $ju * 8u * PITCH + c];
#end
#for i RM
      let a$i = tiles[xs + $iu * 8u * PITCH + c];
#for j RN
      acc$i_$j += dot(a$i, b$j);
#end
#end
    }
    workgroupBarrier();
  }

  // From here on outputs are in an array: unrolled, this would be most of the kernel and of the time to compile it.
  var outs: array<f32, OUTS>;
#for i RM
#for j RN
  outs[$iu * RN + $ju] = acc$i_$j;
#end
#end
#if SLICED
  for (var slice = 1u; slice < SPLIT; slice++) {
    if (local.z == slice) {
      for (var i = 0u; i < OUTS; i++) { scratch[index * OUTS + i] = outs[i]; }
    }
    workgroupBarrier();
    if (local.z == 0u) {
      for (var i = 0u; i < OUTS; i++) { outs[i] += scratch[index * OUTS + i]; }
    }
    workgroupBarrier();
  }
#end

  if (local.z == 0u) {
    let n = columns(col0, local.x);
    for (var i = 0u; i < RM; i++) {
      var sum = 0.0;
      for (var j = 0u; j < RN; j++) {
        let v = finish(row0 + local.y + i * 8u, col0 + local.x + j * 8u, outs[i * RN + j]);
        outs[i * RN + j] = v;
        sum += v; // 0 outside of the matrix
      }
#if MOMENTS
      let mean = sum / f32(max(n, 1u));
      var squares = 0.0;
      for (var j = 0u; j < n; j++) {
        let d = outs[i * RN + j] - mean;
        squares += d * d;
      }
      let at = ((local.y + i * 8u) * 8u + local.x) * 2u;
      scratch[at] = mean;
      scratch[at + 1u] = squares;
#end
    }
  }
#if MOMENTS
  workgroupBarrier();
  for (var r = local.z * 64u + index; r < TILE_M; r += 64u * SPLIT) {
    var all = vec2f();
    var count = 0u;
    for (var lane = 0u; lane < 8u; lane++) {
      let more = columns(col0, lane);
      let at = (r * 8u + lane) * 2u;
      all = merge(all, f32(count), vec2f(scratch[at], scratch[at + 1u]), f32(more));
      count += more;
    }
    if (row0 + r < p.m) { moments[(row0 + r) * ((p.n + TILE_N - 1u) / TILE_N) + group.x] = all; }
  }
#end
}
