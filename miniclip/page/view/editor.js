"use strict";
/* The editor of the chosen picture: shapes on a grid, strokes of the mouse, a picture from a file. */

/** The editor: the chosen picture, nine places, what to put there. */
function show_editor() {
  const { scene, picture } = chosen();
  paint($("canvas"), picture);
  $("canvas").setAttribute(
    "aria-label",
    `picture ${state.selected + 1}${scene ? `: ${describe_scene(scene)}` : ", drawn by hand or opened"}`,
  );
  $("cells").classList.toggle("off", state.drawing);
  $("editor-note").textContent = state.drawing
    ? "Draw with the mouse in the chosen colour."
    : "Choose a shape, a colour and a size, then a place. What stands there is taken away. A picture has at most three shapes, with a free place between any two: older ones give way.";
  const [a, b, c] = scene?.objects ?? [];
  $("swap").disabled = !(b && !c && a.colour !== b.colour && a.shape !== b.shape);
  $("swap").title = $("swap").disabled ? "for a picture of two shapes, unlike in shape and colour" : "";
  $("undo").disabled = !before.length;
  const { brush } = state,
    set = (name) => (value) => {
      brush[name] = value;
      show_editor();
    };
  const glyph = (shape) =>
    svg(
      "svg",
      { viewBox: "-1.15 -1.15 2.3 2.3", "aria-hidden": "true" },
      svg("path", { d: outlines(shape), fill: "currentColor", "fill-rule": "evenodd" }),
    );
  palette(
    "shape",
    SHAPES.map((name, i) => [i, glyph(i), name]),
    brush.shape,
    set("shape"),
  );
  palette(
    "colour",
    COLOURS.map((name, i) => [i, "", name]),
    brush.colour,
    set("colour"),
  );
  palette(
    "size",
    SIZES.map((name, i) => [i, name, name]),
    brush.size,
    set("size"),
  );
  palette(
    "style",
    STYLES.map((name, i) => [i, name, name]),
    scene?.style ?? -1,
    (style) => edit({ style }),
  );
  palette(
    "tool",
    [
      [false, "place", "put shapes on the grid"],
      [true, "draw", "draw by hand"],
    ],
    state.drawing,
    (drawing) => {
      state.drawing = drawing;
      show_editor();
    },
  );
  [...document.querySelectorAll("#palette-colour button")].forEach((button, i) => {
    button.style.background = css(PALETTE[i].map((x) => Math.round(255 * x)));
  });
}

function palette(name, options, value, choose) {
  const id = `palette-${name}`;
  if (!$(id)) $("palette").append(element("div", { id, class: "chips", role: "radiogroup", "aria-label": name }));
  const had = $(id).contains(document.activeElement);
  choice($(id), options, value, choose, { class: name });
  const checked = $(id).querySelector('[aria-checked="true"]');
  if (!checked) $(id).firstChild.tabIndex = 0;
  if (had) checked?.focus();
}

/** Change the chosen picture's scene; its sentence follows, unless it was typed. */
function edit(change) {
  remember();
  const pair = chosen(),
    old = pair.scene ?? { key: item_key(0, 1, state.selected), style: 0, objects: [] };
  pair.scene = with_picture({ ...old, ...change });
  pair.picture = pair.scene.picture;
  if (!pair.own) pair.text = pair.scene.objects.length ? describe_scene(pair.scene) : "an empty picture";
  state.covered = [];
  update();
}

/** Put the brush's shape on a place of the grid, or take away what stands there. */
function place(row, column) {
  const objects = chosen().scene?.objects ?? [],
    standing = objects.find((o) => o.row === row && o.column === column);
  if (standing) return edit({ objects: objects.filter((o) => o !== standing) });
  const far = objects.filter((o) => Math.max(Math.abs(o.row - row), Math.abs(o.column - column)) >= 2);
  const kept = far.slice(-2),
    gone = objects.filter((o) => !kept.includes(o));
  edit({ objects: [...kept, { ...state.brush, row, column }] });
  if (gone.length)
    $("editor-note").textContent = `Gone, since it was too near or a fourth: ${gone.map(describe_object).join(", ")}.`;
}

/** The sentence that the chosen picture gets by itself: of its scene, or where there is none what the model writes. */
function write_sentence() {
  remember();
  const pair = chosen(),
    written = () =>
      write(normalize_images([pair.picture]), "", MODEL)
        .words.map(({ word }) => word)
        .join(" ");
  Object.assign(pair, { text: pair.scene ? describe_scene(pair.scene) : written(), own: !pair.scene });
  update();
}

