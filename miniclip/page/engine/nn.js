"use strict";
/*
 * Operations and layers with their gradients, as in miniclip/nn (ops.py, layers.py, read.py): the same names, the same
 * formulas, the same contract.
 *
 *   [y, c]  = f_forward(x, p, ...)    p parameters    c cache: what the gradient will need
 *   [dx, g] = f_backward(dy, c)       g gradients, with the names and shapes of p
 */

const EPS = 1e-5; // of layer norm

/** y = x W^T + b. x (..., D_in); weight (D_out, D_in) -> y (..., D_out) */
function linear_forward(x, p) {
  const y = product(x, p.weight),
    D = width(y);
  if (p.bias) for (let i = 0; i < y.data.length; i++) y.data[i] += p.bias.data[i % D];
  return [reshape(y, [...x.shape.slice(0, -1), D]), { x, p }];
}

/** dx = dy W,  dW = dy^T x,  db = sum of dy. */
function linear_backward(dy, { x, p }) {
  const dx = reshape(product(dy, transpose(p.weight)), x.shape);
  const g = { weight: product(transpose(dy), transpose(x)) };
  if (p.bias) g.bias = column_sum(dy);
  return [dx, g];
}

/** The sum over all axes but the last: (..., D) -> (D) */
function column_sum(x) {
  const D = width(x),
    y = tensor([D]);
  for (let i = 0; i < x.data.length; i++) y.data[i % D] += x.data[i];
  return y;
}

/** y = n weight + bias,  n = (x - mean) / sqrt(var + eps), over the last axis. */
function layer_norm_forward(x, p) {
  const D = width(x),
    N = rows(x),
    y = tensor(x.shape),
    n = tensor(x.shape),
    rstd = new Float32Array(N);
  for (let r = 0; r < N; r++) {
    const at = r * D;
    let mean = 0,
      square = 0;
    for (let d = 0; d < D; d++) mean += x.data[at + d];
    mean /= D;
    for (let d = 0; d < D; d++) square += (x.data[at + d] - mean) ** 2;
    rstd[r] = 1 / Math.sqrt(square / D + EPS);
    for (let d = 0; d < D; d++) {
      n.data[at + d] = (x.data[at + d] - mean) * rstd[r];
      y.data[at + d] = n.data[at + d] * p.weight.data[d] + p.bias.data[d];
    }
  }
  return [y, { n, rstd, weight: p.weight }];
}

/** dx = rstd (dn - mean(dn) - n mean(n dn)),  dn = dy weight. */
function layer_norm_backward(dy, { n, rstd, weight }) {
  const D = width(dy),
    N = rows(dy),
    dx = tensor(dy.shape),
    g = { weight: tensor([D]), bias: column_sum(dy) };
  for (let r = 0; r < N; r++) {
    const at = r * D;
    let mean = 0,
      along = 0;
    for (let d = 0; d < D; d++) {
      const dn = dy.data[at + d] * weight.data[d];
      mean += dn;
      along += n.data[at + d] * dn;
      g.weight.data[d] += dy.data[at + d] * n.data[at + d];
    }
    mean /= D;
    along /= D;
    for (let d = 0; d < D; d++)
      dx.data[at + d] = rstd[r] * (dy.data[at + d] * weight.data[d] - mean - n.data[at + d] * along);
  }
  return [dx, g];
}

/** y = W[ids]. ids {shape: [B, T], data: integers} -> y (B, T, D) */
function embedding_forward(ids, p) {
  const D = width(p.weight),
    y = tensor([...ids.shape, D]);
  ids.data.forEach((id, i) => y.data.set(p.weight.data.subarray(id * D, (id + 1) * D), i * D));
  return [y, { ids, weight: p.weight }];
}

/** dW[v] = sum of dy over every place where v stands. Integers have no gradient, so there is no dx. */
function embedding_backward(dy, { ids, weight }) {
  const D = width(dy),
    g = tensor(weight.shape);
  ids.data.forEach((id, i) => {
    for (let d = 0; d < D; d++) g.data[id * D + d] += dy.data[i * D + d];
  });
  return { weight: g };
}

/** y = x + p[:T]: a learned vector for each position. x (B, T, D); p (length, D) */
function position_forward(x, p) {
  const step = x.shape[1] * x.shape[2],
    y = tensor(x.shape);
  for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[i] + p.data[i % step];
  return [y, { p }];
}

/** dx = dy,  dp = sum of dy over the batch. */
function position_backward(dy, { p }) {
  const step = dy.shape[1] * dy.shape[2],
    g = tensor(p.shape);
  for (let i = 0; i < dy.data.length; i++) g.data[i % step] += dy.data[i];
  return [dy, g];
}

/** y = [p, x_1, ..., x_T]: the class token goes first. x (B, T, D); p (D) -> y (B, 1 + T, D) */
function prepend_forward(x, p) {
  const [B, T, D] = x.shape,
    y = tensor([B, 1 + T, D]);
  for (let b = 0; b < B; b++) {
    y.data.set(p.data, b * (1 + T) * D);
    y.data.set(x.data.subarray(b * T * D, (b + 1) * T * D), (b * (1 + T) + 1) * D);
  }
  return [y, {}];
}

/** dx = dy[:, 1:],  dp = sum of dy[:, 0] over the batch. */
function prepend_backward(dy) {
  const [B, T1, D] = dy.shape,
    dx = tensor([B, T1 - 1, D]),
    g = tensor([D]);
  for (let b = 0; b < B; b++) {
    const at = b * T1 * D;
    for (let d = 0; d < D; d++) g.data[d] += dy.data[at + d];
    dx.data.set(dy.data.subarray(at + D, at + T1 * D), b * (T1 - 1) * D);
  }
  return [dx, g];
}

