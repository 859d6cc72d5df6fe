"use strict";
/* The towers, what joins them and the loss, as in miniclip/models (vision.py, text.py, clip.py, decoder.py) and nn/losses.py. */

/** y[b, (i, j), (u, v, k)] = images[b, i P + u, j P + v, k]. images (B, Y, X, C) -> (B, N, P P C) */
function patchify_forward(images, P) {
  const [B, Y, X, C] = images.shape,
    down = Y / P,
    across = X / P,
    y = tensor([B, down * across, P * P * C]);
  let at = 0;
  for (let b = 0; b < B; b++)
    for (let i = 0; i < down; i++)
      for (let j = 0; j < across; j++)
        for (let u = 0; u < P; u++) {
          const from = ((b * Y + i * P + u) * X + j * P) * C;
          y.data.set(images.data.subarray(from, from + P * C), at);
          at += P * C;
        }
  return [y, { shape: images.shape, P }];
}

/** tokens = blocks(ln_pre([class, W patches] + positions)): (B, 1 + N, D); with read, only that token: (B, D) */
function vision_trunk_forward(images, p, config, read) {
  const c = {};
  let x;
  [x, c.patchify] = patchify_forward(images, config.patch_size);
  [x, c.patch_embedding] = linear_forward(x, p.patch_embedding);
  [x, c.class_embedding] = prepend_forward(x, p.class_embedding);
  [x, c.positional_embedding] = position_forward(x, p.positional_embedding);
  [x, c.ln_pre] = layer_norm_forward(x, p.ln_pre);
  [x, c.blocks] = blocks_forward(x, p.blocks, config.heads, undefined, read);
  return [x, c];
}

function vision_trunk_backward(dy, c) {
  const g = {};
  let dx;
  [dx, g.blocks] = blocks_backward(dy, c.blocks);
  [dx, g.ln_pre] = layer_norm_backward(dx, c.ln_pre);
  [dx, g.positional_embedding] = position_backward(dx, c.positional_embedding);
  [dx, g.class_embedding] = prepend_backward(dx);
  g.patch_embedding = { weight: product(transpose(dx), transpose(c.patch_embedding.x)) }; // pixels do not learn
  return g;
}

/** features = W ln_post(class token) of the trunk. images (B, Y, X, C) normalised -> (B, E) */
function vision_forward(images, p, config) {
  let x, c;
  [x, c] = vision_trunk_forward(images, p, config, new Int32Array(images.shape[0]));
  [x, c.ln_post] = layer_norm_forward(x, p.ln_post);
  [x, c.proj] = linear_forward(x, p.proj);
  return [x, c];
}

function vision_backward(dy, c) {
  const g = {};
  let dx;
  [dx, g.proj] = linear_backward(dy, c.proj);
  [dx, g.ln_post] = layer_norm_backward(dx, c.ln_post);
  return Object.assign(g, vision_trunk_backward(dx, c));
}

/** Where the end token first stands in each row. ids (B, T) */
function end_positions(ids, end) {
  const [B, T] = ids.shape;
  return Int32Array.from({ length: B }, (_, b) => ids.data.subarray(b * T, (b + 1) * T).indexOf(end));
}

/** A token looks at itself and at what came before. */
const causal = (b, t) => t + 1;

/** features = W ln_final(blocks(embedding[ids] + positions)) at the end token. ids (B, T) -> (B, E) */
function text_forward(ids, p, config) {
  const c = {},
    read = end_positions(ids, config.eos_token_id);
  let x;
  [x, c.token_embedding] = embedding_forward(ids, p.token_embedding);
  [x, c.positional_embedding] = position_forward(x, p.positional_embedding);
  [x, c.blocks] = blocks_forward(x, p.blocks, config.heads, causal, read);
  [x, c.ln_final] = layer_norm_forward(x, p.ln_final);
  [x, c.text_projection] = linear_forward(x, p.text_projection);
  return [x, c];
}

function text_backward(dy, c) {
  const g = {};
  let dx;
  [dx, g.text_projection] = linear_backward(dy, c.text_projection);
  [dx, g.ln_final] = layer_norm_backward(dx, c.ln_final);
  [dx, g.blocks] = blocks_backward(dx, c.blocks);
  [dx, g.positional_embedding] = position_backward(dx, c.positional_embedding);
  g.token_embedding = embedding_backward(dx, c.token_embedding);
  return g;
}