/** The next picture becomes the chosen one with its two objects' colours exchanged: can the towers tell them apart? */
function exchange() {
  remember();
  const [a, b] = chosen().scene.objects,
    pair = chosen(),
    other = (state.selected + 1) % state.pairs.length;
  const exchanged = [
    { ...a, colour: b.colour },
    { ...b, colour: a.colour },
  ];
  state.pairs[other] = new_pair(other, pair.scene.style, exchanged);
  Object.assign(pair, { text: describe_scene(pair.scene), own: false });
  update();
  $("swap-said").textContent = $("editor-note").textContent = twins_said(state.selected, other);
}

/** Whether two pairs are told apart, each by its sentence. */
function twins_said(i, j) {
  const at = (a, b) => now.cosine.data[a * state.pairs.length + b].toFixed(2);
  const apart = at(i, i) > at(i, j) && at(j, j) > at(j, i);
  return (
    `Picture ${j + 1} is now the same with the colours exchanged. Each with its own sentence: ${at(i, i)} and ${at(j, j)}; ` +
    `with the other's: ${at(i, j)} and ${at(j, i)}. ${apart ? "Here it tells them apart, if by little" : "It does not tell them apart; a large scale only makes it sure by accident"}.`
  );
}

/** A stroke of the mouse at a place of the canvas (in pixels of 32). */
function stroke(x, y) {
  const pair = chosen(),
    picture = pair.picture.slice(),
    colour = PALETTE[state.brush.colour],
    radius = state.brush.size ? 2 : 1.2;
  for (let row = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++) {
      const alpha = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y)));
      for (let k = 0; k < 3; k++)
        picture[3 * (row * SIDE + column) + k] += alpha * (colour[k] - picture[3 * (row * SIDE + column) + k]);
    }
  Object.assign(pair, { scene: null, picture, own: true });
  paint($("canvas"), picture);
}

/** A picture from a file: its middle square, 32 pixels wide. */
async function open_file(file) {
  try {
    const image = await createImageBitmap(file),
      side = Math.min(image.width, image.height),
      canvas = element("canvas", { width: SIDE, height: SIDE });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    const picture = Float32Array.from(
      { length: SIDE * SIDE * 3 },
      (_, i) => data[4 * Math.floor(i / 3) + (i % 3)] / 255,
    );
    remember();
    Object.assign(chosen(), { scene: null, picture, own: true });
    update();
    $("editor-note").textContent =
      "Its middle square, 32 pixels wide. This model knows one world: plain shapes in eight colours. Of anything else it says something all the same.";
  } catch {
    $("editor-note").textContent = `${file.name} is no picture that this browser opens: try a PNG or a JPEG.`;
  }
}

function start_editor() {
  $("cells").append(
    ...Array.from({ length: 9 }, (_, n) =>
      element("button", {
        type: "button",
        "aria-label": `place ${CELLS[Math.floor(n / 3)][n % 3]}`,
        onclick: () => place(Math.floor(n / 3), n % 3),
      }),
    ),
  );
  rove($("cells"), () => 3);
  $("swap").onclick = exchange;
  $("sentence").onclick = write_sentence;
  $("undo").onclick = () => {
    state.pairs = before.pop();
    update();
  };
  $("clear").onclick = () => edit({ objects: [] });
  $("file").onchange = (event) => {
    if (event.target.files[0]) open_file(event.target.files[0]);
    event.target.value = "";
  };
  const stage = $("stage"),
    canvas = $("canvas");
  for (const type of ["dragenter", "dragover"])
    stage.addEventListener(type, (event) => {
      event.preventDefault();
      stage.classList.add("dropping");
    });
  for (const type of ["dragleave", "drop"]) stage.addEventListener(type, () => stage.classList.remove("dropping"));
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) open_file(event.dataTransfer.files[0]);
  });
  const draw = (event) => {
    const box = canvas.getBoundingClientRect();
    stroke(((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (state.drawing) {
      remember();
      canvas.setPointerCapture(event.pointerId);
      draw(event);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    if (state.drawing && event.buttons) draw(event);
  });
  canvas.addEventListener("pointerup", () => {
    if (state.drawing) update();
  });
  for (const button of document.querySelectorAll("[data-show]"))
    button.onclick = () => {
      state.shown = button.dataset.show;
      update();
      $("matrix").scrollIntoView({ block: "center" });
    };
  for (const button of document.querySelectorAll("[data-scale]"))
    button.onclick = () => {
      state.scale = Number(button.dataset.scale);
      update();
    };
  $("try-swap").onclick = () => {
    remember();
    state.pairs[6] = new_pair(6, 0, [of("red", "circle", 1, 0, 0), of("blue", "square", 1, 2, 2)]);
    state.selected = 6;
    exchange();
  };
  $("scale").oninput = (event) => {
    state.scale = Math.exp(Number(event.target.value));
    update();
  };
  $("learned").onclick = () => {
    state.scale = LEARNED;
    update();
  };
}
