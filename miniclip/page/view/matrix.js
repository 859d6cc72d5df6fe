"use strict";
/* The eight pairs, and the matrix of all pictures with all sentences. */

const SHOWN = {
  cosine: [
    "cosine",
    "The cosine of each picture (row) with each sentence (column): how nearly their arrows point the same way, from -1 to 1.",
  ],
  logits: ["cosine x scale", "What the softmax gets. The scale is learned: cosines alone are too close to each other."],
  P_rows: ["each row's softmax", "Each picture asks: which sentence is mine? Every row sums to 1."],
  P_columns: ["each column's softmax", "Each sentence asks: which picture is mine? Every column sums to 1."],
  push: [
    "the push",
    "What a step of training would change: blue together, red apart. It is the truth less both softmaxes: what is already sure gets none.",
  ],
};

function show_pairs() {
  const place = $("pairs");
  if (!place.children.length)
    place.append(
      ...state.pairs.map((_, i) =>
        element(
          "div",
          { class: "pair" },
          element("span", { class: "number", "aria-hidden": "true" }, String(i + 1)),
          element(
            "button",
            {
              type: "button",
              onclick: () => {
                state.selected = i;
                state.covered = [];
                update();
              },
            },
            element("img", { class: "pixels", alt: "" }),
          ),
          element("input", {
            type: "text",
            "aria-label": `sentence ${i + 1}`,
            spellcheck: "false",
            autocomplete: "off",
            oninput: (event) => {
              Object.assign(state.pairs[i], { text: event.target.value, own: true });
              update();
            },
          }),
        ),
      ),
    );
  state.pairs.forEach(({ picture, text }, i) => {
    const [, button, input] = place.children[i].children,
      strange = unknown_words(text);
    button.firstChild.src = address(picture);
    button.setAttribute("aria-label", `edit picture ${i + 1}`);
    button.setAttribute("aria-pressed", String(i === state.selected));
    if (input.value !== text) input.value = text;
    input.title = strange.length ? `unknown to this model: ${strange.join(", ")}` : "";
  });
}

function show_matrix(found) {
  const B = state.pairs.length,
    cell = 56,
    left = 76,
    top = 66,
    values = found[state.shown];
  const figure = drawing(
    left + B * cell + 8,
    top + B * cell + 8,
    `${SHOWN[state.shown][0]} of ${B} pictures with ${B} sentences`,
  );
  const most = {
    cosine: 1,
    P_rows: 1,
    P_columns: 1,
    logits: Math.max(20, state.scale),
    push: Math.max(1e-9, ...values.data.map(Math.abs)),
  }[state.shown];
  figure.append(
    svg("text", { x: 4, y: 16, "font-size": 12, style: "fill: var(--image)" }, "pictures"),
    svg("text", { x: 4, y: 32, "font-size": 12, style: "fill: var(--text)" }, "sentences \u2192"),
  );
  for (let i = 0; i < B; i++) {
    figure.append(
      svg("image", {
        href: address(state.pairs[i].picture),
        x: 22,
        y: top + i * cell + 4,
        width: 48,
        height: 48,
        style: "image-rendering: pixelated",
      }),
      svg("text", { x: 4, y: top + i * cell + 33, "font-size": 14 }, String(i + 1)),
      ...two_lines(state.pairs[i].text).map((line, n) =>
        svg(
          "text",
          {
            x: left + i * cell + cell / 2,
            y: top - 28 + 11 * n,
            "font-size": 9.5,
            "text-anchor": "middle",
            style: "fill: var(--text)",
          },
          line,
        ),
      ),
      svg(
        "text",
        { x: left + i * cell + cell / 2, y: top - 42, "font-size": 14, "text-anchor": "middle" },
        String(i + 1),
      ),
    );
    for (let j = 0; j < B; j++) {
      const value = values.data[i * B + j],
        colour = heat(value / most),
        x = left + j * cell,
        y = top + i * cell;
      figure.append(
        svg(
          "g",
          {},
          svg("title", {}, `picture ${i + 1}, sentence ${j + 1}, "${state.pairs[j].text}": ${value.toFixed(3)}`),
          svg("rect", {
            x: x + 1,
            y: y + 1,
            width: cell - 2,
            height: cell - 2,
            rx: 3,
            fill: css(colour),
            ...(i === j ? { stroke: theme("--ink"), "stroke-width": 2 } : {}),
          }),
          svg(
            "text",
            {
              x: x + cell / 2,
              y: y + cell / 2 + 5,
              "text-anchor": "middle",
              "font-size": 14,
              style: `fill: ${ink_on(colour)}`,
            },
            number(value),
          ),
        ),
      );
    }
  }
  show("matrix", figure, `clip-${state.shown}`);
  show_numbers(values, B);
  $("matrix-note").textContent = SHOWN[state.shown][1];
  const chance = Math.log(B),
    again = found.floor > 0 ? `; the floor, since sentences repeat, is ${found.floor.toFixed(2)}` : "";
  $("why-loss").textContent = why_loss(found);
  $("loss").textContent =
    `loss ${found.loss.toFixed(3)} nats; guessing among ${B} gives ln ${B} = ${chance.toFixed(2)}${again}`;
}

