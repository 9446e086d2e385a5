// out[i, :] = table[tokens[i].id, :] + position[tokens[i].position, :]. An invocation makes four values. The host checks
// the numbers.
struct Token { id: u32, position: u32, previous: u32 }
struct Params { count: u32, c4: u32 }

@group(0) @binding(0) var<storage, read> tokens: array<Token>;
@group(0) @binding(1) var<storage, read> table: array<Halves>;    // [vocabulary, c4]
@group(0) @binding(2) var<storage, read> position: array<Halves>; // [context, c4]
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>; // [tokens, c4]; count vec4s
@group(0) @binding(4) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= p.count) { return; }
  let token = tokens[i / p.c4];
  let c = i % p.c4;
  out[i] = widen(table[token.id * p.c4 + c]) + widen(position[token.position * p.c4 + c]);
}
