"use strict";
/* Elements, colours, thumbnails; and any drawing as a figure to paste. */

const $ = (id) => document.getElementById(id);

/** An HTML element: attributes, `on...` functions among them, then children, strings or elements. */
function element(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function dress(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  node.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return node;
}

/** A colour of the theme, such as "--ink". */
const theme = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A drawing of some width and height, which scales; `label` says in words what is seen. */
const drawing = (width, height, label) =>
  svg("svg", { class: "drawing", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });

/** How wide a drawing may be there, such that its letters are as large as those of the page. */
const room = (place, most) => Math.max(330, Math.min(most, $(place).clientWidth || most));

/** A text of at most n characters. */
const shorten = (text, n) => (text.length > n ? `${text.slice(0, n - 1)}\u2026` : text);

/** A button says for a moment what it has done. */
function tell(button, text) {
  const before = (button.dataset.says ??= button.textContent);
  button.textContent = text;
  say(text);
  setTimeout(() => {
    button.textContent = before;
  }, 1500);
}

/** Put a drawing where it belongs, with a button that copies it. */
function show(place, figure, name) {
  const copy = element(
    "button",
    { class: "copy", type: "button", onclick: (event) => copy_figure(figure, name, event.currentTarget) },
    "Copy as figure",
  );
  $(place).replaceChildren(figure, copy);
}

/** A drawing as an SVG file of its own: the theme's colours and the page's font are written into it. */
function as_file(figure) {
  const copy = figure.cloneNode(true),
    { width, height } = figure.viewBox.baseVal,
    own = figure.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((node, i) => {
    const style = getComputedStyle(own[i]);
    for (const name of ["fill", "stroke", "font-size", "font-weight", "opacity"]) node.style[name] = style[name];
  });
  copy.prepend(svg("rect", { width, height, fill: theme("--panel") }));
  Object.entries({ width, height, "font-family": "sans-serif" }).forEach(([name, value]) =>
    copy.setAttribute(name, value),
  );
  return new XMLSerializer().serializeToString(copy);
}

/** To the clipboard as a PNG where the browser allows it, else as an SVG file. */
async function copy_figure(figure, name, button) {
  const file = as_file(figure),
    { width, height } = figure.viewBox.baseVal;
  try {
    const image = new Image(),
      canvas = element("canvas", { width: 2 * width, height: 2 * height });
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(file)}`;
    await image.decode();
    canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const refused = new Promise((_, fail) => setTimeout(fail, 1500)); // some browsers ask, and never answer
    await Promise.race([navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]), refused]);
    tell(button, "Copied");
  } catch {
    const url = URL.createObjectURL(new Blob([file], { type: "image/svg+xml" }));
    element("a", { href: url, download: `${name}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
    tell(button, `Saved as ${name}.svg`);
  }
}

/** Tell those who listen to the page. */
const say = (text) => {
  $("said").textContent = text;
};

