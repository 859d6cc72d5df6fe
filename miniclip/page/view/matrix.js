"use strict";
/* The eight pairs, and the matrix of all pictures with all sentences. */

const SHOWN = {
  cosine: [
    "cosine",
    "The cosine of each picture (row) with each sentence (column): how nearly their arrows point the same way, from -1 to 1. Partners end near 0.6, not 1: pictures and sentences keep to two sides of the space, and only the difference to the others counts.",
  ],
  logits: ["cosine x scale", "What the softmax gets. The scale is learned: cosines alone are too close to each other."],
  P_rows: ["each row's softmax", "Each picture asks: which sentence is mine? Every row sums to 1."],
  P_columns: ["each column's softmax", "Each sentence asks: which picture is mine? Every column sums to 1."],
  push: [
    "the push",
    "What a step of training would change: blue together, red apart. It is the truth less both softmaxes, over the 16 questions: what is already sure gets none. Colours are relative to the largest.",
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
            onfocus: remember,
            oninput: (event) => {
              Object.assign(state.pairs[i], { text: event.target.value, own: true });
              update();
            },
          }),
        ),
      ),
    );
  state.pairs.forEach(({ picture, text }, i) => {
    const [, button, input] = place.children[i].children;
    button.firstChild.src = address(picture);
    button.setAttribute("aria-label", `edit picture ${i + 1}`);
    button.setAttribute("aria-pressed", String(i === state.selected));
    if (input.value !== text) input.value = text;
  });
  const notes = state.pairs.map(({ text }, i) => [i + 1, unread(text, LONGEST_SENTENCE)]).filter(([, said]) => said);
  $("pairs-note").textContent = notes.map(([i, said]) => `Sentence ${i}: ${said}.`).join(" ");
}

function show_matrix(found) {
  const B = state.pairs.length,
    left = 76,
    top = 118,
    cell = (room("matrix", left + B * 56 + 40) - left - 32) / B,
    values = found[state.shown],
    large = cell > 48 ? 14 : 11;
  const figure = drawing(
    left + B * cell + 32,
    top + B * cell + 8,
    `${SHOWN[state.shown][0]}: ${B} pictures, ${B} sentences`,
  );
  const most = {
    cosine: 1,
    P_rows: 1,
    P_columns: 1,
    logits: Math.max(20, state.scale),
    push: Math.max(1e-9, ...values.data.map(Math.abs)),
  }[state.shown];
  const words = (x, y, text, more) => svg("text", { x, y, "font-size": large, ...more }, text);
  figure.append(
    words(4, top - 12, "pictures \u2193", { style: "fill: var(--image)", "font-size": 12 }),
    words(4, top - 28, "sentences \u2192", { style: "fill: var(--text)", "font-size": 12 }),
  );
  for (let i = 0; i < B; i++) {
    const { picture, text } = state.pairs[i],
      middle = left + (i + 0.5) * cell,
      side = Math.min(48, cell - 4);
    figure.append(
      svg("image", {
        href: address(picture),
        x: 22,
        y: top + i * cell + (cell - side) / 2,
        width: side,
        height: side,
        style: "image-rendering: pixelated",
      }),
      words(4, top + (i + 0.5) * cell + 5, String(i + 1)),
      words(0, 0, `${i + 1} ${shorten(text, 22)}`, {
        transform: `translate(${middle} ${top - 8}) rotate(-48)`,
        "font-size": 11,
        style: "fill: var(--text)",
      }),
    );
    for (let j = 0; j < B; j++) {
      const value = values.data[i * B + j],
        colour = heat(value / most),
        x = left + j * cell,
        y = top + i * cell,
        frame = i === j ? { stroke: theme("--ink"), "stroke-width": 2 } : {};
      figure.append(
        svg(
          "g",
          {},
          svg(
            "title",
            {},
            `picture ${i + 1}, sentence ${j + 1}, "${shorten(state.pairs[j].text, 80)}": ${value.toFixed(3)}`,
          ),
          svg("rect", { x: x + 1, y: y + 1, width: cell - 2, height: cell - 2, rx: 3, fill: css(colour), ...frame }),
          words(x + cell / 2, y + cell / 2 + 5, number(value), {
            "text-anchor": "middle",
            style: `fill: ${ink_on(colour)}`,
          }),
        ),
      );
    }
  }
  show("matrix", figure, `clip-${state.shown}`);
  show_numbers(values, B);
  $("matrix-note").textContent = SHOWN[state.shown][1];
  const again = found.floor > 0 ? `; the floor, since sentences repeat, is ${found.floor.toFixed(2)}` : "";
  $("why-loss").textContent = why_loss(found);
  $("both-ways").textContent = both_ways(found);
  $("loss").textContent =
    `loss ${found.loss.toFixed(3)} nats (in natural logarithms); guessing among ${B} gives ln ${B} = ${Math.log(B).toFixed(2)}${again}`;
}

