"use strict";
/* The world and its pictures, as in miniclip/data (world.py, drawing.py), one scene at a time. */

const SHAPES = ["circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart"];
const COLOURS = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"];
const SIZES = ["small", "large"];
const STYLES = ["photo", "sketch", "painting", "scan"];
const SIDE = 32; // pixels
const PALETTE = [
  [0.85, 0.12, 0.12],
  [0.95, 0.5, 0.08],
  [0.92, 0.84, 0.1],
  [0.12, 0.62, 0.18],
  [0.1, 0.74, 0.8],
  [0.14, 0.28, 0.88],
  [0.48, 0.14, 0.74],
  [0.92, 0.28, 0.64],
];
const CENTRES = [8, 16, 24]; // pixels, for rows and for columns
const RADII = [
  [4.0, 4.5],
  [6.4, 7.0],
]; // pixels, smallest and largest of each size
const JITTER = 0.3,
  TURN = 0.08; // pixels, radians
const WINDOW = 18; // pixels: a side of the square that holds any object
const TABLE = 160,
  REACH = 1.9; // a distance table has TABLE x TABLE entries, from -REACH to REACH
const DRAWING = 300; // the number of the first choice that drawing makes
const IMAGE_MEAN = [0.48145466, 0.4578275, 0.40821073],
  IMAGE_STD = [0.26862954, 0.26130258, 0.27577711];

const float32 = Math.fround;
const bits64 = (x) => BigInt.asUintN(64, x);

