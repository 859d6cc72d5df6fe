"use strict";
/* The decoder at work, as in miniclip/tasks (captioning.py, vqa.py): a caption, or an answer, word by word, greedily. */

const LONGEST_CAPTION = 36,
  LONGEST_ANSWER = 4; // words

/** start, then the question's words and an end, at most `room` of them; of no question, start alone: then it describes. */
const encode_prompt = (question, vocabulary, room) =>
  question ? encode_words(split_words(question), vocabulary, room) : [START];

/** How many words a question may have: what the decoder has places for, without start, end and the answer. */
const longest_question = ({ params }) => params.decoder.positional_embedding.shape[0] - LONGEST_ANSWER - 2;

/**
 * What the model writes about one picture after a prompt.
 *
 * image (1, Y, X, C); model {params, config, words: [...], word_ids: Map} of a system
 * -> {words: [{word, probability, attention}], probability}; attention: 17 weights, the class token's first, a mean over
 * heads and blocks of where the decoder looked when it chose the word
 */
function write(image, question, model) {
  const { params, config, words, word_ids } = model,
    ids = encode_prompt(question, word_ids, longest_question(model) + 2);
  const [memory] = vision_trunk_forward(image, params.visual, config.vision),
    said = [];
  const most = question ? LONGEST_ANSWER : LONGEST_CAPTION;
  let probability = 1;
  while (said.length < most) {
    const [logits, c] = decoder_forward(rows_of_ids([ids]), params.decoder, config.decoder, memory);
    const T = ids.length,
      V = width(logits),
      next = logits.data.subarray((T - 1) * V, T * V);
    const best = next.indexOf(next.reduce((a, b) => Math.max(a, b)));
    const likely = 1 / next.reduce((sum, z) => sum + Math.exp(z - next[best]), 0);
    probability *= likely;
    if (best === END) break;
    said.push({ word: words[best], probability: likely, attention: look(c, T) });
    ids.push(best);
  }
  return { words: said, probability };
}

/** Where the last of T places looked: a mean over blocks and heads of its weights on the memory. */
function look(c, T) {
  const mean = new Float32Array(c.blocks[0].cross.attend.weights.shape[3]);
  for (const block of c.blocks) {
    const {
      shape: [, heads, , S],
      data,
    } = block.cross.attend.weights;
    for (let h = 0; h < heads; h++)
      for (let s = 0; s < S; s++) mean[s] += data[(h * T + T - 1) * S + s] / (heads * c.blocks.length);
  }
  return mean;
}
