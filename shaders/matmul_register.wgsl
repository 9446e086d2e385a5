// out[i, j] = act(Σ_k x[i, k]·w[j, k] + bias[j] + residual[i, j]), without shared memory or barriers.
//
// For software adapters, which run barriers as coroutines: an invocation keeps ROWS×4 outputs in registers and reads
// its operands straight from memory, four values of K at a time. Traffic: ROWS + 4 loads for 16·ROWS multiply-adds.
// Consts: ACT, BIAS, RESIDUAL, ROWS.
struct Params { m: u32, n: u32, k4: u32, n_padded: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [m, k4]
@group(0) @binding(1) var<storage, read> w: array<Halves>;        // [n, k4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;     // [n_padded/4]
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;  // [m, n_padded/4]
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>; // [m, n_padded/4]
@group(0) @binding(5) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n4 = p.n_padded / 4u;
  let col4 = id.x;
  let row0 = id.y * ROWS;
  if (col4 >= n4 || row0 >= p.m) { return; }
  // Rows and columns beyond the edge read the last valid one; what they make is dropped below.
  let last_col = p.n - 1u;
  let w0 = min(col4 * 4u, last_col) * p.k4;
  let w1 = min(col4 * 4u + 1u, last_col) * p.k4;
  let w2 = min(col4 * 4u + 2u, last_col) * p.k4;
  let w3 = min(col4 * 4u + 3u, last_col) * p.k4;
  var acc: array<vec4f, ROWS>;
  for (var k = 0u; k < p.k4; k++) {
    let b0 = widen(w[w0 + k]);
    let b1 = widen(w[w1 + k]);
    let b2 = widen(w[w2 + k]);
    let b3 = widen(w[w3 + k]);
    for (var r = 0u; r < ROWS; r++) {
      let a = x[min(row0 + r, p.m - 1u) * p.k4 + k];
      acc[r] += vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
    }
  }
  let inside = vec4u(col4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.n);
  for (var r = 0u; r < ROWS; r++) {
    if (row0 + r >= p.m) { break; }
    let at = (row0 + r) * n4 + col4;
    var v = acc[r];
    if (BIAS == 1u) { v += widen(bias[col4]); }
    if (RESIDUAL == 1u) { v += residual[at]; }
    out[at] = select(vec4f(), vec4f(activate(v.x), activate(v.y), activate(v.z), activate(v.w)), inside);
  }
}
