// ACT: 0 identity, 1 ReLU, 2 quick GELU x·sigmoid(1.702x), 3 GELU x·Φ(x). Put before every kernel that calls activate
// or activate4.
fn activate(x: f32) -> f32 {
  if (ACT == 1u) { return max(x, 0.0); }
  if (ACT == 2u) { return x / (1.0 + exp(-1.702 * x)); }
  if (ACT == 3u) { return 0.5 * x * (1.0 + erf(vec4f(x * 0.7071067811865476)).x); }
  return x;
}

fn activate4(x: vec4f) -> vec4f {
  if (ACT == 1u) { return max(x, vec4f()); }
  if (ACT == 2u) { return x / (1.0 + exp(-1.702 * x)); }
  if (ACT == 3u) { return 0.5 * x * (1.0 + erf(x * 0.7071067811865476)); }
  return x;
}

// Abramowitz & Stegun 7.1.26, with |error| ≤ 1.5e-7.
fn erf(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - p * exp(-x * x));
}
