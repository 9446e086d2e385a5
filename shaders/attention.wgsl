// out = softmax(q·kᵀ/√d)·v for one head and QUERIES queries an invocation, with the online softmax of Milakov &
// Gimelshein (2018): the scores never reach memory. q, k and v are columns of wider matrices. The invocations of a
// workgroup ask the same head, so its keys and values are read together and stay in cache.
//
// With SLICES, that many invocations share a query: each takes every SLICES-th key, and at the end they add up their
// sums, each scaled to the largest score of all. A GPU has more invocations than there are queries, and one that walks
// all keys alone waits for memory at every one. Without, no barrier is needed: for software adapters, which run those as
// coroutines, and save loads by asking for several queries at once.
// Traffic of an invocation: 2·D4 loads a key, for 8·D4·QUERIES multiply-adds.
// Consts: D4, a head's width in vec4s; QUERIES; ACROSS, how many invocations are side by side; SLICES; SLICED, which is 1
// if SLICES is more than 1: then QUERIES must be 1.
struct Params {
  batch: u32, queries: u32, keys: u32, heads: u32,
  q_from: u32, k_from: u32, v_from: u32, // in vec4s
  q_pitch: u32, k_pitch: u32, v_pitch: u32, out_pitch: u32, // vec4s from row to row
  scale: f32,
  first_query: u32, first_head: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;         // [batch·queries, q_pitch]
@group(0) @binding(1) var<storage, read> k: array<vec4f>;         // [batch·keys, k_pitch]
@group(0) @binding(2) var<storage, read> v: array<vec4f>;         // [batch·keys, v_pitch]
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>; // [batch·queries, out_pitch]
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(ACROSS, SLICES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let first = p.first_query + (group.x * ACROSS + local.x) * QUERIES;
  let head = p.first_head + group.y;
  let b = group.z;
#if !SLICED
  if (first >= p.queries) { return; }
#end
  let column = head * D4;
#for r QUERIES
  let query$r = min(first + $ru, p.queries - 1u); // those beyond the last are computed like it, and not stored
  let q_at$r = (b * p.queries + query$r) * p.q_pitch + p.q_from + column;
  var top$r = -3.0e38;
  var total$r = 0.0;
#for c D4
  let ask$r_$c = q[q_at$r + $cu] * p.scale;
  var acc$r_$c = vec4f();
#end
#end

  for (var j = local.y; j < p.keys; j += SLICES) {
    let k_at = (b * p.keys + j) * p.k_pitch + p.k_from + column;
    let v_at = (b * p.keys + j) * p.v_pitch + p.v_from + column;
#for r QUERIES
    var s$r = 0.0;
#end
#for c D4
    let k$c = k[k_at + $cu];
#for r QUERIES
    s$r += dot(ask$r_$c, k$c);
#end
#end
#for r QUERIES
    if (s$r > top$r) {
      let shrink = exp(top$r - s$r);
      total$r *= shrink;
#for c D4
      acc$r_$c *= shrink;
#end
      top$r = s$r;
    }
    let weight$r = exp(s$r - top$r);
    total$r += weight$r;
#end
#for c D4
    let v$c = v[v_at + $cu];
#for r QUERIES
    acc$r_$c += weight$r * v$c;
#end
#end
  }
#for r QUERIES
  let out_at$r = (b * p.queries + query$r) * p.out_pitch + column;
#end
#if !SLICED
#for r QUERIES
  if (first + $ru < p.queries) {
#for c D4
    out[out_at$r + $cu] = acc$r_$c / total$r;
#end
  }
#end
#end
#if SLICED
  let share = share_of(local, top0, total0);
  // In a loop: unrolled, this would be most of the kernel and of the time to compile it.
  var sums: array<vec4f, D4>;
#for c D4
  sums[$c] = acc0_$c * share;
#end
  for (var c = 0u; c < D4; c++) {
    let adds = local.y == c % SLICES && first < p.queries;
    let sum = added_up(local, sums[c], adds);
    if (adds) { out[out_at0 + c] = sum; }
  }
#end
}
