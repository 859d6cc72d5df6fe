"use strict";
/* First weights, the learning rate, clipping and AdamW, as in miniclip (models, nn/optim.py). */

const INITIAL_LOGIT_SCALE = Math.log(1 / 0.07),
  MAX_LOGIT_SCALE = Math.log(100);

/** A source of normal numbers: each is hashed from a seed and its own number (Box and Muller 1958). */
function normal_numbers(seed) {
  let n = 0;
  const key = mix(BigInt(seed) + 1n);
  return (shape, std) => {
    const x = tensor(shape);
    for (let i = 0; i < x.data.length; i++)
      x.data[i] = std * Math.sqrt(-2 * Math.log(1 - uniform(key, n++))) * Math.cos(2 * Math.PI * uniform(key, n++));
    return x;
  };
}

const ones = (D) => tensor([D], new Float32Array(D).fill(1));
const init_layer_norm = (D) => ({ weight: ones(D), bias: tensor([D]) });

function init_linear(normal, d_in, d_out, std = d_in ** -0.5, bias = true) {
  const p = { weight: normal([d_out, d_in], std) };
  if (bias) p.bias = tensor([d_out]);
  return p;
}

function init_block(normal, D, layers) {
  const out = (2 * layers * D) ** -0.5;
  return {
    ln_1: init_layer_norm(D),
    attn: { in_proj: init_linear(normal, D, 3 * D), out_proj: init_linear(normal, D, D, out) },
    ln_2: init_layer_norm(D),
    mlp: { c_fc: init_linear(normal, D, 4 * D, (2 * D) ** -0.5), c_proj: init_linear(normal, 4 * D, D, out) },
  };
}

/** Random filters, each of sum 0 over its pixels: an even patch gives 0. */
function init_patch_embedding(normal, P, D) {
  const p = init_linear(normal, P * P * 3, D, undefined, false),
    n = P * P;
  for (let d = 0; d < D; d++)
    for (let k = 0; k < 3; k++) {
      let mean = 0;
      for (let i = 0; i < n; i++) mean += p.weight.data[(d * n + i) * 3 + k] / n;
      for (let i = 0; i < n; i++) p.weight.data[(d * n + i) * 3 + k] -= mean;
    }
  return p;
}

/** One vector for the class token, then f(i) + g(j) for the patch in row i, column j: a line and a parabola each. */
function init_grid_position(normal, side, D) {
  const [first, a, b, a2, b2] = Array.from({ length: 5 }, () => normal([D], 0.4).data),
    y = tensor([1 + side * side, D]);
  const line = Array.from({ length: side }, (_, i) => -1 + (2 * i) / (side - 1));
  const centred = line.map((x) => x * x - line.reduce((sum, z) => sum + z * z, 0) / side);
  const parabola = centred.map((x) => x / Math.max(...centred.map(Math.abs)));
  y.data.set(first);
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++)
      for (let d = 0; d < D; d++)
        y.data[(1 + i * side + j) * D + d] =
          line[i] * a[d] + parabola[i] * b[d] + line[j] * a2[d] + parabola[j] * b2[d];
  return y;
}

function init_clip(seed, { vision, text, embed_dim }) {
  const normal = normal_numbers(seed),
    side = SIDE / vision.patch_size,
    V = vision.width,
    D = text.width;
  return {
    visual: {
      patch_embedding: init_patch_embedding(normal, vision.patch_size, V),
      class_embedding: normal([V], V ** -0.5),
      positional_embedding: init_grid_position(normal, side, V),
      ln_pre: init_layer_norm(V),
      blocks: Array.from({ length: vision.layers }, () => init_block(normal, V, vision.layers)),
      ln_post: init_layer_norm(V),
      proj: init_linear(normal, V, embed_dim, undefined, false),
    },
    text: {
      token_embedding: { weight: normal([text.vocab_size, D], 0.02) },
      positional_embedding: normal([text.context_length, D], 0.01),
      blocks: Array.from({ length: text.layers }, () => init_block(normal, D, text.layers)),
      ln_final: init_layer_norm(D),
      text_projection: init_linear(normal, D, embed_dim, undefined, false),
    },
    logit_scale: tensor([], new Float32Array([INITIAL_LOGIT_SCALE])),
  };
}

/** Up a line, then down half a cosine. */
function warmup_cosine(step, steps, warmup, peak) {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  return 0.5 * peak * (1 + Math.cos((Math.PI * (step - warmup)) / (steps - warmup)));
}

/** g min(1, max_norm / |g|), in place; returns |g|. Gradients as flatten gives them. */
function clip_by_global_norm(grads, max_norm) {
  const leaves = Object.values(grads).map((leaf) => leaf.data);
  const norm = Math.sqrt(leaves.reduce((sum, g) => sum + dot(g, 0, g, 0, g.length), 0));
  if (norm > max_norm) for (const g of leaves) for (let i = 0; i < g.length; i++) g[i] *= max_norm / norm;
  return norm;
}

/** m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  theta -= lr (m^ / (sqrt(v^) + eps) + decay theta). */
class AdamW {
  constructor(params, [b1, b2] = [0.9, 0.95], eps = 1e-6, decay = 0.1) {
    Object.assign(this, { params: flatten(params), b1, b2, eps, decay, t: 0, m: {}, v: {} });
    for (const [name, leaf] of Object.entries(this.params))
      for (const moment of [this.m, this.v]) moment[name] = new Float32Array(leaf.data.length);
  }

  /** Move the parameters, in place. grads: by name, as flatten gives them */
  step(grads, lr) {
    const { b1, b2, eps } = this;
    this.t += 1;
    for (const [name, { data, shape }] of Object.entries(this.params)) {
      const g = grads[name].data,
        m = this.m[name],
        v = this.v[name];
      const shrink = 1 - lr * (shape.length >= 2 ? this.decay : 0); // matrices decay, levels and lengths do not
      const m_size = lr / (1 - b1 ** this.t),
        v_size = 1 / (1 - b2 ** this.t);
      for (let i = 0; i < data.length; i++) {
        m[i] += (1 - b1) * (g[i] - m[i]);
        v[i] += (1 - b2) * (g[i] * g[i] - v[i]);
        data[i] = shrink * data[i] - (m_size * m[i]) / (Math.sqrt(v[i] * v_size) + eps);
      }
    }
  }
}
