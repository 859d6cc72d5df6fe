"use strict";
/*
 * The preset that learns from nothing in a tab: 16 classes, four colours of four shapes, drawn anywhere on the grid in both
 * sizes and all four styles; and the loop, as in miniclip/train (step.py, loop.py). What can be broken is marked "broken".
 */

const PRESET_COLOURS = [0, 2, 3, 5],
  PRESET_SHAPES = [0, 1, 2, 4]; // red, yellow, green, blue; circle, square, triangle, star
const CLASSES = PRESET_SHAPES.flatMap((shape) => PRESET_COLOURS.map((colour) => ({ shape, colour })));
const CLASS_TEXTS = CLASSES.map(({ shape, colour }) => `a ${COLOURS[colour]} ${SHAPES[shape]}`);
const PRESET_WORDS = ["a", ...PRESET_COLOURS.map((i) => COLOURS[i]), ...PRESET_SHAPES.map((i) => SHAPES[i])];
const PRESET_VOCABULARY = new Map(PRESET_WORDS.map((word, i) => [word, 4 + i]));
const PRESET = {
  vision: { patch_size: 8, width: 32, layers: 2, heads: 4 },
  text: { vocab_size: 4 + PRESET_WORDS.length, context_length: 5, width: 32, layers: 1, heads: 4, eos_token_id: END },
  embed_dim: 32,
};
const CLASS_IDS = encode_texts(CLASS_TEXTS, PRESET_VOCABULARY, 5);
const HEALTHY = {
  steps: 800,
  warmup: 50,
  peak_lr: 3e-3,
  batch: 16,
  max_grad_norm: 1,
  temperature: null,
  normalize: true,
  both_directions: true,
  clamp: true,
  duplicates: false,
  shuffled: false,
};
const TRAIN = 0,
  TEST = 1; // splits

/** Item i of a split, of a class: where it is, how large and in which style is hashed from its number. */
function preset_scene(seed, split, i, label) {
  const key = item_key(seed, split, i),
    cell = choose(key, 200, 9);
  const object = { ...CLASSES[label], size: choose(key, 3, 2), row: Math.floor(cell / 3), column: cell % 3 };
  return { key, style: choose(key, 1, STYLES.length), objects: [object] };
}

/** The classes of a batch: each once, in turn; with duplicates, drawn at random, as captions of the web repeat. */
function batch_labels(seed, step, { batch, duplicates }) {
  const key = item_key(seed, TRAIN, 2 ** 40 + step),
    first = choose(key, 0, CLASSES.length);
  return Array.from({ length: batch }, (_, b) =>
    duplicates ? choose(key, 1 + b, CLASSES.length) : (first + b) % CLASSES.length,
  );
}

/** Whose sentences the pictures get: their own; shuffled, those of other pictures of the batch, each time of others. */
function text_labels(labels, seed, step, { shuffled }) {
  const turn = shuffled ? 1 + choose(item_key(seed, TRAIN, 2 ** 41 + step), 0, labels.length - 1) : 0;
  return labels.map((_, b) => labels[(b + turn) % labels.length]);
}

/** The loss that no model can go below: of n equal captions in a batch each is right one time in n. */
function loss_floor(labels) {
  const times = labels.map((label) => labels.filter((other) => other === label).length);
  return times.reduce((sum, n) => sum + Math.log(n), 0) / labels.length;
}

/** The rows of ids of some classes. */
const ids_of = (labels) => rows_of_ids(labels.map((label) => [...CLASS_IDS.data.subarray(5 * label, 5 * label + 5)]));

/** loss, gradients: of a batch. Broken without `normalize` (features meet as they are) or without `both_directions`. */
function loss_and_gradients(images, ids, params, config, options = HEALTHY) {
  const c = {},
    log_scale = options.temperature === null ? params.logit_scale.data[0] : Math.log(options.temperature);
  let image, text, loss, dimage, dtext, dscale;
  [image, c.visual] = vision_forward(images, params.visual, config.vision);
  [text, c.text] = text_forward(ids, params.text, config.text);
  if (options.normalize) {
    [image, c.normalize_image] = normalize_forward(image);
    [text, c.normalize_text] = normalize_forward(text);
  }
  [loss, c.loss] = info_nce_forward(image, text, log_scale);
  if (options.both_directions) [dimage, dtext, dscale] = info_nce_backward(c.loss);
  else [loss, dimage, dtext, dscale] = rows_alone(c.loss);
  if (options.normalize) {
    dimage = normalize_backward(dimage, c.normalize_image);
    dtext = normalize_backward(dtext, c.normalize_text);
  }
  const grads = {
    visual: vision_backward(dimage, c.visual),
    text: text_backward(dtext, c.text),
    logit_scale: tensor([], new Float32Array([options.temperature === null ? dscale : 0])),
  };
  return [loss, grads];
}

