"use strict";
/* The model in the page: the shipped system's weights, half precision in the file, single in memory. */

/** base64 -> Float32Array of the half-precision numbers in it, little-endian. */
function halves(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const words = new Uint16Array(bytes.buffer),
    y = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const sign = words[i] & 0x8000 ? -1 : 1,
      exponent = (words[i] >> 10) & 31,
      fraction = words[i] & 1023;
    y[i] = sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (2 ** -14 * fraction) / 1024);
  }
  return y;
}

/** The page's data (see build.py) -> {params, config, vocabulary, words, word_ids}: what the functions here take. */
function open_model({ shapes, weights, config, vocabulary, words }) {
  const numbers = halves(weights),
    named = {};
  let at = 0;
  for (const [name, shape] of shapes) {
    const size = shape.reduce((a, b) => a * b, 1);
    named[name] = tensor(shape, numbers.subarray(at, (at += size)));
  }
  const ids = (list) => new Map(list.map((word, id) => [word, id]));
  return { params: unflatten(named), config, vocabulary: ids(vocabulary), words, word_ids: ids(words) };
}

/** Embeddings of pictures (Y, X, C), and the cache, where the attention is. */
function encode_pictures(pictures, { params, config }) {
  const [features, c] = vision_forward(normalize_images(pictures), params.visual, config.vision);
  return [normalize_forward(features)[0], c];
}

/** Embeddings of sentences, and the cache. */
function encode_sentences(texts, { params, config, vocabulary }) {
  const [features, c] = text_forward(
    encode_texts(texts, vocabulary, config.text.context_length),
    params.text,
    config.text,
  );
  return [normalize_forward(features)[0], c];
}
