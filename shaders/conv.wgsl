// A square convolution over channels-last maps as an implicit matrix product:
// out[y, x, o] = act(Σ in[y·stride + i − pad, x·stride + j − pad, c]·w[o, i, j, c] + bias[o])
//
// An invocation makes 4 output channels of PIXELS neighbouring pixels of a line in registers, reading four input
// channels at a time; no shared memory. Traffic: PIXELS + 4 loads for 16·PIXELS multiply-adds.
// Consts: ACT, PIXELS, KERNEL.
struct Params { lines: u32, side: u32, out_side: u32, in4: u32, n: u32, n4: u32, stride: u32, pad: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [batch, side, side, in4]
@group(0) @binding(1) var<storage, read> w: array<Halves>;        // [n, KERNEL, KERNEL, in4]
@group(0) @binding(2) var<storage, read> bias: array<Halves>;     // [n4]
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>; // [batch, out_side, out_side, n4]
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let col4 = id.x;
  let pixel0 = id.y * PIXELS; // first of the pixels, within the line
  let line = id.z;            // batch·out_side + y
  if (col4 >= p.n4 || pixel0 >= p.out_side || line >= p.lines) { return; }
  let map = line / p.out_side;
  let y0 = i32(line % p.out_side * p.stride) - i32(p.pad);
  let taps = KERNEL * KERNEL * p.in4;
  let last = p.n - 1u; // channels beyond the edge read the last; what they make is dropped below
  let w0 = min(col4 * 4u, last) * taps;
  let w1 = min(col4 * 4u + 1u, last) * taps;
  let w2 = min(col4 * 4u + 2u, last) * taps;
  let w3 = min(col4 * 4u + 3u, last) * taps;

  var acc: array<vec4f, PIXELS>;
  for (var i = 0u; i < KERNEL; i++) {
    let y = y0 + i32(i);
    if (y < 0 || y >= i32(p.side)) { continue; }
    for (var j = 0u; j < KERNEL; j++) {
      let tap = (i * KERNEL + j) * p.in4;
      for (var c = 0u; c < p.in4; c++) {
        let b0 = widen(w[w0 + tap + c]);
        let b1 = widen(w[w1 + tap + c]);
        let b2 = widen(w[w2 + tap + c]);
        let b3 = widen(w[w3 + tap + c]);
        for (var r = 0u; r < PIXELS; r++) {
          let xx = i32((pixel0 + r) * p.stride + j) - i32(p.pad);
          if (xx >= 0 && xx < i32(p.side)) {
            let a = x[((map * p.side + u32(y)) * p.side + u32(xx)) * p.in4 + c];
            acc[r] += vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
          }
        }
      }
    }
  }
  let inside = vec4u(col4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.n);
  for (var r = 0u; r < PIXELS; r++) {
    if (pixel0 + r >= p.out_side) { break; }
    let v = acc[r] + widen(bias[col4]);
    out[(line * p.out_side + pixel0 + r) * p.n4 + col4] =
      select(vec4f(), vec4f(activate(v.x), activate(v.y), activate(v.z), activate(v.w)), inside);
  }
}
