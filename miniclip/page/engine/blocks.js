"use strict";
/* Layers made of layers, as in miniclip/nn (blocks.py, read.py, decoder_blocks.py). A backward reads its forward in reverse. */

/** y = concat_h(attend(q_h, k_h, v_h)) W_o^T + b_o,  [q, k, v] = x W_in^T + b_in. */
function attention_forward(x, p, heads, sees) {
  const c = {};
  let qkv, h, y;
  [qkv, c.in_proj] = linear_forward(x, p.in_proj);
  [h, c.attend] = attend_forward(...split_parts(qkv, 3), heads, sees);
  [y, c.out_proj] = linear_forward(h, p.out_proj);
  return [y, c];
}

function attention_backward(dy, c) {
  const g = {};
  let dh, dx;
  [dh, g.out_proj] = linear_backward(dy, c.out_proj);
  const dqkv = join_parts(attend_backward(dh, c.attend));
  [dx, g.in_proj] = linear_backward(dqkv, c.in_proj);
  return [dx, g];
}

/** Rows `from` to `to` of a map's weight and bias. */
function some_outputs(p, from, to) {
  const D = width(p.weight);
  return {
    weight: tensor([to - from, D], p.weight.data.subarray(from * D, to * D)),
    bias: tensor([to - from], p.bias.data.subarray(from, to)),
  };
}

/** y[b] = attention(x)[b, read[b]]: one token of each sequence asks, all are asked. x (B, T, D) -> y (B, D) */
function read_attention_forward(x, p, heads, sees, read) {
  const c = {},
    [B, , D] = x.shape;
  let asks, q, kv, h, y;
  [asks, c.pick] = pick_forward(x, read);
  [q, c.query] = linear_forward(asks, some_outputs(p.in_proj, 0, D));
  [kv, c.others] = linear_forward(x, some_outputs(p.in_proj, D, 3 * D));
  [h, c.attend] = attend_forward(
    reshape(q, [B, 1, D]),
    ...split_parts(kv, 2),
    heads,
    sees && ((b) => sees(b, read[b])),
  );
  [y, c.out_proj] = linear_forward(reshape(h, [B, D]), p.out_proj);
  return [y, c];
}

/** dx, g: the token that asks also has its part in keys and values. */
function read_attention_backward(dy, c) {
  const g = {},
    [B, D] = dy.shape;
  let dh, dasks, query, dx, others;
  [dh, g.out_proj] = linear_backward(dy, c.out_proj);
  const [dq, dk, dv] = attend_backward(reshape(dh, [B, 1, D]), c.attend);
  [dasks, query] = linear_backward(reshape(dq, [B, D]), c.query);
  [dx, others] = linear_backward(join_parts([dk, dv]), c.others);
  g.in_proj = {
    weight: tensor([3 * D, D], new Float32Array([...query.weight.data, ...others.weight.data])),
    bias: tensor([3 * D], new Float32Array([...query.bias.data, ...others.bias.data])),
  };
  return [add(dx, pick_backward(dasks, c.pick)), g];
}

/** y = quick_gelu(x W_1^T + b_1) W_2^T + b_2. */
function mlp_forward(x, p) {
  const c = {};
  let h, y;
  [h, c.c_fc] = linear_forward(x, p.c_fc);
  [h, c.activation] = quick_gelu_forward(h);
  [y, c.c_proj] = linear_forward(h, p.c_proj);
  return [y, c];
}

function mlp_backward(dy, c) {
  const g = {};
  let dh, dx;
  [dh, g.c_proj] = linear_backward(dy, c.c_proj);
  dh = quick_gelu_backward(dh, c.activation);
  [dx, g.c_fc] = linear_backward(dh, c.c_fc);
  return [dx, g];
}

/** x = x + attention(ln_1(x)),  y = x + mlp(ln_2(x)). With `read`, only that token of each: y (B, D) */
function block_forward(x, p, heads, sees, read) {
  const c = {};
  let h;
  [h, c.ln_1] = layer_norm_forward(x, p.ln_1);
  if (read) {
    [h, c.attn] = read_attention_forward(h, p.attn, heads, sees, read);
    [x, c.pick] = pick_forward(x, read);
  } else {
    [h, c.attn] = attention_forward(h, p.attn, heads, sees);
  }
  x = add(x, h);
  [h, c.ln_2] = layer_norm_forward(x, p.ln_2);
  [h, c.mlp] = mlp_forward(h, p.mlp);
  return [add(x, h), c];
}

function block_backward(dy, c) {
  const g = {};
  let dh;
  [dh, g.mlp] = mlp_backward(dy, c.mlp);
  [dh, g.ln_2] = layer_norm_backward(dh, c.ln_2);
  dy = add(dy, dh);
  if (c.pick) {
    [dh, g.attn] = read_attention_backward(dy, c.attn);
    dy = pick_backward(dy, c.pick);
  } else {
    [dh, g.attn] = attention_backward(dy, c.attn);
  }
  [dh, g.ln_1] = layer_norm_backward(dh, c.ln_1);
  return [add(dy, dh), g];
}

/** The blocks, one after the other; only the last is read at one token alone. */
function blocks_forward(x, p, heads, sees, read) {
  const c = p.map((block, n) => {
    let cache;
    [x, cache] = block_forward(x, block, heads, sees, n === p.length - 1 ? read : undefined);
    return cache;
  });
  return [x, c];
}

function blocks_backward(dy, c) {
  const g = new Array(c.length);
  for (let n = c.length - 1; n >= 0; n--) [dy, g[n]] = block_backward(dy, c[n]);
  return [dy, g];
}

/** y = concat_h(attend(q_h, k_h, v_h)) W_o^T + b_o,  q of x, [k, v] of what is looked at: x (B, T, D), context (B, S, M). */
function cross_attention_forward(x, context, p, heads) {
  const c = {};
  let q, kv, h, y;
  [q, c.q_proj] = linear_forward(x, p.q_proj);
  [kv, c.kv_proj] = linear_forward(context, p.kv_proj);
  [h, c.attend] = attend_forward(q, ...split_parts(kv, 2), heads);
  [y, c.out_proj] = linear_forward(h, p.out_proj);
  return [y, c];
}

/** A block that looks at a memory between its two halves; it only writes here, so it has no backward. */
function decoder_block_forward(x, memory, p, heads, sees) {
  const c = {};
  let h;
  [h, c.ln_1] = layer_norm_forward(x, p.ln_1);
  [h, c.attn] = attention_forward(h, p.attn, heads, sees);
  x = add(x, h);
  [h, c.ln_cross] = layer_norm_forward(x, p.ln_cross);
  [h, c.cross] = cross_attention_forward(h, memory, p.cross, heads);
  x = add(x, h);
  [h, c.ln_2] = layer_norm_forward(x, p.ln_2);
  [h, c.mlp] = mlp_forward(h, p.mlp);
  return [add(x, h), c];
}
