"use strict";
/* The part that trains: orders to the worker, curves, the space, and an exam on unseen pictures. */

const learner = {
  run: 0,
  diverged: false,
  kept: [0],
  marks: [],
  worker: null,
  rows: [],
  looks: [],
  look: null,
  running: false,
  started: 0,
  spent: 0,
  project: null,
};
const EXAM = 32; // unseen pictures that are shown

/** A worker that knows the engine's functions: their text stands in this page. */
function new_worker() {
  const source = `${$("engine").textContent}\n${$("worker").textContent}`;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => heard(data);
  return worker;
}

/** What is to be learned from: the choices and what is broken. */
const options = () => ({
  peak_lr: Number($("lr").value),
  batch: Number($("batch").value),
  temperature: $("temperature").value ? Number($("temperature").value) : null,
  normalize: !$("break-normalize").checked,
  both_directions: !$("break-directions").checked,
  clamp: !$("break-clamp").checked,
  duplicates: $("break-duplicates").checked,
  shuffled: $("break-shuffled").checked,
});

const order = (order, more = {}) => learner.worker.postMessage({ order, ...more });

function start_anew() {
  learner.worker ??= new_worker();
  Object.assign(learner, {
    diverged: false,
    marks: [],
    rows: [],
    looks: [],
    look: null,
    running: false,
    spent: 0,
    project: null,
  });
  learner.run += 1;
  order("start", { run: learner.run, seed: 0, grain: TEXTURES, options: options() });
  show_train();
}

function heard({ run, row, look, kept, stopped, rewound }) {
  if (run !== learner.run) return;
  if (row?.diverged) learner.diverged = true;
  else if (row) learner.rows[row.step] = row;
  if (rewound !== undefined) {
    learner.rows.length = rewound + 1;
    learner.diverged = false;
    learner.looks = learner.looks.filter(({ step }) => step <= rewound);
    learner.marks = learner.marks.filter((step) => step <= rewound);
  }
  if (stopped !== undefined) {
    learner.running = false;
    learner.spent += performance.now() - learner.started;
    say(`stopped after ${stopped} steps: ${percent(learner.look.accuracy)} of unseen pictures named rightly`);
  }
  if (look) {
    learner.look = look;
    learner.looks = [
      ...learner.looks.filter(({ step }) => step !== look.step),
      { step: look.step, accuracy: look.accuracy },
    ];
    learner.kept = kept;
  }
  if (look || stopped !== undefined) show_train();
}

const BREAKS = {
  normalize: "No normalisation: long vectors win whatever their direction, and the first loss is far above guessing.",
  directions: "One direction: pictures choose among sentences, but no sentence ever chooses a picture.",
  clamp: "No cap: in 800 steps the scale stays near 20, so nothing is seen here; in long runs it climbs without end.",
  duplicates:
    "Duplicates: of two equal sentences only one counts as right. The green floor rises, and the loss cannot fall below it.",
  shuffled:
    "Sentences of other pictures: there is nothing to learn, and the loss stays at guessing. Whatever learns here is wrong.",
};

/** What is broken, and what will show it. */
function show_breaks() {
  const broken = Object.entries(BREAKS).filter(([name]) => $(`break-${name}`).checked);
  $("break-note").textContent = broken.map(([, said]) => said).join(" ");
}

const percent = (share) => `${(100 * share).toFixed(0)} %`;

function show_train() {
  const { rows, look, running } = learner,
    last = rows[rows.length - 1];
  $("go").textContent = running ? "Pause" : rows.length > 1 ? "Go on" : "Train";
  const step = look?.step ?? 0,
    done = step >= HEALTHY.steps;
  $("rewind").max = Math.max(step, ...learner.kept);
  $("rewind").value = step;
  $("step-value").textContent = `${step} of ${HEALTHY.steps}`;
  $("go").disabled = $("one").disabled = done && !running;
  if (look) {
    const seconds = (learner.spent + (running ? performance.now() - learner.started : 0)) / 1000;
    $("train-said").textContent = learner.diverged
      ? DIVERGED
      : last
        ? `step ${last.step}: loss ${last.loss.toFixed(3)}, scale ${last.scale.toFixed(1)}, unseen pictures ${percent(look.accuracy)} right (guessing: 6 %), after ${seconds.toFixed(0)} s`
        : `before the first step: unseen pictures ${percent(look.accuracy)} right; guessing gives 6 %`;
    show_curves();
    show_embeddings(look);
    show_exam(look);
  }
}

