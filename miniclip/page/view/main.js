"use strict";
/* The page begins here: every change goes through `update`. */

let now; // what the pairs give, computed anew at each change

function update() {
  now = compute();
  show_match(now);
  show_inside(now);
  show_find(now);
}

const FIRST_FUNCTIONS = ["info_nce_forward", "info_nce_backward", "vision_forward", "text_forward"];

/** The functions of the page beside NumPy's: both are text in this file. */
function start_code() {
  $("function").append(
    ...FIRST_FUNCTIONS.concat(Object.keys(DATA.numpy).filter((name) => !FIRST_FUNCTIONS.includes(name))).map((name) =>
      element("option", {}, name),
    ),
  );
  const show_code = () => {
    const name = $("function").value;
    $("js").textContent = String(window[name]);
    $("numpy").textContent = DATA.numpy[name];
  };
  $("function").onchange = show_code;
  show_code();
}

function start() {
  const root = document.documentElement,
    dark = matchMedia("(prefers-color-scheme: dark)");
  const paint_theme = (name) => {
    root.dataset.theme = name;
    if (now) {
      update();
      show_train();
    }
  };
  paint_theme(dark.matches ? "dark" : "light");
  dark.onchange = () => paint_theme(dark.matches ? "dark" : "light");
  $("theme").onclick = () => paint_theme(root.dataset.theme === "dark" ? "light" : "dark");
  $("projector").onclick = () => {
    const on = root.toggleAttribute("data-projector");
    $("projector").setAttribute("aria-pressed", String(on));
  };
  $("link").onclick = async () => {
    history.replaceState(null, "", link_of_state());
    try {
      await navigator.clipboard.writeText(location.href);
      say("link copied");
      $("link").textContent = "Copied";
    } catch {
      $("link").textContent = "In the address";
    }
    setTimeout(() => {
      $("link").textContent = "Copy link";
    }, 1500);
  };
  let turned;
  addEventListener("resize", () => {
    clearTimeout(turned);
    turned = setTimeout(() => {
      show_matrix(now);
      show_space(now);
      show_classes(now);
      show_train();
    }, 150);
  });
  addEventListener("hashchange", () => {
    if (open_link(location.hash)) update();
  });
  start_editor();
  start_find();
  start_code();
  open_link(location.hash);
  update();
  show_written("");
  start_train();
}

start();