/** The same for those who do not see it, or want to copy the numbers. */
function show_numbers(values, B) {
  const head = (text, scope) => element("th", { scope }, text);
  const line = (i) => [...values.data.subarray(i * B, (i + 1) * B)].map((value) => element("td", {}, value.toFixed(3)));
  const names = state.pairs.map(({ text }, j) => head(`${j + 1} ${text}`, "col"));
  $("numbers").replaceChildren(
    element(
      "table",
      { class: "reading" },
      element(
        "caption",
        { class: "visually-hidden" },
        `${SHOWN[state.shown][0]}: rows are pictures, columns sentences`,
      ),
      element("thead", {}, element("tr", {}, element("td"), ...names)),
      element(
        "tbody",
        {},
        ...state.pairs.map((_, i) => element("tr", {}, head(`picture ${i + 1}`, "row"), ...line(i))),
      ),
    ),
  );
}

/** What is left of the loss, in words: the pair that costs most, and what takes its share. */
function why_loss({ loss, P_rows, P_columns }) {
  const B = state.pairs.length,
    costs = state.pairs.map((_, i) => -Math.log(P_rows.data[i * (B + 1)] * P_columns.data[i * (B + 1)]) / 2);
  const i = costs.indexOf(Math.max(...costs)),
    column = state.pairs.map((_, j) => P_columns.data[j * B + i]),
    row = state.pairs.map((_, j) => P_rows.data[i * B + j]);
  const rival = (shares) => shares.reduce((best, share, j) => (j !== i && share > (shares[best] ?? -1) ? j : best), -1),
    [r, c] = [rival(row), rival(column)];
  const most =
    column[c] >= row[r]
      ? `its sentence gives picture ${c + 1} ${(100 * column[c]).toFixed(0)} % of its softmax`
      : `its picture gives sentence ${r + 1} ${(100 * row[r]).toFixed(0)} % of its softmax`;
  return (
    `It is a mean of ${2 * B} questions, and would be 0 if each right answer got all of its softmax. Now it is ${loss.toFixed(3)}, most of it from pair ${i + 1} (${costs[i].toFixed(2)}): ${most}. ` +
    "Where a sentence fits two pictures nobody can know which was meant, and the loss has a floor; where all fit only their own, it falls with the scale, and never quite to 0."
  );
}

const number = (value) => (Math.abs(value) >= 10 ? value.toFixed(0) : Math.abs(value) < 0.005 ? "0" : value.toFixed(2));

/** The two words that say most of a sentence, its colour and its shape where it has them, one above the other. */
function two_lines(text) {
  const words = split_words(text),
    kinds = words.filter((word) => COLOURS.includes(word) || SHAPES.includes(word));
  const cut = (line) => shorten(line, 11);
  return kinds.length >= 2
    ? [cut(kinds.slice(0, -1).join(" ").slice(0, 24)), cut(kinds[kinds.length - 1])].slice(0, 2)
    : [cut(words.slice(0, 2).join(" ")), cut(words.slice(2, 4).join(" "))];
}

function show_match(found) {
  show_editor();
  show_pairs();
  choice(
    $("shown"),
    Object.entries(SHOWN).map(([name, [label]]) => [name, label, label]),
    state.shown,
    (name) => {
      state.shown = name;
      update();
    },
  );
  $("scale").value = Math.log(state.scale);
  $("scale-value").textContent = state.scale.toFixed(1);
  show_matrix(found);
  show_space(found);
}
