// out[i, j] = act(Σ_k x[i, k]·w[j, k] + bias[j] + residual[i, j]), with x as it is, or layer-normalised (NORM), or the
// pixels under a convolution's taps (CONV: an implicit matrix product whose rows are the pixels of out).
//
// Tiling: a workgroup of TX×TY×SPLIT invocations makes a (TY·RM)×(TX·RN) block of out, RM×RN an invocation, walking K by
// 4·STEP through shared memory. x and w are both contiguous along K, so everything moves as vec4. What the next step
// needs is read into registers before the products of this one are made: without that, an invocation waits for memory
// at every step, which costs most where a product has few blocks. Rows and columns beyond the edge read the last valid
// one; what they make is dropped. Rows of a shared tile are one vec4 apart more than they are long, so that eight
// invocations reading eight rows hit different banks. With SPLIT, slices of the workgroup take turns at the steps of K
// and add up at the end: for products of so few blocks that they would leave most of a GPU idle.
// Traffic: x is read n/(TX·RN) times, w m/(TY·RM) times; RM + RN shared loads for 4·RM·RN multiply-adds.
// Measured on an H200 (67 TFLOP/s of multiply-adds by its data sheet, 1980 MHz): 25 TFLOP/s in a convolution of 32 maps of
// 14×14×256, 23 in [6304, 256]·[1024], 7 in [50, 3072]·[768], which has 192 blocks of 16×16 for 132 cores.
//
// Layer norm costs no pass of its own. A product that writes a normed tensor leaves with it the mean and the sum of
// squared deviations of each row's columns in this block (MOMENTS); the product that reads the tensor combines them
// (Chan, Golub & LeVeque 1979), which is as exact as two passes over the row.
// Consts: ACT, BIAS, RESIDUAL, NORM, MOMENTS, CONV, TX, TY, RM, RN, STEP, SPLIT; SLICED, which is 1 if SPLIT is more
// than 1; XL and WL, how many vec4s of x and of w an invocation reads a step. STEP divides TX·TY.
const THREADS = TX * TY; // of a slice
const STRIDE = THREADS / STEP; // rows between those that an invocation reads
const TILE_M = TY * RM;
const TILE_N = TX * RN;
const PITCH = STEP + 1u;
const AREA = (TILE_M + TILE_N) * PITCH;
const TILES = SPLIT * AREA;
const OUTS = RM * RN;
// Of workgroup memory there is little, so one array serves the slices' sums and then the moments.
const SCRATCH = SLICED * THREADS * OUTS + (1u - SLICED) * MOMENTS * TX * TILE_M + 1u;
const ROWS = NORM * TILE_M + (1u - NORM) * MOMENTS * TILE_M + 1u;

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

var<workgroup> tiles: array<vec4f, TILES>;   // a slice's rows of x, then its rows of w
var<workgroup> rows: array<vec2f, ROWS>;     // NORM: of each row of x its mean and 1/√(variance + eps); then MOMENTS:
                                             // of each row of out its mean
var<workgroup> scratch: array<f32, SCRATCH>; // [OUTS, THREADS]: what a slice hands to the first; then [TILE_M, TX]: sums
                                             // of an invocation's columns

