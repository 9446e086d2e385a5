// out[i, :] = x[rows[i], :]. An invocation makes four values.
struct Params { count: u32, c4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [any, c4]
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>; // [rows, c4]; count vec4s
@group(0) @binding(3) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.count) { return; }
  out[i] = x[rows[i / p.c4] * p.c4 + i % p.c4];
}
