"use strict";
/* Words <-> integers, and a sentence about a scene: as in miniclip/data (tokenizer.py, grammar.py, captions.py). */

const PAD = 0,
  UNK = 1,
  START = 2,
  END = 3;
const CELLS = [
  ["in the top left corner", "at the top centre", "in the top right corner"],
  ["on the centre left", "in the centre", "on the centre right"],
  ["in the bottom left corner", "at the bottom centre", "in the bottom right corner"],
];

/** The words of a text, in lower case; ASCII punctuation falls away, any other sign is a word of its own. */
const split_words = (text) =>
  text
    .normalize("NFC")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+|[^\p{L}\p{N}_\s!-/:-@[-`{-~]/gu) ?? [];

/** The ids of a row of words: start, words, end; what does not fit is cut. */
function encode_words(words, vocabulary, room) {
  return [START, ...words.slice(0, room - 2).map((word) => vocabulary.get(word) ?? UNK), END];
}

/** Rows of ids, padded to the longest: {shape: [B, T], data}. */
function rows_of_ids(lists) {
  const T = Math.max(...lists.map((ids) => ids.length)),
    data = new Int32Array(lists.length * T).fill(PAD);
  lists.forEach((ids, b) => data.set(ids, b * T));
  return { shape: [lists.length, T], data };
}

/** Texts as the text tower reads them. vocabulary: Map of word -> id; room: tokens in a text */
const encode_texts = (texts, vocabulary, room) =>
  rows_of_ids(texts.map((text) => encode_words(split_words(text), vocabulary, room)));

/** an orange circle, a red circle */
const with_article = (words) => `${"aeio".includes(words[0]) ? "an" : "a"} ${words}`;

/** a large red circle in the top left corner */
const describe_object = ({ size, colour, shape, row, column }) =>
  `${with_article(`${SIZES[size]} ${COLOURS[colour]} ${SHAPES[shape]}`)} ${CELLS[row][column]}`;

/** A true sentence about a scene: of one object all, of more their colours and shapes. */
function describe_scene({ objects }) {
  if (objects.length === 1) return describe_object(objects[0]);
  return objects.map(({ colour, shape }) => with_article(`${COLOURS[colour]} ${SHAPES[shape]}`)).join(" and ");
}