fn norm_of(row: u32) -> vec2f {
  let blocks = (p.cols + p.block - 1u) / p.block;
  var sum = 0.0;
  for (var b = 0u; b < blocks; b++) { sum += moments[row * blocks + b].x * f32(min(p.block, p.cols - b * p.block)); }
  let mean = sum / f32(p.cols);
  var squares = 0.0;
  for (var b = 0u; b < blocks; b++) {
    let part = moments[row * blocks + b];
    let d = part.x - mean;
    squares += part.y + d * d * f32(min(p.block, p.cols - b * p.block));
  }
  return vec2f(mean, inverseSqrt(squares / f32(p.cols) + p.eps));
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

@compute @workgroup_size(TX, TY, SPLIT)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let top = p.first + group.y * TILE_M;
  let left = group.x * TILE_N;
  let index = local.y * TX + local.x;
  // An invocation reads vec4 c, of the step's, of rows r, r + STRIDE, …
  let c = index % STEP;
  let r = index / STEP;
  // acc{i}_{j} is out[top + local.y + TY·i, left + local.x + TX·j].
#for i RM
#for j RN
  var acc$i_$j = 0.0;
#end
#end
#if NORM
  for (var i = local.z * THREADS + index; i < TILE_M; i += THREADS * SPLIT) { rows[i] = norm_of(min(top + i, p.m - 1u)); }
  workgroupBarrier();
#end
#for i XL
  let row$i = min(top + r + $iu * STRIDE, p.m - 1u);
#if !CONV
  let x_at$i = row$i * p.k4;
#end
#if CONV
  // Where a pixel's first tap lies in its map; above and left of it these are huge.
  let pixel$i = row$i % (p.out_side * p.out_side);
  let corner$i = vec2u(pixel$i % p.out_side, pixel$i / p.out_side) * p.stride - p.pad;
  let map$i = row$i / (p.out_side * p.out_side) * p.side;
#end
#end
#for i WL
  let w_at$i = min(left + r + $iu * STRIDE, p.n - 1u) * p.k4;
#end

  let area = local.z * AREA;
  for (var first = 0u; ; first += STEP * SPLIT) {
    let at = first + local.z * STEP + c;
    let k = min(at, p.k4 - 1u);
#if NORM
    let g = widen(gain[k]);
    let s = widen(shift[k]);
#end
#if CONV
    let tap = k / p.in4;
    let reach = vec2u(tap % p.taps, tap / p.taps);
    let channel = k - tap * p.in4;
#end
#for i XL
#if !CONV
    var x$i = x[x_at$i + k];
#end
#if CONV
    let under$i = corner$i + reach;
    var x$i = vec4f();
    if (all(under$i < vec2u(p.side))) { x$i = x[((map$i + under$i.y) * p.side + under$i.x) * p.in4 + channel]; }
#end
#end
#for i WL
    let w$i = w[w_at$i + k];
#end
    if (first > 0u) {
      let xs = area + local.y * PITCH;
      let ws = area + (TILE_M + local.x) * PITCH;
      for (var v = 0u; v < STEP; v++) {
#for j RN
        let b$j = tiles[ws + $ju * TX * PITCH + v];
#end
#for i RM
        let a$i = tiles[xs + $iu * TY * PITCH + v];
#for j RN
        acc$i_$j = a$i.x * b$j.x + (a$i.y * b$j.y + (a$i.z * b$j.z + (a$i.w * b$j.w + acc$i_$j)));
#end
#end
      }
    }
    if (first >= p.k4) { break; }
    workgroupBarrier();
#for i XL
#if NORM
    x$i = (x$i - rows[r + $iu * STRIDE].x) * rows[r + $iu * STRIDE].y * g + s;
#end
    tiles[area + (r + $iu * STRIDE) * PITCH + c] = select(vec4f(), x$i, at < p.k4);
#end
#for i WL
    tiles[area + (TILE_M + r + $iu * STRIDE) * PITCH + c] = select(vec4f(), widen(w$i), at < p.k4);
#end
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
      for (var i = 0u; i < OUTS; i++) { scratch[i * THREADS + index] = outs[i]; }
    }
    workgroupBarrier();
    if (local.z == 0u) {
      for (var i = 0u; i < OUTS; i++) { outs[i] += scratch[i * THREADS + index]; }
    }
    workgroupBarrier();
  }
#end

  if (local.z == 0u) {
    for (var i = 0u; i < RM; i++) {
      var sum = 0.0;
      for (var j = 0u; j < RN; j++) {
        let v = finish(top + local.y + i * TY, left + local.x + j * TX, outs[i * RN + j]);
        outs[i * RN + j] = v;
        sum += v; // 0 outside of the matrix
      }
#if MOMENTS
      scratch[(local.y + i * TY) * TX + local.x] = sum;
#end
    }
  }
#if MOMENTS
  let columns = min(p.n - left, TILE_N);
  workgroupBarrier();
  for (var i = local.z * THREADS + index; i < TILE_M; i += THREADS * SPLIT) {
    var sum = 0.0;
    for (var lane = 0u; lane < TX; lane++) { sum += scratch[i * TX + lane]; }
    rows[i].x = sum / f32(columns);
  }
  workgroupBarrier();
  if (local.z == 0u) {
    for (var i = 0u; i < RM; i++) {
      let mean = rows[local.y + i * TY].x;
      var squares = 0.0;
      for (var j = 0u; j < RN; j++) {
        let d = select(0.0, outs[i * RN + j] - mean, local.x + j * TX < columns);
        squares += d * d;
      }
      scratch[(local.y + i * TY) * TX + local.x] = squares;
    }
  }
  workgroupBarrier();
  for (var i = local.z * THREADS + index; i < TILE_M; i += THREADS * SPLIT) {
    var squares = 0.0;
    for (var lane = 0u; lane < TX; lane++) { squares += scratch[i * TX + lane]; }
    if (top + i < p.m) { moments[(top + i) * ((p.n + TILE_N - 1u) / TILE_N) + group.x] = vec2f(rows[i].x, squares); }
  }
#end
}
