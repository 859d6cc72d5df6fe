"use strict";
/* Tensors, and the one product that everything is made of. */

/** Numbers in one flat array, row after row, and a shape: {shape: [B, T, D], data: Float32Array}. */
function tensor(shape, data) {
  return { shape, data: data ?? new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

/** The length of the last axis, and how many rows of it there are. */
const width = (x) => x.shape[x.shape.length - 1];
const rows = (x) => x.data.length / width(x);

/** The same numbers under another shape. */
const reshape = (x, shape) => tensor(shape, x.data);

/** x (N, D) -> (D, N) */
function transpose(x) {
  const D = width(x),
    N = rows(x),
    y = tensor([D, N]);
  for (let n = 0; n < N; n++) for (let d = 0; d < D; d++) y.data[d * N + n] = x.data[n * D + d];
  return y;
}

/**
 * C = A B^T: A (N, K), B (M, K) -> (N, M).
 *
 * Four rows by four columns at a time: each number that is read takes part in four products, not in one.
 */
// prettier-ignore
function product(A, B) {
  const K = width(A), N = rows(A), M = rows(B), C = tensor([N, M]);
  const a = A.data, b = B.data, c = C.data;
  let n = 0;
  for (; n + 4 <= N; n += 4) {
    const a0 = n * K, a1 = a0 + K, a2 = a1 + K, a3 = a2 + K;
    let m = 0;
    for (; m + 4 <= M; m += 4) {
      const b0 = m * K, b1 = b0 + K, b2 = b1 + K, b3 = b2 + K;
      let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0;
      let s20 = 0, s21 = 0, s22 = 0, s23 = 0, s30 = 0, s31 = 0, s32 = 0, s33 = 0;
      for (let k = 0; k < K; k++) {
        const x0 = a[a0 + k], x1 = a[a1 + k], x2 = a[a2 + k], x3 = a[a3 + k];
        const y0 = b[b0 + k], y1 = b[b1 + k], y2 = b[b2 + k], y3 = b[b3 + k];
        s00 += x0 * y0; s01 += x0 * y1; s02 += x0 * y2; s03 += x0 * y3;
        s10 += x1 * y0; s11 += x1 * y1; s12 += x1 * y2; s13 += x1 * y3;
        s20 += x2 * y0; s21 += x2 * y1; s22 += x2 * y2; s23 += x2 * y3;
        s30 += x3 * y0; s31 += x3 * y1; s32 += x3 * y2; s33 += x3 * y3;
      }
      let at = n * M + m;
      c[at] = s00; c[at + 1] = s01; c[at + 2] = s02; c[at + 3] = s03; at += M;
      c[at] = s10; c[at + 1] = s11; c[at + 2] = s12; c[at + 3] = s13; at += M;
      c[at] = s20; c[at + 1] = s21; c[at + 2] = s22; c[at + 3] = s23; at += M;
      c[at] = s30; c[at + 1] = s31; c[at + 2] = s32; c[at + 3] = s33;
    }
    for (; m < M; m++) for (let i = n; i < n + 4; i++) c[i * M + m] = dot(a, i * K, b, m * K, K);
  }
  for (; n < N; n++) for (let m = 0; m < M; m++) c[n * M + m] = dot(a, n * K, b, m * K, K);
  return C;
}

/** The sum of K products, of what stands in two arrays from two places on. */
function dot(a, i, b, j, K) {
  let sum = 0;
  for (let k = 0; k < K; k++) sum += a[i + k] * b[j + k];
  return sum;
}

/** x + y, of equal shapes. */
function add(x, y) {
  const z = tensor(x.shape);
  for (let i = 0; i < z.data.length; i++) z.data[i] = x.data[i] + y.data[i];
  return z;
}

/** (..., n D) -> n tensors (..., D): what stands side by side, parted. */
function split_parts(x, n) {
  const D = width(x) / n,
    N = rows(x),
    shape = [...x.shape.slice(0, -1), D];
  return Array.from({ length: n }, (_, part) => {
    const y = tensor(shape);
    for (let r = 0; r < N; r++) {
      const from = (r * n + part) * D;
      y.data.set(x.data.subarray(from, from + D), r * D);
    }
    return y;
  });
}

/** The inverse of split_parts. */
function join_parts(parts) {
  const n = parts.length,
    D = width(parts[0]),
    N = rows(parts[0]);
  const y = tensor([...parts[0].shape.slice(0, -1), n * D]);
  parts.forEach((x, part) => {
    for (let r = 0; r < N; r++) y.data.set(x.data.subarray(r * D, (r + 1) * D), (r * n + part) * D);
  });
  return y;
}

/** A tree of parameters or gradients as {"visual.blocks.0.ln_1.weight": tensor}, in the order of the tree. */
function flatten(tree, prefix = "") {
  if (tree.data) return { [prefix]: tree };
  return Object.entries(tree).reduce(
    (named, [key, child]) => Object.assign(named, flatten(child, prefix ? `${prefix}.${key}` : key)),
    {},
  );
}

/** The inverse of flatten: keys 0, 1, 2, ... become an array. */
function unflatten(named) {
  const tree = {};
  for (const [name, leaf] of Object.entries(named)) {
    const path = name.split(".");
    let at = tree;
    path.forEach((key, depth) => {
      at = at[key] ??= depth === path.length - 1 ? leaf : {};
    });
  }
  const arrays = (node) => {
    if (node.data) return node;
    const entries = Object.entries(node).map(([key, child]) => [key, arrays(child)]);
    return entries.every(([key], i) => key === String(i))
      ? entries.map(([, child]) => child)
      : Object.fromEntries(entries);
  };
  return arrays(tree);
}
