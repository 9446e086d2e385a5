// The matrix product of matmul.wgsl without shared memory or barriers, for software adapters, which run barriers as
// coroutines and keep no array in registers.
//
// An invocation holds ROWS×8 outputs in variables and reads its operands straight from memory, four values of K at a
// time. Traffic: ROWS + 8 loads for 32·ROWS multiply-adds. Layer norm stays an operation of its own here: to normalise
// in the inner loop costs more than a pass over x.
// Consts: ACT, CONV, ROWS. Whether there is a bias, or a residual, is a parameter: fewer kernels are compiled, and these
// adapters take 150 ms for each.
const PAIRS = 2u * ROWS;

struct Params {
  first: u32, m: u32, n: u32, k4: u32, n_padded: u32, // rows first to m - 1 are made
  cols: u32, bias: u32, residual: u32, // 1 if there is one; cols is not used
  side: u32, out_side: u32, in4: u32, taps: u32, stride: u32, pad: u32, // CONV; taps of a side
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [m, k4]; CONV: [batch, side, side, in4]
@group(0) @binding(1) var<storage, read> w: array<Halves>;        // [n, k4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;     // [n_padded/4]
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;  // [m, n_padded/4]
@group(0) @binding(7) var<storage, read_write> out: array<vec4f>; // [m, n_padded/4]
@group(0) @binding(8) var<uniform> p: Params;

// under is where the pixel of x under a convolution's tap lies, and 1; outside of the picture 0 and 0. Without branches,
// which would make the kernel eight times as long to compile.
fn under(row: u32, tap: u32) -> vec2u {
  let pixel = row % (p.out_side * p.out_side);
  // Above and left of the picture these are huge.
  let at = vec2u(pixel % p.out_side, pixel / p.out_side) * p.stride + vec2u(tap % p.taps, tap / p.taps) - p.pad;
  let map = row / (p.out_side * p.out_side);
  return select(vec2u(), vec2u(((map * p.side + at.y) * p.side + at.x) * p.in4, 1u), all(at < vec2u(p.side)));
}

// finish stores four outputs, those of columns 4·col4 and on.
fn finish(row: u32, col4: u32, sum: vec4f) {
  let n4 = p.n_padded / 4u;
  if (row >= p.m || col4 >= n4) { return; }
  let at = row * n4 + col4;
  var v = sum;
  if (p.bias == 1u) { v += widen(bias[col4]); }
  if (p.residual == 1u) { v += residual[at]; }
  let inside = vec4u(col4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.n);
  out[at] = select(vec4f(), activate4(v), inside);
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let flat = id.x + id.y * groups.x * 32u;
  let across = (p.n + 7u) / 8u;
  let left = flat % across * 8u;
  let top = p.first + flat / across * ROWS;
  if (top >= p.m) { return; }
  // Rows and columns beyond the edge read the last valid one; what they make is dropped at the end.
#for c 8
  var w$c = min(left + $cu, p.n - 1u) * p.k4;
#end
#for r ROWS
  let row$r = min(top + $ru, p.m - 1u);
  var x$r = vec2u(row$r * p.k4, 1u);
  var low$r = vec4f();
  var high$r = vec4f();
#end
  var length = p.k4;
  var taps = 1u;
  if (CONV == 1u) {
    length = p.in4;
    taps = p.taps * p.taps;
  }
  for (var tap = 0u; tap < taps; tap++) {
#if CONV
#for r ROWS
    x$r = under(row$r, tap);
#end
#end
    for (var k = 0u; k < length; k++) {
#for c 8
      let b$c = widen(w[w$c + k]);
#end
#for r ROWS
      var a$r = x[x$r.x + k];
#if CONV
      a$r *= f32(x$r.y);
#end
      low$r += vec4f(dot(a$r, b0), dot(a$r, b1), dot(a$r, b2), dot(a$r, b3));
      high$r += vec4f(dot(a$r, b4), dot(a$r, b5), dot(a$r, b6), dot(a$r, b7));
#end
    }
#for c 8
    w$c += length;
#end
  }
  // Unrolled, what finishes an output would be most of the kernel and of the time to compile it.
  var sums: array<vec4f, PAIRS>;
#for r ROWS
  sums[$ru * 2u] = low$r;
  sums[$ru * 2u + 1u] = high$r;
#end
  for (var i = 0u; i < PAIRS; i++) { finish(top + i / 2u, left / 4u + i % 2u, sums[i]); }
}