const DIVERGED =
  "The loss is no number any more: it has diverged. Rewind, take a lower learning rate, or mend what is broken.";

function show_curves() {
  const { rows, looks } = learner,
    W = room("curves", 560),
    H = 200,
    steps = HEALTHY.steps,
    left = 48,
    figure = drawing(W, 2 * H + 40, "loss and accuracy over the steps of training");
  const seen = rows.filter(Boolean),
    most = Math.max(3.2, ...seen.map(({ loss }) => Math.min(loss, 8))),
    x = (step) => left + ((W - left - 12) * step) / steps;
  const y = (value) => 18 + (H - 30) * (1 - Math.min(value, most) / most),
    y2 = (share) => H + 26 + (H - 30) * (1 - share);
  const path = (points) => points.map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
  const smooth = seen.map(({ step }, i) => {
    const near = seen.slice(Math.max(0, i - 9), i + 1);
    return [x(step), y(near.reduce((sum, { loss }) => sum + loss, 0) / near.length)];
  });
  const line = (points, colour, more = {}) =>
    svg("path", { d: path(points), fill: "none", stroke: colour, "stroke-width": 2, ...more });
  const words = (px, py, text, more = {}) => svg("text", { x: px, y: py, "font-size": 12, ...more }, text);
  for (const value of most > 4 ? [0, 2, 4, 6, 8].filter((tick) => tick <= most) : [0, 1, 2, 3])
    figure.append(
      svg("line", { x1: left, x2: W - 12, y1: y(value), y2: y(value), stroke: theme("--line") }),
      words(left - 8, y(value) + 4, String(value), { "text-anchor": "end" }),
    );
  for (const share of [0, 0.5, 1])
    figure.append(
      svg("line", { x1: left, x2: W - 12, y1: y2(share), y2: y2(share), stroke: theme("--line") }),
      words(left - 8, y2(share) + 4, percent(share), { "text-anchor": "end" }),
    );
  figure.append(
    line(
      seen.map(({ step, chance }) => [x(step), y(chance)]),
      theme("--muted"),
      { "stroke-dasharray": "5 4" },
    ),
    line(
      seen.map(({ step, floor }) => [x(step), y(floor)]),
      theme("--good"),
      { "stroke-dasharray": "2 3" },
    ),
    line(
      seen.map(({ step, loss }) => [x(step), y(loss)]),
      theme("--image"),
      { opacity: 0.3, "stroke-width": 1 },
    ),
    line(smooth, theme("--image")),
  );
  figure.append(
    words(left, 10, "loss, nats", { "font-weight": 600 }),
    words(left, H + 16, "unseen pictures named rightly", { "font-weight": 600 }),
    line(
      looks.map(({ step, accuracy }) => [x(step), y2(accuracy)]),
      theme("--text"),
    ),
    words(left, 2 * H + 24, "step 0"),
    words(W - 12, 2 * H + 24, String(steps), { "text-anchor": "end" }),
  );
  const last = seen[seen.length - 1];
  if (last)
    figure.append(
      words(W - 14, y(last.chance) + 15, `guessing: ln ${Math.round(Math.exp(last.chance))}`, {
        "text-anchor": "end",
        style: "fill: var(--muted)",
      }),
      words(W - 14, y(last.floor) - 5, "floor", { "text-anchor": "end", style: "fill: var(--good)" }),
      ...learner.marks.map((step) =>
        svg(
          "line",
          { x1: x(step), x2: x(step), y1: 18, y2: 2 * H, stroke: theme("--bad"), "stroke-dasharray": "1 4" },
          svg("title", {}, `changed at step ${step}`),
        ),
      ),
    );
  show("curves", figure, "clip-training");
}