/** A one-to-one scrambling of 64-bit numbers: the finaliser of SplitMix64. */
function mix(x) {
  x = bits64((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = bits64((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}

/** A number in [0, 1) for a key and a stream, as if drawn at random. */
const uniform = (key, stream) => Number(mix(bits64(key + BigInt(stream) * 0x9e3779b97f4a7c15n)) >> 11n) * 2 ** -53;

/** A whole number in [0, n) for a key. */
const choose = (key, stream, n) => Math.floor(uniform(key, stream) * n);

/** The key of item i of split number s (0: train, 1: A, ...), from which every choice is hashed. */
const item_key = (seed, s, i) => mix(bits64(mix(mix(BigInt(seed) + 1n) + BigInt(s) + 1n) + BigInt(i)));

/** Signed distance to each of SHAPES of radius 1 at (u, v), v downwards: negative inside. */
function distances(u, v) {
  const a = Math.abs(u),
    b = Math.abs(v),
    rho = Math.hypot(u, v),
    fifth = (2 * Math.PI) / 5;
  const turned = Math.atan2(u, -v) + fifth / 2;
  const angle = Math.abs(turned - fifth * Math.floor(turned / fifth) - fifth / 2); // from the nearest of five tips
  return [
    rho - 0.92,
    Math.max(a, b) - 0.8,
    Math.max(0.866 * a + 0.5 * (-v + 0.15) - 0.15, v - 0.15) - 0.55,
    (a + b - 1.08) / Math.SQRT2,
    0.384 * (rho * Math.cos(angle) - 1.1) + 0.923 * rho * Math.sin(angle),
    Math.min(Math.max(a - 1.0, b - 0.3), Math.max(b - 1.0, a - 0.3)),
    Math.abs(rho - 0.76) - 0.24,
    Math.min(Math.hypot(a - 0.45, v + 0.35) - 0.55, Math.max(0.752 * a + 0.659 * v - 0.659, -v - 0.2)),
  ];
}

/** (shapes, TABLE, TABLE), by v and u: looked up for each pixel, computed once. */
const distance_table = (() => {
  let table;
  return () => {
    if (table) return table;
    table = SHAPES.map(() => new Float32Array(TABLE * TABLE));
    const axis = (i) => ((i + 0.5) / TABLE) * (2 * REACH) - REACH;
    for (let i = 0; i < TABLE; i++)
      for (let j = 0; j < TABLE; j++)
        distances(axis(j), axis(i)).forEach((d, shape) => {
          table[shape][i * TABLE + j] = d;
        });
    return table;
  };
})();

/**
 * The picture of a scene: Float32Array (Y, X, C), intensities in [0, 1].
 *
 * scene {key, style, objects: [{shape, colour, size, row, column}]}, all but the key numbers of the lists above;
 * textures (4, 64, 64): the grain of each style, which the shipped file holds, since it was drawn by NumPy's generator.
 */
function draw_scene(scene, textures) {
  const { style } = scene,
    u = Array.from({ length: 8 }, (_, i) => float32(uniform(scene.key, DRAWING + i)));
  const image = new Float32Array(SIDE * SIDE * 3),
    light = lighting(style, u, textures),
    ground = background(style, u);
  for (let at = 0; at < SIDE * SIDE; at++) for (let k = 0; k < 3; k++) image[3 * at + k] = light[at] + ground[k];
  scene.objects.forEach((object, slot) => paint_object(image, light, scene, object, slot));
  return image.map((x) => Math.min(1, Math.max(0, x)));
}

/** Light grey, white paper, tinted canvas, black: three intensities. */
function background(style, u) {
  const level = [0.8, 0.96, 0.72, 0.08][style],
    spread = [0.16, 0.03, 0.14, 0.08][style];
  const tint = [0.04, 0.02, 0.3, 0.03][style];
  return [1, 2, 3].map((k) => level + spread * (u[0] - 0.5) + tint * (u[k] - 0.5));
}

/** (Y, X): a slope of light across the picture, and the style's texture. */
function lighting(style, u, textures) {
  const slope = [0.1, 0.0, 0.05, 0.03][style],
    light = new Float32Array(SIDE * SIDE);
  const [top, left] = [6, 7].map((i) => Math.min(32, Math.floor(float32(u[i] * 33))));
  const axis = (i) => -1 + (2 * i) / (SIDE - 1);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++)
      light[y * SIDE + x] =
        textures[(style * 64 + top + y) * 64 + left + x] +
        slope * ((2 * u[4] - 1) * axis(y) + (2 * u[5] - 1) * axis(x));
  return light;
}

/** Light becomes dark and dark light; the hue stays. */
const inverted = (colour) => colour.map((x) => x + 1 - Math.max(...colour) - Math.min(...colour));

/** Lay one object over an image, in place. */
function paint_object(image, light, { key, style }, object, slot) {
  const u = Array.from({ length: 7 }, (_, i) => uniform(key, DRAWING + 10 * (slot + 1) + i));
  const [low, high] = RADII[object.size],
    radius = low + (high - low) * u[0];
  const y = CENTRES[object.row] + JITTER * (2 * u[1] - 1),
    x = CENTRES[object.column] + JITTER * (2 * u[2] - 1);
  const turn = TURN * (2 * u[3] - 1),
    step = TABLE / (2 * REACH) / radius;
  const cos = float32(step * Math.cos(turn)),
    sin = float32(step * Math.sin(turn)),
    table = distance_table()[object.shape];
  const colour = style === STYLES.indexOf("scan") ? inverted(PALETTE[object.colour]) : PALETTE[object.colour];
  const start = (centre) => Math.min(SIDE - WINDOW, Math.max(0, Math.round(centre - WINDOW / 2)));
  const top = start(y),
    left = start(x);
  for (let row = top; row < top + WINDOW; row++)
    for (let column = left; column < left + WINDOW; column++) {
      const dy = float32(row + 0.5 - y),
        dx = float32(column + 0.5 - x); // as float32, or pixels at a table's step differ
      const i = table_index(float32(sin * dx), float32(cos * dy)),
        j = table_index(float32(cos * dx), -float32(sin * dy));
      const alpha = coverage(table[i * TABLE + j] * radius, style, row, column),
        at = row * SIDE + column;
      for (let k = 0; k < 3; k++) {
        const over = colour[k] + 0.1 * (u[4 + k] - 0.5) + light[at];
        image[3 * at + k] += alpha * (over - image[3 * at + k]);
      }
    }
}

const table_index = (a, b) => Math.min(TABLE - 1, Math.max(0, Math.trunc(float32(float32(a + b) + TABLE / 2))));

/** How much of a pixel the object covers: full inside, none outside, a slope one pixel wide at the edge. */
function coverage(distance, style, row, column) {
  const clip = (x) => Math.min(1, Math.max(0, x));
  const alpha = clip(0.5 - distance / [1.0, 1.0, 1.7, 1.2][style]);
  if (style !== STYLES.indexOf("sketch")) return alpha;
  return alpha * (1 - clip(-0.7 - distance) * ((row + column) % 3 === 0 ? 0.25 : 0.6)); // hatched inside its outline
}

/** Pictures, (Y, X, C) each, as the towers read them: (B, Y, X, C), each channel with mean 0 and deviation 1. */
function normalize_images(pictures) {
  const images = tensor([pictures.length, SIDE, SIDE, 3]);
  pictures.forEach((picture, b) =>
    picture.forEach((x, i) => {
      images.data[b * picture.length + i] = (x - IMAGE_MEAN[i % 3]) / IMAGE_STD[i % 3];
    }),
  );
  return images;
}
