"use strict";
/* What the towers look at: attention over patches and over words, and what a covered patch costs. */

/** heads x (N): the class token's attention to the patches in a layer, of the one picture that was embedded. */
function class_attention(c_image, layer) {
  const {
    shape: [, heads, T, S],
    data,
  } = c_image.blocks[layer].attn.attend.weights;
  return Array.from({ length: heads }, (_, h) => data.subarray(h * T * S + 1, h * T * S + S));
}

/** A picture, dark but where something looks: weights of its 4 x 4 patches, the largest fully lit. */
function lit(picture, weights) {
  const most = Math.max(...weights),
    side = Math.sqrt(weights.length),
    patch = SIDE / side;
  return picture.map((x, i) => {
    const row = Math.floor(i / 3 / SIDE),
      column = Math.floor(i / 3) % SIDE;
    return x * (0.15 + (0.85 * weights[Math.floor(row / patch) * side + Math.floor(column / patch)]) / most);
  });
}

/** The picture with some patches in the colour that most of its pixels have. */
function cover(picture, patches) {
  const middle = [0, 1, 2].map((k) => picture.filter((_, i) => i % 3 === k).sort()[(SIDE * SIDE) / 2]);
  return picture.map((x, i) =>
    patches.includes(4 * Math.floor(Math.floor(i / 3 / SIDE) / 8) + Math.floor((Math.floor(i / 3) % SIDE) / 8))
      ? middle[i % 3]
      : x,
  );
}

function show_patches(found) {
  const { picture, text } = chosen(),
    covered = cover(picture, state.covered),
    [image, c] = encode_pictures([covered], MODEL),
    E = width(image);
  const before = found.cosine.data[state.selected * (state.pairs.length + 1)],
    after = dot(image.data, 0, found.text.data, state.selected * E, E);
  if (!$("patches").children.length)
    $("patches").append(
      ...Array.from({ length: 16 }, (_, n) =>
        element(
          "button",
          {
            type: "button",
            onclick: () => {
              state.covered = state.covered.includes(n)
                ? state.covered.filter((other) => other !== n)
                : [...state.covered, n];
              update();
            },
          },
          element("canvas", { width: 8, height: 8 }),
        ),
      ),
    );
  const whole = element("canvas", { width: SIDE, height: SIDE });
  paint(whole, covered);
  [...$("patches").children].forEach((button, n) => {
    const hidden = state.covered.includes(n);
    button.firstChild.getContext("2d").drawImage(whole, 8 * (n % 4), 8 * Math.floor(n / 4), 8, 8, 0, 0, 8, 8);
    button.setAttribute("aria-pressed", String(hidden));
    button.setAttribute("aria-label", `patch ${n + 1}, ${hidden ? "covered" : "shown"}`);
  });
  $("cover-note").textContent = state.covered.length
    ? `With ${state.covered.length} of 16 patches covered, the cosine with "${shorten(text, 60)}" goes from ${before.toFixed(3)} to ${after.toFixed(3)}.`
    : `The picture as the tower gets it: 16 patches of 8 by 8 pixels, a token each. Click a patch to cover it: what happens to the cosine with "${shorten(text, 60)}", now ${before.toFixed(3)}?`;
  return { c, covered };
}

function show_heads({ c, covered }) {
  const maps = class_attention(c, state.layer);
  choice($("layers"), maps_layers(c), state.layer, (layer) => {
    state.layer = layer;
    update();
  });
  $("heads").replaceChildren(
    ...maps.map((weights, h) => {
      const canvas = element("canvas", {
        width: SIDE,
        height: SIDE,
        role: "img",
        "aria-label": `head ${h + 1} looks most at patch ${weights.indexOf(Math.max(...weights)) + 1}`,
      });
      paint(canvas, lit(covered, weights));
      return element("div", {}, canvas, element("span", {}, `head ${h + 1}`));
    }),
  );
}

const maps_layers = (c) => c.blocks.map((_, n) => [n, `layer ${n + 1}`, `layer ${n + 1}`]);

function show_reading({ c_text }) {
  const words = ["start", ...split_words(chosen().text).slice(0, LONGEST_SENTENCE), "end"],
    n = words.length;
  const {
      shape: [, heads, T, S],
      data,
    } = c_text.blocks[state.text_layer].attn.attend.weights,
    t = T > 1 ? n - 1 : 0;
  choice($("text-layers"), maps_layers(c_text), state.text_layer, (layer) => {
    state.text_layer = layer;
    update();
  });
  const cells = Array.from({ length: heads }, (_, h) =>
    data.subarray(((state.selected * heads + h) * T + t) * S, ((state.selected * heads + h) * T + t) * S + n),
  );
  $("reading").replaceChildren(
    element(
      "table",
      { class: "reading" },
      element("caption", { class: "visually-hidden" }, "what the end token reads, a row for each head"),
      element(
        "thead",
        {},
        element("tr", {}, element("td"), ...words.map((word) => element("th", { scope: "col" }, word))),
      ),
      element(
        "tbody",
        {},
        ...cells.map((row, h) =>
          element(
            "tr",
            {},
            element("th", { scope: "row" }, `head ${h + 1}`),
            ...[...row].map((share) => {
              const colour = heat(share);
              return element(
                "td",
                { style: `background: ${css(colour)}; color: ${ink_on(colour)}` },
                share >= 0.005 ? share.toFixed(2) : "0",
              );
            }),
          ),
        ),
      ),
    ),
  );
}

function show_inside(found) {
  show_heads(show_patches(found));
  show_reading(found);
}