/** The same for those who do not see it, or want to copy the numbers. */
function show_numbers(values, B) {
  const head = (text, scope) => element("th", { scope }, text);
  const line = (i) =>
    [...values.data.subarray(i * B, (i + 1) * B)].map((value) =>
      element("td", {}, Math.abs(value) < 0.0005 ? "0" : value.toFixed(3)),
    );
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

const percents = (share) => `${(100 * share).toFixed(0)} %`;

/** Of pair i: what its picture's row and its sentence's column give to it, to the strongest rival, and who that is. */
function shares_of({ P_rows, P_columns }, i) {
  const B = state.pairs.length;
  const look = (shares) => {
    const rival = shares.reduce((best, share, j) => (j !== i && share > (shares[best] ?? -1) ? j : best), -1);
    return { own: shares[i], rival, theirs: shares[rival] };
  };
  return {
    row: look(state.pairs.map((_, j) => P_rows.data[i * B + j])),
    column: look(state.pairs.map((_, j) => P_columns.data[j * B + i])),
  };
}

/** The pair of which one direction is sure and the other is least so, in words. */
function both_ways(found) {
  const all = state.pairs.map((_, i) => shares_of(found, i)),
    apart = all.map(({ row, column }) => Math.abs(row.own - column.own));
  const i = apart.indexOf(Math.max(...apart)),
    { row, column } = all[i];
  return `Now pair ${i + 1} differs most: its picture gives ${percents(row.own)} of its row to its sentence, its sentence ${percents(column.own)} of its column to its picture.`;
}

/** What is left of the loss, in words: the pair that costs most, and what takes its share. */
function why_loss(found) {
  const B = state.pairs.length,
    all = state.pairs.map((_, i) => shares_of(found, i)),
    costs = all.map(({ row, column }) => -Math.log(row.own * column.own) / (2 * B));
  const i = costs.indexOf(Math.max(...costs)),
    { row, column } = all[i];
  const who =
    column.theirs >= row.theirs
      ? `its sentence gives ${percents(column.theirs)} of its softmax to picture number ${column.rival + 1}`
      : `its picture gives ${percents(row.theirs)} of its softmax to sentence number ${row.rival + 1}`;
  return (
    `It is a mean of ${2 * B} questions, and would be 0 if each right answer got all of its softmax. The largest part, ${costs[i].toFixed(3)} of ${found.loss.toFixed(3)}, comes from pair ${i + 1}: ${who}. ` +
    "Where a sentence fits two pictures nobody can know which was meant, and the loss has a floor. Where each fits only its own, a larger scale makes the loss smaller, but never quite 0."
  );
}

const number = (value) => (Math.abs(value) >= 10 ? value.toFixed(0) : Math.abs(value) < 0.005 ? "0" : value.toFixed(2));

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
  $("scale").setAttribute("aria-valuetext", state.scale.toFixed(1));
  show_matrix(found);
  show_space(found);
}