/** A picture (Y, X, C) on a canvas, as many pixels as it has. */
function paint(canvas, picture) {
  const context = canvas.getContext("2d"),
    pixels = context.createImageData(SIDE, SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) {
    for (let k = 0; k < 3; k++) pixels.data[4 * at + k] = Math.round(255 * picture[3 * at + k]);
    pixels.data[4 * at + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

/** A picture as the address of an image; each is painted once. */
const address = (() => {
  const known = new WeakMap();
  return (picture) => {
    if (!known.has(picture)) {
      const canvas = element("canvas", { width: SIDE, height: SIDE });
      paint(canvas, picture);
      known.set(picture, canvas.toDataURL());
    }
    return known.get(picture);
  };
})();

/** [r, g, b] of a share: from the panel's colour at 0 to the heat's at 1, and to the cold's at -1. */
function heat(share) {
  const rgb = (text) => text.split(",").map(Number),
    hex = theme("--panel");
  const from = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)),
    to = rgb(theme(share < 0 ? "--cold" : "--heat"));
  return from.map((x, k) => Math.round(x + (to[k] - x) * Math.min(1, Math.abs(share))));
}

const css = (rgb) => `rgb(${rgb.join(",")})`;

/** Black or white, whichever can be read on a colour. */
function ink_on(rgb) {
  const [r, g, b] = rgb.map((x) => ((x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

/** A row of buttons of which one is chosen: [[value, label or element, title], ...]. Arrow keys move the choice. */
function choice(place, options, chosen, choose, attributes = {}) {
  const buttons = options.map(([value, label, title]) =>
    element(
      "button",
      {
        type: "button",
        role: "radio",
        "aria-checked": String(value === chosen),
        tabindex: value === chosen ? 0 : -1,
        title,
        "aria-label": title,
        ...attributes,
        onclick: () => choose(value),
        onkeydown: (event) => {
          const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
          if (!step) return;
          event.preventDefault();
          const i = (buttons.indexOf(event.currentTarget) + step + options.length) % options.length;
          choose(options[i][0]);
          place.children[i]?.focus();
        },
      },
      label,
    ),
  );
  place.replaceChildren(...buttons);
}

/**
 * The two directions in which rows differ most: [project, share]; project(row) -> [x, y].
 *
 * Found by multiplying with the covariance again and again; the second stays at right angles to the first.
 */
function principal(x) {
  const E = width(x),
    N = rows(x),
    mean = column_sum(x).data.map((sum) => sum / N),
    axes = [];
  for (const start of [0, 1]) {
    let axis = Float64Array.from({ length: E }, (_, e) => Math.cos((start + 1) * (e + 1)));
    for (let turn = 0; turn < 60; turn++) {
      const next = new Float64Array(E);
      for (let n = 0; n < N; n++) {
        let along = 0;
        for (let e = 0; e < E; e++) along += (x.data[n * E + e] - mean[e]) * axis[e];
        for (let e = 0; e < E; e++) next[e] += along * (x.data[n * E + e] - mean[e]);
      }
      for (const other of axes) {
        const along = dot(next, 0, other, 0, E);
        for (let e = 0; e < E; e++) next[e] -= along * other[e];
      }
      const length = Math.sqrt(dot(next, 0, next, 0, E)) || 1;
      axis = next.map((value) => value / length);
    }
    axes.push(axis);
  }
  return (data, from, centred = true) =>
    axes.map((axis) => axis.reduce((sum, a, e) => sum + a * (data[from + e] - (centred ? mean[e] : 0)), 0));
}

/** The outline of a shape of radius 1, as an SVG path: where its signed distance is 0, walked around; a ring has two. */
const outlines = (() => {
  const known = [],
    turn = Array.from({ length: 90 }, (_, i) => (2 * Math.PI * i) / 90);
  const walk = (shape, low, high, inside) =>
    turn
      .map((a, i) => {
        let [near, far] = [low, high];
        for (let n = 0; n < 20; n++) {
          const middle = (near + far) / 2,
            within = distances(middle * Math.sin(a), -middle * Math.cos(a))[shape] <= 0;
          if (within === inside) near = middle;
          else far = middle;
        }
        return `${i ? "L" : "M"}${(near * Math.sin(a)).toFixed(3)} ${(-near * Math.cos(a)).toFixed(3)}`;
      })
      .join("") + "Z";
  const hollow = (shape) => (distances(0, 0)[shape] > 0 ? walk(shape, 0, 0.76, false) : "");
  return (shape) => (known[shape] ??= walk(shape, hollow(shape) ? 0.76 : 0, 1.6, true) + hollow(shape));
})();

/** Labels {x, y, text, right, size}, moved up and down until none lies over another: y alone changes. */
function spread(labels) {
  const from = ({ x, text, right, size }) => (right ? x - 0.55 * size * text.length : x),
    to = (label) => from(label) + 0.55 * label.size * label.text.length;
  for (let turn = 0; turn < 60; turn++)
    for (const a of labels)
      for (const b of labels) {
        const apart = b.y - a.y;
        if (a === b || apart < 0 || apart >= a.size * 1.15 || from(a) > to(b) || from(b) > to(a)) continue;
        const move = (a.size * 1.15 - apart) / 2 + 0.01;
        a.y -= move;
        b.y += move;
      }
  return labels;
}

/** Of many buttons one alone takes part in tabbing; arrow keys go to the others, up and down by rows. */
function rove(place, across) {
  const buttons = [...place.children];
  buttons.forEach((button, i) => {
    button.tabIndex = i ? -1 : 0;
    button.addEventListener("keydown", (event) => {
      const columns = across();
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
      const next = step && buttons[i + step];
      if (!next) return;
      event.preventDefault();
      button.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  });
}