/** Broken: "which text belongs to this image?" alone. Nobody asks which image belongs to a text. */
function rows_alone({ c_logits, log_rows }) {
  const B = log_rows.shape[0],
    dS = tensor([B, B]);
  let loss = 0;
  for (let i = 0; i < B; i++) {
    loss -= log_rows.data[i * B + i] / B;
    for (let j = 0; j < B; j++) dS.data[i * B + j] = (Math.exp(log_rows.data[i * B + j]) - (i === j)) / B;
  }
  return [loss, ...logits_backward(dS, c_logits)];
}

/** Parameters on their way down, and how to come back: a copy of all that changes is kept now and then. */
class Training {
  constructor(seed, textures, options = {}) {
    Object.assign(this, { seed, textures, step: 0, options: { ...HEALTHY, ...options }, kept: [] });
    this.params = init_clip(seed, PRESET);
    this.optimizer = new AdamW(this.params);
    this.test = Array.from({ length: 8 * CLASSES.length }, (_, i) => preset_scene(seed, TEST, i, i % CLASSES.length));
    this.test_images = normalize_images(this.test.map((scene) => draw_scene(scene, textures)));
    this.keep();
  }

  /** One batch: its loss, its gradients, clipping, AdamW, then the cap on the scale. */
  advance() {
    const { options, params } = this,
      labels = batch_labels(this.seed, this.step, options);
    const scenes = labels.map((label, b) => preset_scene(this.seed, TRAIN, 64 * this.step + b, label));
    const images = normalize_images(scenes.map((scene) => draw_scene(scene, this.textures)));
    const ids = ids_of(text_labels(labels, this.seed, this.step, options));
    const [loss, tree] = loss_and_gradients(images, ids, params, PRESET, options),
      grads = flatten(tree);
    const norm = clip_by_global_norm(grads, options.max_grad_norm);
    if (!Number.isFinite(loss + norm)) return { step: this.step, diverged: true };
    const lr = warmup_cosine(Math.min(this.step, options.steps - 1), options.steps, options.warmup, options.peak_lr);
    this.optimizer.step(grads, lr);
    if (options.clamp) params.logit_scale.data[0] = Math.min(params.logit_scale.data[0], MAX_LOGIT_SCALE);
    this.step += 1;
    return {
      step: this.step,
      loss,
      floor: loss_floor(labels),
      chance: Math.log(labels.length),
      gradient_norm: norm,
      learning_rate: lr,
      scale: options.temperature ?? Math.exp(params.logit_scale.data[0]),
    };
  }

  /** What the model makes of pictures that it was never trained on, by the classes' sentences. */
  look() {
    let [image] = vision_forward(this.test_images, this.params.visual, PRESET.vision);
    let [text] = text_forward(CLASS_IDS, this.params.text, PRESET.text);
    [image] = normalize_forward(image);
    [text] = normalize_forward(text);
    const S = product(image, text),
      M = CLASSES.length;
    const predicted = Array.from({ length: image.shape[0] }, (_, n) => {
      const row = S.data.subarray(n * M, (n + 1) * M);
      return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
    });
    const right = predicted.filter((label, n) => label === n % M).length;
    return { step: this.step, accuracy: right / predicted.length, predicted, image, text };
  }

  keep() {
    const copy = (leaves) =>
      Object.fromEntries(Object.entries(leaves).map(([name, leaf]) => [name, (leaf.data ?? leaf).slice()]));
    this.kept.push({
      step: this.step,
      params: copy(this.optimizer.params),
      m: copy(this.optimizer.m),
      v: copy(this.optimizer.v),
    });
  }

  /** Back to the last copy at or before a step; from there it goes on as it did, unless the options have changed. */
  rewind(step) {
    while (this.kept.length > 1 && this.kept[this.kept.length - 1].step > step) this.kept.pop();
    const { step: at, params, m, v } = this.kept[this.kept.length - 1];
    for (const [name, leaf] of Object.entries(this.optimizer.params)) {
      leaf.data.set(params[name]);
      this.optimizer.m[name].set(m[name]);
      this.optimizer.v[name].set(v[name]);
    }
    this.step = this.optimizer.t = at;
  }
}