/** y[b] = x[b, position[b]]: one token of each sequence. x (B, T, D) -> y (B, D) */
function pick_forward(x, position) {
  const [B, T, D] = x.shape,
    y = tensor([B, D]);
  for (let b = 0; b < B; b++) {
    const at = (b * T + position[b]) * D;
    y.data.set(x.data.subarray(at, at + D), b * D);
  }
  return [y, { shape: x.shape, position }];
}

/** dx[b, position[b]] = dy[b], zero elsewhere. */
function pick_backward(dy, { shape, position }) {
  const [B, T, D] = shape,
    dx = tensor(shape);
  for (let b = 0; b < B; b++) dx.data.set(dy.data.subarray(b * D, (b + 1) * D), (b * T + position[b]) * D);
  return dx;
}

/** y = x sigmoid(1.702 x): OpenAI's activation. */
function quick_gelu_forward(x) {
  const s = tensor(x.shape),
    y = tensor(x.shape);
  for (let i = 0; i < y.data.length; i++) {
    s.data[i] = 1 / (1 + Math.exp(-1.702 * x.data[i]));
    y.data[i] = x.data[i] * s.data[i];
  }
  return [y, { s, y }];
}

/** dx = dy (s + 1.702 y (1 - s)),  s = sigmoid(1.702 x). */
function quick_gelu_backward(dy, { s, y }) {
  const dx = tensor(dy.shape);
  for (let i = 0; i < dx.data.length; i++) dx.data[i] = dy.data[i] * (s.data[i] + 1.702 * y.data[i] * (1 - s.data[i]));
  return dx;
}

/** y = x / |x|, over the last axis; the zero vector stays zero. */
function normalize_forward(x) {
  const E = width(x),
    N = rows(x),
    y = tensor(x.shape),
    length = new Float32Array(N);
  for (let n = 0; n < N; n++) {
    length[n] = Math.sqrt(dot(x.data, n * E, x.data, n * E, E));
    for (let e = 0; e < E; e++) y.data[n * E + e] = length[n] > 0 ? x.data[n * E + e] / length[n] : 0;
  }
  return [y, { y, length }];
}

/** dx = (dy - y <y, dy>) / |x|: only the part along the sphere survives. */
function normalize_backward(dy, { y, length }) {
  const E = width(dy),
    dx = tensor(dy.shape);
  length.forEach((size, n) => {
    const along = dot(y.data, n * E, dy.data, n * E, E);
    for (let i = n * E; i < (n + 1) * E; i++) dx.data[i] = size > 0 ? (dy.data[i] - y.data[i] * along) / size : 0;
  });
  return dx;
}

/**
 * y = softmax(q k^T / sqrt(K)) v, in each head: every query reads a mixture of the values.
 *
 * q (B, T, D); k, v (B, S, D); a head is a run of K = D / heads features. sees(b, t) says how many of the S a query may
 * look at: t + 1 in a causal tower, all where it is left out. -> y (B, T, D); c.weights (B, heads, T, S)
 */
function attend_forward(q, k, v, heads, sees) {
  const [B, T, D] = q.shape,
    S = k.shape[1],
    K = D / heads,
    scale = 1 / Math.sqrt(K);
  const y = tensor(q.shape),
    weights = tensor([B, heads, T, S]);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < T; t++) {
        const at = (b * T + t) * D + h * K,
          w = ((b * heads + h) * T + t) * S,
          n = sees ? sees(b, t) : S;
        let top = -Infinity,
          total = 0;
        for (let s = 0; s < n; s++) {
          const score = scale * dot(q.data, at, k.data, (b * S + s) * D + h * K, K);
          weights.data[w + s] = score;
          if (score > top) top = score;
        }
        for (let s = 0; s < n; s++) total += weights.data[w + s] = Math.exp(weights.data[w + s] - top);
        for (let s = 0; s < n; s++) {
          const share = (weights.data[w + s] /= total),
            from = (b * S + s) * D + h * K;
          for (let i = 0; i < K; i++) y.data[at + i] += share * v.data[from + i];
        }
      }
  return [y, { q, k, v, heads, weights }];
}

/** dv = w^T dy,  dw = dy v^T,  ds = w (dw - <dw, w>) / sqrt(K),  dq = ds k,  dk = ds^T q. */
function attend_backward(dy, { q, k, v, heads, weights }) {
  const [B, T, D] = q.shape,
    S = k.shape[1],
    K = D / heads,
    scale = 1 / Math.sqrt(K);
  const dq = tensor(q.shape),
    dk = tensor(k.shape),
    dv = tensor(v.shape),
    dw = new Float32Array(S);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < T; t++) {
        const at = (b * T + t) * D + h * K,
          w = ((b * heads + h) * T + t) * S;
        let along = 0;
        for (let s = 0; s < S; s++) {
          dw[s] = dot(dy.data, at, v.data, (b * S + s) * D + h * K, K);
          along += dw[s] * weights.data[w + s];
        }
        for (let s = 0; s < S; s++) {
          const share = weights.data[w + s],
            ds = share * (dw[s] - along) * scale,
            from = (b * S + s) * D + h * K;
          if (share === 0) continue;
          for (let i = 0; i < K; i++) {
            dq.data[at + i] += ds * k.data[from + i];
            dk.data[from + i] += ds * q.data[at + i];
            dv.data[from + i] += share * dy.data[at + i];
          }
        }
      }
  return [dq, dk, dv];
}
