"use strict";
/* Zero-shot, search, descriptions and answers. */

const MOST_CLASSES = 24;
const TEMPLATES = ["a photo of a {}", "{}", "a {}", "a sketch of a {}", "a small {}"];

/** The probabilities of the classes for the chosen picture: a softmax over the cosines of their sentences. */
function show_classes(found) {
  const typed = state.classes
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
    classes = [...new Set(typed)].slice(0, MOST_CLASSES);
  if (!classes.length) {
    $("bars").replaceChildren();
    $("bars-note").textContent = "Type at least one class.";
    return;
  }
  const sentences = classes.map((name) => with_an(state.template.replace("{}", name))),
    [text] = encode_sentences(sentences, MODEL),
    E = width(text);
  const picture = tensor([1, E], found.image.data.subarray(state.selected * E, (state.selected + 1) * E));
  const [S] = logits_forward(picture, text, Math.log(LEARNED)),
    p = log_softmax_forward(S)[0].data.map(Math.exp);
  const W = room("bars", 900),
    line = 30,
    left = W > 600 ? 320 : 0.42 * W,
    figure = drawing(
      W,
      classes.length * line + 8,
      `probabilities: ${classes.map((name, i) => `${name} ${(100 * p[i]).toFixed(0)} %`).join(", ")}`,
    );
  const best = p.indexOf(Math.max(...p));
  classes.forEach((name, i) =>
    figure.append(
      svg(
        "text",
        {
          x: left - 10,
          y: i * line + 21,
          "text-anchor": "end",
          "font-size": 15,
          "font-weight": i === best ? 700 : 400,
        },
        shorten(W > 600 ? sentences[i] : name, W > 600 ? 42 : 18),
      ),
      svg("rect", {
        x: left,
        y: i * line + 5,
        width: Math.max(1, p[i] * (W - left - (W > 600 ? 150 : 118))),
        height: line - 9,
        rx: 3,
        fill: theme("--image"),
        opacity: i === best ? 1 : 0.45,
      }),
      svg(
        "text",
        { x: left + Math.max(1, p[i] * (W - left - (W > 600 ? 150 : 118))) + 8, y: i * line + 21, "font-size": 14 },
        `${(100 * p[i]).toFixed(1)} %${W > 600 ? "   cosine" : ","} ${(S.data[i] / LEARNED).toFixed(2)}`,
      ),
    ),
  );
  show("bars", figure, "clip-zero-shot");
  const left_out = new Set(typed).size - classes.length,
    said = unread(classes.join(" "), Infinity);
  $("bars-note").textContent =
    "No classifier was trained: each class is a sentence, and the picture's arrow is compared with each. The shares sum to 1 whether or not a right class is among them: look at the cosine." +
    (left_out ? ` Only the first ${MOST_CLASSES} classes are used, ${left_out} are not.` : "") +
    (said ? ` In the classes: ${said}.` : "");
}

/** a red circle, an orange circle; a class that brings its own article keeps it. */
const with_an = (sentence) => sentence.replace(/\ban? (an? )/g, "$1").replace(/\ba (?=[aeio])/g, "an ");

/** The sheet's scenes in the order of their cosine with a sentence. */
const sheet_embeddings = (() => {
  let known;
  return () =>
    (known ??= encode_pictures(
      SHEET.map(({ picture }) => picture),
      MODEL,
    )[0]);
})();

function show_search() {
  const [text] = encode_sentences([state.query], MODEL),
    S = product(sheet_embeddings(), text).data,
    asked = split_words(state.query).length > 0;
  const order = [...S.keys()].sort((a, b) => S[b] - S[a]),
    place = $("sheet");
  if (!place.children.length) {
    place.append(
      ...SHEET.map((scene) =>
        element(
          "button",
          { type: "button", title: scene.description, onclick: () => bring(scene) },
          element("img", { class: "pixels", alt: "", src: address(scene.picture) }),
        ),
      ),
    );
    rove(place, () => getComputedStyle(place).gridTemplateColumns.split(" ").length);
  }
  SHEET.forEach((scene, n) => {
    const rank = order.indexOf(n),
      button = place.children[n],
      best = asked && rank < 8;
    button.className = best ? "found" : asked ? "faint" : "";
    button.querySelector(".rank")?.remove();
    if (best)
      button.append(
        element(
          "span",
          { class: "rank", "aria-hidden": "true" },
          String(rank + 1),
          element("small", {}, S[n].toFixed(2)),
        ),
      );
    button.setAttribute(
      "aria-label",
      `${best ? `place ${rank + 1}, cosine ${S[n].toFixed(2)}: ` : ""}${scene.description}`,
    );
  });
  const said = unread(state.query, LONGEST_SENTENCE);
  $("query-note").textContent = asked
    ? said && `In this sentence ${said}.`
    : "Type a sentence: without words there is nothing to search for.";
}

