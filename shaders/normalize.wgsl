// out[i, :] = x[i, :]/‖x[i, :]‖; a row of zeros stays zero. A workgroup a row.
struct Params { rows: u32, c4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [rows, c4]
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>; // [rows, c4]
@group(0) @binding(2) var<uniform> p: Params;

var<workgroup> squares: array<f32, 32>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) index: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= p.rows) { return; }
  let at = row * p.c4;
  var s = 0.0;
  for (var c = index; c < p.c4; c += 32u) { s += dot(x[at + c], x[at + c]); }
  squares[index] = s;
  workgroupBarrier();
  s = 0.0;
  for (var i = 0u; i < 32u; i++) { s += squares[i]; }
  let scale = select(0.0, inverseSqrt(s), s > 0.0);
  for (var c = index; c < p.c4; c += 32u) { out[at + c] = x[at + c] * scale; }
}