/** Both towers: [[image, text], c], each (B, E), unit vectors. They meet only in the loss. */
function clip_forward(images, ids, p, config) {
  const c = {};
  let image, text;
  [image, c.visual] = vision_forward(images, p.visual, config.vision);
  [image, c.normalize_image] = normalize_forward(image);
  [text, c.text] = text_forward(ids, p.text, config.text);
  [text, c.normalize_text] = normalize_forward(text);
  return [[image, text], c];
}

function clip_backward(dimage, dtext, c) {
  return {
    visual: vision_backward(normalize_backward(dimage, c.normalize_image), c.visual),
    text: text_backward(normalize_backward(dtext, c.normalize_text), c.text),
  };
}

/** S = exp(logit_scale) image text^T. image (N, E), text (M, E) -> (N, M) */
function logits_forward(image, text, logit_scale) {
  const scale = Math.exp(logit_scale),
    S = product(image, text);
  for (let i = 0; i < S.data.length; i++) S.data[i] *= scale;
  return [S, { image, text, scale, S }];
}

/** dimage = s dS text,  dtext = s dS^T image,  dlogit_scale = sum(dS S). */
function logits_backward(dS, { image, text, scale, S }) {
  const scaled = tensor(
    dS.shape,
    dS.data.map((d) => scale * d),
  );
  return [
    product(scaled, transpose(text)),
    product(transpose(scaled), transpose(image)),
    dot(dS.data, 0, S.data, 0, S.data.length),
  ];
}

/** y = z - max z - ln sum exp(z - max z), over the last axis. */
function log_softmax_forward(z) {
  const M = width(z),
    y = tensor(z.shape);
  for (let r = 0; r < rows(z); r++) {
    const row = z.data.subarray(r * M, (r + 1) * M),
      top = row.reduce((a, b) => Math.max(a, b));
    const sum = Math.log(row.reduce((total, x) => total + Math.exp(x - top), 0));
    for (let m = 0; m < M; m++) y.data[r * M + m] = row[m] - top - sum;
  }
  return [y];
}

/** loss = -(1/2B) sum_i (ln softmax_row(S)[i, i] + ln softmax_column(S)[i, i]): symmetric InfoNCE. */
function info_nce_forward(image, text, logit_scale) {
  const [S, c_logits] = logits_forward(image, text, logit_scale),
    B = S.shape[0];
  const [log_rows] = log_softmax_forward(S),
    [log_columns] = log_softmax_forward(transpose(S));
  let loss = 0;
  for (let i = 0; i < B; i++) loss -= (log_rows.data[i * B + i] + log_columns.data[i * B + i]) / (2 * B);
  return [loss, { c_logits, log_rows, log_columns }];
}

/** dS = (P_rows + P_columns - 2 I) / 2B: softmax minus truth, in both directions. -> dimage, dtext, dlogit_scale */
function info_nce_backward({ c_logits, log_rows, log_columns }) {
  const B = log_rows.shape[0],
    dS = tensor([B, B]);
  for (let i = 0; i < B; i++)
    for (let j = 0; j < B; j++)
      dS.data[i * B + j] =
        (Math.exp(log_rows.data[i * B + j]) + Math.exp(log_columns.data[j * B + i]) - (i === j ? 2 : 0)) / (2 * B);
  return logits_backward(dS, c_logits);
}

/** logits = h W^T,  h = ln_final(blocks(embedding[ids] + positions, ln_memory(memory))): the next word at each place. */
function decoder_forward(ids, p, config, memory) {
  const c = {};
  let x, logits;
  [x, c.token_embedding] = embedding_forward(ids, p.token_embedding);
  [x, c.positional_embedding] = position_forward(x, p.positional_embedding);
  [memory, c.ln_memory] = layer_norm_forward(memory, p.ln_memory);
  c.blocks = p.blocks.map((block) => {
    let cache;
    [x, cache] = decoder_block_forward(x, memory, block, config.heads, causal);
    return cache;
  });
  [x, c.ln_final] = layer_norm_forward(x, p.ln_final);
  [logits, c.head] = linear_forward(x, p.token_embedding);
  return [logits, c];
}
