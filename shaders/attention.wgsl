// out = softmax(q·kᵀ/√d)·v for one head and one query an invocation, with the online softmax of Milakov & Gimelshein
// (2018): the scores never reach memory, and no barrier is needed. The invocations of a workgroup ask the same head,
// so its keys and values are read together and stay in cache. q, k and v are columns of wider matrices.
// Consts: D4, a head's width in vec4s; CAUSAL.
struct Params {
  batch: u32, queries: u32, keys: u32, heads: u32,
  q_from: u32, k_from: u32, v_from: u32, // in vec4s
  q_pitch: u32, k_pitch: u32, v_pitch: u32, out_pitch: u32, // vec4s from row to row
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;         // [batch·queries, q_pitch]
@group(0) @binding(1) var<storage, read> k: array<vec4f>;         // [batch·keys, k_pitch]
@group(0) @binding(2) var<storage, read> v: array<vec4f>;         // [batch·keys, v_pitch]
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>; // [batch·queries, out_pitch]
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let query = id.x;
  let head = id.y;
  let b = id.z;
  if (query >= p.queries) { return; }
  let column = head * D4;
  let q_at = (b * p.queries + query) * p.q_pitch + p.q_from + column;
  var ask: array<vec4f, D4>;
  var acc: array<vec4f, D4>;
  for (var c = 0u; c < D4; c++) { ask[c] = q[q_at + c] * p.scale; }

  var top = -3.0e38;
  var total = 0.0;
  let seen = select(p.keys, query + 1u, CAUSAL == 1u);
  for (var j = 0u; j < seen; j++) {
    let k_at = (b * p.keys + j) * p.k_pitch + p.k_from + column;
    var s = 0.0;
    for (var c = 0u; c < D4; c++) { s += dot(ask[c], k[k_at + c]); }
    if (s > top) {
      let shrink = exp(top - s);
      total *= shrink;
      for (var c = 0u; c < D4; c++) { acc[c] *= shrink; }
      top = s;
    }
    let weight = exp(s - top);
    total += weight;
    let v_at = (b * p.keys + j) * p.v_pitch + p.v_from + column;
    for (var c = 0u; c < D4; c++) { acc[c] += weight * v[v_at + c]; }
  }
  let out_at = (b * p.queries + query) * p.out_pitch + column;
  for (var c = 0u; c < D4; c++) { out[out_at + c] = acc[c] / total; }
}
