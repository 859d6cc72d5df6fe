/* The worker that trains: it takes orders between two steps, so the page stays alive. */
let training,
  run = 0,
  running = false;

const EVERY = 10,
  KEEP = 25; // steps: between two looks at unseen pictures, and between two copies to come back to

/** What is told carries the number of its run: who starts anew does not listen to the one before. */
const post = (found) => postMessage({ run, ...found });

const post_look = () => post({ look: training.look(), kept: training.kept.map(({ step }) => step) });

function advance() {
  if (training.step >= training.options.steps) return stop();
  const row = training.advance();
  if (!row.diverged && training.step % KEEP === 0) training.keep();
  post({ row });
  if (row.diverged) return stop();
  if (training.step % EVERY === 0) post_look();
}

function stop() {
  running = false;
  post_look();
  post({ stopped: training.step });
}

function loop() {
  if (!running) return;
  const until = performance.now() + 50;
  while (running && performance.now() < until) advance();
  setTimeout(loop); // what was ordered meanwhile is heard now
}

onmessage = ({ data: { order, seed, grain, options, step, run: number } }) => {
  if (order === "start") {
    run = number;
    training = new Training(seed, grain, options);
    running = false;
    post_look();
  }
  if (order === "options") training.options = { ...training.options, ...options };
  if (order === "go" && !running) {
    running = true;
    loop();
  }
  if (order === "pause" && running) stop();
  if (order === "one") {
    advance();
    post_look();
  }
  if (order === "rewind") {
    if (running) stop();
    training.rewind(step);
    post({ rewound: training.step });
    post_look();
  }
};
