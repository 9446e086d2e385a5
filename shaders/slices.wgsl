// How the slices of an attention's workgroup of ACROSS × SLICES invocations add up what they have of each query: a slice has
// its largest score, its sum of weights and its sum of values. Put before every kernel that calls share_of.
// Consts: ACROSS, SLICES.
const INVOCATIONS = ACROSS * SLICES;
var<workgroup> found: array<vec2f, INVOCATIONS>; // a slice's largest score, and its sum of weights
var<workgroup> parts: array<vec4f, INVOCATIONS>; // of its sum of values, four columns

// share_of is what a slice's values are to be multiplied by; 0 of a slice without keys.
fn share_of(local: vec3u, top: f32, total: f32) -> f32 {
  found[local.y * ACROSS + local.x] = vec2f(top, total);
  workgroupBarrier();
  var most = top;
  for (var s = 0u; s < SLICES; s++) { most = max(most, found[s * ACROSS + local.x].x); }
  var all = 0.0;
  for (var s = 0u; s < SLICES; s++) {
    let slice = found[s * ACROSS + local.x];
    all += slice.y * exp(slice.x - most);
  }
  return exp(top - most) / all;
}

// added_up is the sum of what all slices have of four columns, for the slice that is told to add them; others get nothing.
fn added_up(local: vec3u, mine: vec4f, adds: bool) -> vec4f {
  workgroupBarrier();
  parts[local.y * ACROSS + local.x] = mine;
  workgroupBarrier();
  var sum = vec4f();
  if (adds) {
    for (var s = 0u; s < SLICES; s++) { sum += parts[s * ACROSS + local.x]; }
  }
  return sum;
}

