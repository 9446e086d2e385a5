// out = softmax(q·kᵀ/√d)·v for one head of one row, over the row and those before it in its text, which are found by going
// back from row to row: to a softmax the order means nothing. Otherwise it is attention.wgsl: with SLICES, an invocation
// goes back like all that share its row, and asks at every SLICES-th step.
// Traffic of an invocation: 2·D4 loads a key, for 8·D4 multiply-adds; which key is next is read a step ahead.
// Consts: D4, a head's width in vec4s; ACROSS, SLICES, SLICED.
struct Token { id: u32, position: u32, previous: u32 } // previous: the row before; its own where it is a text's first
struct Params {
  rows: u32,
  q_from: u32, k_from: u32, v_from: u32, // in vec4s
  q_pitch: u32, k_pitch: u32, v_pitch: u32, out_pitch: u32, // vec4s from row to row
  scale: f32,
  first_row: u32, first_head: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;         // [rows, q_pitch]
@group(0) @binding(1) var<storage, read> k: array<vec4f>;         // [rows, k_pitch]
@group(0) @binding(2) var<storage, read> v: array<vec4f>;         // [rows, v_pitch]
@group(0) @binding(3) var<storage, read> tokens: array<Token>;    // [rows]
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>; // [rows, out_pitch]
@group(0) @binding(5) var<uniform> p: Params;

@compute @workgroup_size(ACROSS, SLICES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let asked = p.first_row + group.x * ACROSS + local.x;
  let column = (p.first_head + group.y) * D4;
#if !SLICED
  if (asked >= p.rows) { return; }
#end
  let row = min(asked, p.rows - 1u); // one beyond the last is computed like it, and not stored
  let q_at = row * p.q_pitch + p.q_from + column;
  var top = -3.0e38;
  var total = 0.0;
#for c D4
  let ask$c = q[q_at + $cu] * p.scale;
  var acc$c = vec4f();
#end

  var j = row;
  var more = true; // a break would make other rows wrong in lavapipe of Mesa 22.3
  for (var step = 0u; more; step++) {
    let before = tokens[j].previous;
    if (step % SLICES == local.y) {
      let k_at = j * p.k_pitch + p.k_from + column;
      let v_at = j * p.v_pitch + p.v_from + column;
      var s = 0.0;
#for c D4
      s += dot(ask$c, k[k_at + $cu]);
#end
      if (s > top) {
        let shrink = exp(top - s);
        total *= shrink;
#for c D4
        acc$c *= shrink;
#end
        top = s;
      }
      let weight = exp(s - top);
      total += weight;
#for c D4
      acc$c += weight * v[v_at + $cu];
#end
    }
    more = before != j;
    j = before;
  }
  let out_at = row * p.out_pitch + column;
#if !SLICED
#for c D4
  out[out_at + $cu] = acc$c / total;
#end
#end
#if SLICED
  let share = share_of(local, top, total);
  // In a loop: unrolled, this would be most of the kernel and of the time to compile it.
  var sums: array<vec4f, D4>;
#for c D4
  sums[$c] = acc$c * share;
#end
  for (var c = 0u; c < D4; c++) {
    let adds = local.y == c % SLICES && asked < p.rows;
    let sum = added_up(local, sums[c], adds);
    if (adds) { out[out_at + c] = sum; }
  }
#end
}