/** Sentences and pictures on two axes: those of the sentences, turned as little as possible from look to look. */
function show_embeddings({ image, text }) {
  const W = room("embeddings", 560),
    H = 440,
    E = width(text),
    project = principal(text),
    M = CLASSES.length,
    figure = drawing(W, H, "the classes' sentences, and unseen pictures around them");
  const points = Array.from({ length: M }, (_, n) => project(text.data, n * E)),
    pictures = Array.from({ length: image.shape[0] }, (_, n) => project(image.data, n * E));
  const flips = [0, 1].map((k) =>
    learner.project ? Math.sign(points.reduce((sum, p, n) => sum + p[k] * learner.project[n][k], 0)) || 1 : 1,
  );
  for (const p of [...points, ...pictures]) {
    p[0] *= flips[0];
    p[1] *= flips[1];
  }
  learner.project = points;
  const reach = Math.max(0.05, ...[...points, ...pictures].flat().map(Math.abs)) * 1.1,
    at = ([x, y]) => [W / 2 + (x / reach) * (W / 2 - 30), H / 2 - (y / reach) * (H / 2 - 16)];
  const colour = ({ colour }) => css(PALETTE[colour].map((x) => Math.round(255 * x)));
  pictures.forEach((p, n) => {
    const [x, y] = at(p),
      { shape } = CLASSES[n % M];
    figure.append(
      svg("path", {
        d: outlines(shape),
        transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(6)`,
        fill: colour(CLASSES[n % M]),
        opacity: 0.55,
      }),
    );
  });
  const labels = spread(
    points.map((p, n) => {
      const [x, y] = at(p),
        right = x > W - 100;
      figure.append(
        svg(
          "rect",
          {
            x: x - 5,
            y: y - 5,
            width: 10,
            height: 10,
            fill: colour(CLASSES[n]),
            stroke: theme("--ink"),
            "stroke-width": 1.5,
          },
          svg("title", {}, CLASS_TEXTS[n]),
        ),
      );
      return { x: x + (right ? -9 : 9), y: y + 4, right, size: 11, text: CLASS_TEXTS[n].slice(2) };
    }),
  );
  figure.append(
    ...labels.map(({ x, y, text, right, size }) =>
      svg("text", { x, y, "font-size": size, class: "halo", "text-anchor": right ? "end" : "start" }, text),
    ),
  );
  show("embeddings", figure, "clip-embeddings");
}

const exam_pictures = (() => {
  let known;
  return () =>
    (known ??= Array.from({ length: EXAM }, (_, i) =>
      draw_scene(preset_scene(0, TEST, i, i % CLASSES.length), TEXTURES),
    ));
})();

function show_exam({ predicted }) {
  if (!$("exam").children.length)
    $("exam").append(
      ...exam_pictures().map((picture) =>
        element("div", { role: "img" }, element("img", { class: "pixels", alt: "", src: address(picture) })),
      ),
    );
  [...$("exam").children].forEach((box, i) => {
    const truth = CLASS_TEXTS[i % CLASSES.length],
      said = CLASS_TEXTS[predicted[i]];
    box.className = truth === said ? "right" : "wrong";
    box.title = truth === said ? said : `it says ${said}`;
    box.setAttribute("aria-label", `${truth}: ${truth === said ? "right" : `it says ${said}`}`);
  });
}

function start_train() {
  start_anew();
  const go = () => {
    learner.running = true;
    learner.started = performance.now();
    order("go");
    show_train();
  };
  show_breaks();
  $("go").onclick = () => (learner.running ? order("pause") : go());
  $("one").onclick = () => order("one");
  $("reset").onclick = start_anew;
  $("rewind").onchange = (event) => order("rewind", { step: Number(event.target.value) });
  for (const id of ["lr", "batch", "temperature", ...Object.keys(BREAKS).map((name) => `break-${name}`)])
    $(id).onchange = () => {
      order("options", { options: options() });
      if (learner.look?.step) learner.marks.push(learner.look.step);
      show_breaks();
      show_train();
    };
}
