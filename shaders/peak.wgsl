// What the adapter can do at best, for a profile to compare operations with: multiply-adds of values in registers, or,
// with READ, reading memory once through.
//
// An invocation does 128 floating-point operations a round; with READ all of them together read x once a round.
// The result is stored only if it is what it cannot be, which a compiler does not know.
// Consts: READ.
struct Params { rounds: u32, length: u32, factor: f32, term: f32, never: f32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [length]
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  // Chains enough to hide how long an operation takes, few enough for registers.
  var a = vec4f(f32(id.x));
  var b = a + p.term;
#if !READ
  for (var i = 0u; i < p.rounds; i++) {
#for i 8
    a = a * p.factor + p.term;
    b = b * p.factor + p.term;
#end
  }
#end
#if READ
  for (var i = 0u; i < p.rounds; i++) {
    // A workgroup reads values that lie together.
    let each = p.length / groups.x;
    for (var at = id.x % 64u; at < each; at += 64u) { a += x[id.x / 64u * each + at]; }
    b += a;
  }
#end
  let sum = dot(a + b, vec4f(1.0));
  if (sum == p.never) { out[0] = sum; }
}
