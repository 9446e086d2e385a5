// out[i, :] = x[i, :]/‖x[i, :]‖; a row of zeros stays zero. An invocation a row: embeddings are few and short.
struct Params { rows: u32, c4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [rows, c4]
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>; // [rows, c4]
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.x + id.y * groups.x * 8u;
  if (row >= p.rows) { return; }
  let at = row * p.c4;
  var s = 0.0;
  for (var c = 0u; c < p.c4; c++) { s += dot(x[at + c], x[at + c]); }
  let scale = select(0.0, inverseSqrt(s), s > 0.0);
  for (var c = 0u; c < p.c4; c++) { out[at + c] = x[at + c] * scale; }
}