/** A scene of the sheet takes the place of the chosen pair. */
function bring(scene) {
  remember();
  Object.assign(chosen(), { scene, picture: scene.picture, text: describe_scene(scene), own: false });
  state.covered = [];
  update();
  $("query-note").replaceChildren(
    `Picture ${state.selected + 1} of the pairs is now ${describe_scene(scene)}: `,
    element("a", { href: "#match" }, "see it there"),
    ".",
  );
  say($("query-note").textContent);
}

const WRITER =
  "The decoder reads the image tower's tokens, and writes one word after another. Point at a word, or tab to it, to see where it looked.";
let looking = 0; // which walk over the words is going on

/** Write, and walk over the words: each lights the patches that the decoder looked at when it chose it. */
function show_written(question) {
  const { picture } = chosen(),
    { words, probability } = write(normalize_images([picture]), question, MODEL),
    walk = ++looking;
  const said = question && unread(question, longest_question(MODEL), MODEL.word_ids);
  const look = (n) => paint_look(picture, words[n].attention);
  $("written").replaceChildren(
    ...words.map(({ word, probability }, n) =>
      element(
        "button",
        {
          type: "button",
          onmouseenter: () => {
            looking++;
            look(n);
          },
          onfocus: () => {
            looking++;
            look(n);
          },
        },
        word,
        element("small", {}, `${(100 * probability).toFixed(0)} %`),
      ),
    ),
  );
  $("written-note").textContent =
    `${question ? "Answer" : "Description"}, ${(100 * probability).toFixed(0)} % likely as a whole by the model's own account. Point at a word, or tab to it, to see where it looked.` +
    (said ? ` In the question ${said}.` : "");
  say(words.map(({ word }) => word).join(" "));
  if (!words.length) return paint_look(picture);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return look(words.length - 1);
  const step = (n) => {
    if (walk === looking && n < words.length) {
      look(n);
      setTimeout(step, 450, n + 1);
    }
  };
  step(0);
}

/** The chosen picture large, lit where the decoder looked, without the class token's share. */
function paint_look(picture, attention) {
  const small = element("canvas", { width: SIDE, height: SIDE }),
    context = $("look").getContext("2d");
  paint(small, attention ? lit(picture, attention.subarray(1)) : picture);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, 256, 256);
}

function start_find() {
  const typed = (id, name, show) => {
    $(id).oninput = (event) => {
      state[name] = event.target.value;
      show();
    };
  };
  typed("classes", "classes", () => show_classes(now));
  typed("query", "query", show_search);
  typed("question", "question", () => {});
  $("template").append(...TEMPLATES.map((template) => element("option", {}, template)));
  $("template").onchange = (event) => {
    state.template = event.target.value;
    show_classes(now);
  };
  $("tell").onclick = () => show_written("");
  $("ask-form").onsubmit = (event) => {
    event.preventDefault();
    if (split_words(state.question).length) show_written(state.question);
    else {
      $("written").replaceChildren();
      $("written-note").textContent = "Ask with words, such as: what colour is the circle?";
    }
  };
}

function show_find(found) {
  for (const name of ["classes", "query", "question", "template"])
    if ($(name).value !== state[name]) $(name).value = state[name];
  show_classes(found);
  show_search();
  looking++;
  paint_look(chosen().picture);
  $("written").replaceChildren();
  $("written-note").textContent = WRITER;
}
