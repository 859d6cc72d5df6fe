"use strict";
/* What the page shows, what follows from it, and a link that opens it again. */

const DATA = JSON.parse($("data").textContent);
const MODEL = open_model(DATA.model),
  TEXTURES = halves(DATA.grain);
const LEARNED = Math.exp(MODEL.params.logit_scale.data[0]);
const SHEET = DATA.sheet.map((scene) => with_picture({ ...scene, key: BigInt(scene.key) }));

const of = (colour, shape, size, row, column) => ({
  colour: COLOURS.indexOf(colour),
  shape: SHAPES.indexOf(shape),
  size,
  row,
  column,
});
const FIRST = [
  [0, of("red", "circle", 0, 1, 0)],
  [1, of("blue", "star", 1, 0, 1)],
  [2, of("green", "square", 1, 2, 2)],
  [3, of("yellow", "heart", 0, 0, 0)],
  [0, of("blue", "circle", 1, 1, 2)],
  [2, of("pink", "ring", 1, 1, 1)],
  [1, of("red", "square", 0, 2, 0)],
  [0, of("cyan", "cross", 1, 0, 2), of("purple", "triangle", 0, 2, 0)],
];

/** A scene with its picture. */
function with_picture(scene) {
  return { ...scene, picture: draw_scene(scene, TEXTURES) };
}

/** A pair: a scene, or `picture` alone where it was drawn by hand; its sentence, which follows the scene until typed over. */
function new_pair(i, style, objects, text) {
  const scene = with_picture({ key: item_key(0, 1, i), style, objects });
  return { scene, picture: scene.picture, text: text ?? describe_scene(scene), own: text !== undefined };
}

const state = {
  pairs: FIRST.map(([style, ...objects], i) => new_pair(i, style, objects, i === 6 ? "a red shape" : undefined)), // which also fits picture 1
  selected: 0,
  scale: LEARNED,
  shown: "cosine",
  brush: { shape: 0, colour: 0, size: 1 },
  drawing: false,
  covered: [],
  layer: 2,
  text_layer: 1,
  classes: "red circle, blue circle, red star, green square",
  template: "a photo of a {}",
  query: "a green heart",
  question: "what colour is the circle?",
};
const before = []; // the pairs as they were, the last change last
const remember = () => {
  before.push(state.pairs.map((pair) => ({ ...pair })));
  if (before.length > 50) before.shift();
};
const chosen = () => state.pairs[state.selected];

/** All that the pairs give: embeddings, caches, logits, softmaxes, the loss, its gradients. */
function compute() {
  const [image, c_image] = encode_pictures(
    state.pairs.map((pair) => pair.picture),
    MODEL,
  );
  const [text, c_text] = encode_sentences(
    state.pairs.map((pair) => pair.text),
    MODEL,
  );
  const [loss, c] = info_nce_forward(image, text, Math.log(state.scale)),
    [dimage, dtext] = info_nce_backward(c);
  const exp = (x) => tensor(x.shape, x.data.map(Math.exp)),
    B = state.pairs.length;
  const P_rows = exp(c.log_rows),
    P_columns = transpose(exp(c.log_columns)),
    cosine = product(image, text);
  const push = tensor(
    [B, B],
    P_rows.data.map((p, at) => -(p + P_columns.data[at] - (at % (B + 1) ? 0 : 2)) / (2 * B)),
  );
  const labels = state.pairs.map(({ text }) => split_words(text).join(" "));
  return {
    image,
    text,
    c_image,
    c_text,
    loss,
    floor: loss_floor(labels),
    dimage,
    dtext,
    cosine,
    logits: c.c_logits.S,
    P_rows,
    P_columns,
    push,
  };
}

/** What the model cannot read of a text, in a sentence, or nothing: unknown words, and what is too long. */
function unread(text, room, ids = MODEL.vocabulary) {
  const words = split_words(text),
    strange = unknown_words(text, ids);
  const said = [];
  if (words.length > room) said.push(`only the first ${room} words are read`);
  if (strange.length) said.push(`unknown here, all read as one word: ${shorten(strange.join(", "), 60)}`);
  return said.join("; ");
}

const LONGEST_SENTENCE = MODEL.config.text.context_length - 2; // words

/** The words of a text that the model never saw, which it reads as one and the same. */
const unknown_words = (text, ids = MODEL.vocabulary) => [
  ...new Set(split_words(text).filter((word) => !ids.has(word))),
];

const KEPT = [
  "selected",
  "scale",
  "shown",
  "classes",
  "template",
  "query",
  "question",
  "layer",
  "text_layer",
  "covered",
];

/** The page as a link: all pairs and choices, in what follows the #. */
function link_of_state() {
  const pairs = state.pairs.map(({ scene, picture, text, own }) => ({
    ...(scene
      ? {
          k: String(scene.key),
          s: scene.style,
          o: scene.objects.map((o) => [o.shape, o.colour, o.size, o.row, o.column]),
        }
      : { p: btoa(String.fromCharCode(...picture.map((x) => Math.round(255 * x)))) }),
    ...(own ? { t: text } : {}),
  }));
  const kept = { pairs, ...Object.fromEntries(KEPT.map((name) => [name, state[name]])) };
  return `#state=${btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(kept))))}`;
}

/** The inverse; what is not such a link changes nothing. */
function open_link(hash) {
  if (!hash.startsWith("#state=")) return false;
  try {
    const kept = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(hash.slice(7)), (c) => c.charCodeAt(0))));
    const pairs = kept.pairs.map(({ k, s, o, p, t }) => {
      if (p)
        return {
          scene: null,
          picture: Float32Array.from(atob(p), (c) => c.charCodeAt(0) / 255),
          text: t ?? "",
          own: true,
        };
      const objects = o.map(([shape, colour, size, row, column]) => ({ shape, colour, size, row, column }));
      const scene = with_picture({ key: BigInt(k), style: s, objects });
      return { scene, picture: scene.picture, text: t ?? describe_scene(scene), own: t !== undefined };
    });
    if (pairs.length !== state.pairs.length || pairs.some(({ picture }) => picture.length !== SIDE * SIDE * 3))
      throw new RangeError("pairs");
    for (const name of KEPT) if (typeof kept[name] === typeof state[name]) state[name] = kept[name];
    state.pairs = pairs;
    return true;
  } catch {
    say("this link does not hold a state of this page");
    return false;
  }
}
