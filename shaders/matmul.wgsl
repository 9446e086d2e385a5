// out[i, j] = act(Σ_k x[i, k]·w[j, k] + bias[j] + residual[i, j])
//
// Tiling: a workgroup of 8×8 invocations makes a TILE×TILE block of out, 4×4 an invocation, walking K by 16 through
// shared memory. x and w are both contiguous along K, so everything moves as vec4 and the inner product is dot().
// Rows of a shared tile are 5 vec4 apart rather than 4, so that eight invocations reading eight rows hit different
// banks. Traffic: x is read N/TILE times, w M/TILE times.
// Consts: ACT, BIAS, RESIDUAL.
const TILE = 32u;
const STEP = 4u; // vec4s of K a step
const PITCH = 5u;
const AREA = TILE * PITCH;

struct Params { m: u32, n: u32, k4: u32, n_padded: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [m, k4]
@group(0) @binding(1) var<storage, read> w: array<Halves>;      // [n, k4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;   // [n_padded/4]
@group(0) @binding(3) var<storage, read> residual: array<f32>;  // [m, n_padded]
@group(0) @binding(4) var<storage, read_write> out: array<f32>; // [m, n_padded]
@group(0) @binding(5) var<uniform> p: Params;

var<workgroup> xs: array<vec4f, AREA>;
var<workgroup> ws: array<vec4f, AREA>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let row0 = group.y * TILE;
  let col0 = group.x * TILE;
  var acc: array<vec4f, 4>; // acc[r][c] is out[row0 + local.y + 8r, col0 + local.x + 8c]

  for (var k = 0u; k < p.k4; k += STEP) {
    for (var i = index; i < TILE * STEP; i += 64u) {
      let r = i / STEP;
      let c = i % STEP;
      var a = vec4f();
      var b = vec4f();
      if (k + c < p.k4) {
        if (row0 + r < p.m) { a = x[(row0 + r) * p.k4 + k + c]; }
        if (col0 + r < p.n) { b = widen(w[(col0 + r) * p.k4 + k + c]); }
      }
      xs[r * PITCH + c] = a;
      ws[r * PITCH + c] = b;
    }
    workgroupBarrier();
    for (var c = 0u; c < STEP; c++) {
      let b0 = ws[local.x * PITCH + c];
      let b1 = ws[(local.x + 8u) * PITCH + c];
      let b2 = ws[(local.x + 16u) * PITCH + c];
      let b3 = ws[(local.x + 24u) * PITCH + c];
      for (var r = 0u; r < 4u; r++) {
        let a = xs[(local.y + 8u * r) * PITCH + c];
        acc[r] += vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
      }
    }
    workgroupBarrier();
  }

  for (var r = 0u; r < 4u; r++) {
    let row = row0 + local.y + 8u * r;
    if (row >= p.m) { break; }
    for (var c = 0u; c < 4u; c++) {
      let col = col0 + local.x + 8u * c;
      if (col >= p.n_padded) { break; }
      var v = 0.0;
      if (col < p.n) {
        v = acc[r][c];
        if (BIAS == 1u) { v += widen(bias[col / 4u])[col % 4u]; }
        if (RESIDUAL == 1u) { v += residual[row * p.n_padded + col]; }
        v = activate(v);
      }
      out[row * p.n_padded + col] = v;
    }
  }
}
