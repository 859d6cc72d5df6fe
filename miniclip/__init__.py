"""miniclip: CLIP small enough to hold in your head.

Two towers map pictures and sentences into one space, and a contrastive loss pulls the pairs together. All of it is
NumPy, with every gradient derived by hand. The files in the order in which to read them:

The first hour, CLIP whole

    nn/ops.py                gelu, softmax, attention's core, unit length: operations without parameters, with gradients
    nn/layers.py             linear, embedding, layer norm: init, forward and backward stand together
    nn/blocks.py             attention, the MLP, the transformer block
    nn/losses.py             symmetric InfoNCE and its relatives
    models/vision.py         the image tower
    models/text.py           the text tower
    models/clip.py           what joins them
    nn/tree.py               nested dict <-> dotted names <-> one flat vector
    nn/optim.py              AdamW on one vector, the schedules, clipping
    train/step.py            one batch -> its loss and its gradients
    train/loop.py            the loop that trains everything, and the cap on the temperature

What that stands on

    errors.py                one family of errors, one line each
    machine/memory.py        freed memory is kept
    machine/threads.py       jobs on all cores
    machine/signals.py       Ctrl-C waits for the end of a step
    machine/disk.py          only files are read, nothing is overwritten, trouble is told before the work
    machine/terminal.py      what is typed, and what is said about it
    nn/cache.py              what a forward keeps, and nothing where nobody wants a gradient
    nn/read.py               attention where queries and keys come from two places, or one token alone is read
    nn/reduce.py             sums and maxima of short rows, fast
    nn/erf.py                the error function
    nn/decoder_ops.py        the surprise at a word, a yes or no, a mean over tokens: what a decoder needs besides
    nn/gradcheck.py          is this backward right?
    nn/floors.py             what a loss can be compared with: chance, and how low it can go
    nn/checks.py             what may go into a loss
    nn/chunked.py            InfoNCE where the table of logits does not fit in memory
    models/checks.py         what may go into a model

What the models see

    data/world.py            a scene graph, and all randomness of the data
    data/drawing.py          its pixels
    data/grammar.py          words, the vocabulary, and meanings
    data/captions.py         a scene -> a sentence; is it true? which say the same?
    data/negatives.py        sentences that are false by a word
    data/tokenizer.py        words <-> integers, for any list of words
    data/merges.py           what byte-pair encoding learned
    data/byte_pairs.py       CLIP's words <-> integers: no word is unknown
    data/framing.py          an object from elsewhere, moved to where the world has its own
    data/pictures.py         pictures of one's own, made ready for a model
    data/pairs.py            batches of pictures and captions
    data/questions.py        questions with exactly one right answer
    data/notes.py            a scene in shorthand, for those who cannot see
    data/prompts.py          what a decoder reads, and which words are scored

And what it is good for: models with a decoder, handles, run folders, datasets, tasks

    nn/decoder_blocks.py     cross-attention, and the block that has it
    models/decoder.py        the decoder that captions and answers
    models/writer.py         the same, one word at a time
    models/coca.py           CLIP and decoder on one trunk
    models/bridge.py         from an image tower to a frozen language model
    models/fusion.py         picture and sentence read together
    models/inference.py      forwards without a gradient, on all cores
    model.py                 the handles: pictures and words in, vectors out
    files/storage.py         files that are whole or refused
    files/tensors.py         numbers in files, and no code
    files/hugging_face.py    sizes as others' files have them
    files/names.py           a model's parameters under others' names, in their layouts
    files/words.py           tokenizers in files
    files/state.py           what a run resumes from, and its log
    files/real.py            CLIPs that others trained
    files/checkpoint.py      a run is a folder
    datasets/walk.py         what lies in a folder, and what of it is refused
    datasets/tables.py       rows of tables, and where they are damaged
    datasets/listing.py      what a dataset says it has
    datasets/shards.py       pictures in tar archives
    datasets/layouts.py      the seven layouts in which others write pictures with captions
    datasets/cache.py        pictures decoded once, mapped into memory
    datasets/dataset.py      pictures with their captions, each once, split before all else
    tasks/shares.py          scores that know how sure they are
    tasks/zero_shot.py       the classes are just text
    tasks/retrieval.py       scores of a search, from words to pictures and back
    tasks/generation.py      writing: greedily, by chance, with beams
    tasks/captioning.py      a picture -> a sentence; is it true?
    tasks/vqa.py             a question about a picture -> an answer
    tasks/bridging.py        what the queries of a bridge look at, and as which words
    tasks/evaluate.py        every score of a CLIP beside baselines that must fail
    tasks/saliency.py        which pixels made it say so
    tasks/own_pictures.py    scores on pictures of one's own, beside baselines that must fail
    tasks/probes.py          classifiers of a few labelled pictures
    tasks/matching.py        do they belong together?
    tasks/outside.py         is a picture like those of training?
    tasks/unlisted.py        does a name that nobody listed fit better?

Search

    search/store.py          an index in a folder
    search/index.py          the nearest of many vectors, exactly
    search/ivf.py            search that looks only where the answer probably is
    search/approximate.py    faster search in large indexes, through faiss
    search/queries.py        sentences that are added, subtracted and weighed
    search/gallery.py        pictures and captions, looked at, embedded, saved on the way
    search/folder.py         a folder of pictures as an index that is kept up to date
    search/export.py         an index as other engines read it in
    search/precision.py      how likely each picture is right, from searches whose answers are known
    search/unrelated.py      what stands out from what unrelated queries score
    search/cut.py            where a ranking ends

How a model learns

    train/objectives.py      what can be minimised
    train/backend.py         where the work is done: NumPy or PyTorch
    train/run.py             a stage in a folder: saved, stopped, resumed
    train/sources.py         where pairs come from: the world, or a folder of one's own
    train/clip.py            the recipe of CLIP
    train/fine_tune.py       trained on: all weights, some, few numbers more, or in between
    train/stages.py          from CLIP to a system that describes and answers
    train/plan.py            how each model of the studies is made, or resumed
    train/tables.py          what each study puts beside what
    train/study.py           what was trained, beside what it must be compared with
    train/ranks.py           many GPUs in one process: the right ways to share a batch, and the wrong ones
    labs/                    what is claimed of CLIP, tried: seeds, intervals, bars; a claim a file
The same in PyTorch

    torch/models.py          both towers as nn.Modules
    torch/describers.py      decoder, CoCa, bridge, fusion encoder
    torch/distributed.py     many processes, one batch; how they stop together
    torch/losses.py          the contrastive losses, for a process's share of the pairs
    torch/objectives.py      what can be minimised
    torch/learner.py         the backend, alone or as one of many processes
    torch/measure.py         what the benchmark measures of it

Figures

    figures/style.py         colours by role, sizes, saving
    figures/page.py          a sheet in inches: text that fits, thumbnails, frames
    figures/matrix.py        the contrastive matrix
    figures/training.py      training curves, with the floors under the loss
    figures/zero_shot.py     pictures and the bars of their likeliest classes
    figures/search.py        what a search found
    figures/answers.py       a picture, its caption, and answers about it
    figures/patches.py       a picture, its patches, and the picture again
    figures/lessons/         pictures that notebooks draw
    figures/words.py         where a captioner looked for each object
    figures/saliency.py      what pixels and patches say for a caption
    figures/losses.py        losses of several trainings, with and without a bug
    figures/lab.py           what a lab measured
    figures/overview.py      all of it in one picture
    figures/slide.py         a slide, in four sizes and two themes
    figures/lectures/        the lecture figures, a file each
    figures/film.py          those that move
    figures/render.py        figures into files
    figures/gallery.py       all figures on one sheet
    figures/cards.py         flashcards and the cheat sheet on paper
    figures/deck.py          the slides of some lectures

The exercises

    learn/values.py          arguments and values, and when two are the same
    learn/spec.py            what an exercise is
    learn/specs/             the fifty of them
    learn/seen.py            what an answer did, in one sentence
    learn/verify.py          is an exercise fit to grade others?
    learn/wire.py            values as JSON
    learn/parts.py           a learner's file, and what it uses of others
    learn/child.py           a learner's code, in a process of its own
    learn/sandbox.py         that process, held
    learn/paste.py           a case as code to paste
    learn/grade.py           from a file to a result and the one thing to say
    learn/files.py           stubs and solutions
    learn/results.py         what was reached so far
    learn/kept.py            what else is kept: hints seen, the quiz, the cards
    learn/report.py          results for other tools
    learn/screen.py          what a learner sees
    learn/beside.py          the marked solution beside the learner's
    learn/picture.py         a picture in a terminal
    learn/toy_clip.py        a toy CLIP that a learner's own functions train
    learn/served.py          a learner's functions, called as often as is asked
    learn/rewards.py         what a passed exercise earns: the function at work
    learn/session.py         one exercise at a time, checked when saved
    learn/cards.py           flashcards and the cheat sheet
    learn/items.py           what the quiz asks
    learn/quiz.py            the quiz
    learn/practice.py        quiz and cards in the terminal
    learn/commands.py        miniclip learn ...
    learn/cells.py           a notebook's functions as a file
    learn/lesson.py          what the notebooks use beside the package
    learn/watch.py           trainings in a notebook, seen while they run
    learn/notebook.py        the exercises in a notebook
    learn/fixtures_m4.py     functions that exercises are given
    learn/fixtures_m6.py     the same
    learn/fixtures_m8.py     the same

A class in a box

    classroom/course.py      what belongs to some modules
    classroom/archive.py     archives that are the same bytes every time
    classroom/text.py        briefs as HTML, pages, what is handed out
    classroom/autograde.py   one person's files, graded on a grading machine
    classroom/platforms.py   Gradescope, PrairieLearn, GitHub Classroom
    classroom/nbgrader.py    assignments for nbgrader
    classroom/qti.py         the quiz as QTI 2.1
    classroom/moodle.py      the quiz for Moodle
    classroom/paper.py       plan, quiz, key and notes on paper
    classroom/marks.py       points for a gradebook
    classroom/pack.py        all of it in a folder

In a browser

    page/build.py            CLIP in a tab: scripts that do what NumPy does, weights and scenes, as one file

The command line

    app/printing.py          results for people
    app/show.py              what a run can do, as numbers and pictures
    app/find.py              what a search finds, the same way
    app/results_page.py      what a search found, as one page
    app/timing.py            runs taken in turn: ratios, and how sure they are
    app/measure.py           how fast it is here
    app/measure_clip.py      the same at the size of a real CLIP
    app/measure_index.py     how fast and how good search is
    app/arguments.py         arguments that several commands have
    app/own_data.py          the same for folders of one's own pictures
    app/commands/            the commands, a file each
    app/cli.py               miniclip ...
    __main__.py              python -m miniclip

Sizes, used as axis names everywhere:

    B  batch          T  sequence length   N  patches           D  width        H  heads    K  width of a head
    E  shared space   V  vocabulary        P  side of a patch   C  channels     Y, X  image height and width

The gradient of the loss with respect to z is dz. Inside a function p, c, g are parameters, cache and gradients;
outside they are params, cache, grads, and theta is the flat vector that holds all parameters. Why it is built so is in
ARCHITECTURE.md.
"""

from importlib import import_module

__version__ = "0.1.0"

# Public name -> the module that has it; imported at first use, so that `import miniclip` is quick.
_PUBLIC = {
    "load": "files.checkpoint",
    "save": "files.checkpoint",
    "Model": "model",
    "Describer": "model",
    "preprocess": "data.pictures",
    "open_image": "data.pictures",
    "EXAMPLE": "data.pictures",
    "TrainConfig": "train.clip",
    "classify": "tasks.zero_shot",
    "zero_shot_weights": "tasks.zero_shot",
    "Index": "search.index",
    "caption": "tasks.captioning",
    "answer": "tasks.vqa",
    "explain": "tasks.saliency",
    "MiniclipError": "errors",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'miniclip' has no attribute {name!r}")
    return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__():
    return [*globals(), *__all__]
