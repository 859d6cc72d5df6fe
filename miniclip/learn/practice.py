"""`miniclip learn quiz`, `cards` and `cheatsheet`: the practice page in a terminal, on paper, and in other tools."""

import json
from pathlib import Path

from ..errors import ConfigError, quote
from . import cards as flashcards
from .files import write_whole
from .grade import Result
from .items import load_quiz
from .quiz import record, run_quiz

SECTIONS = ("self-check", "part-b", "pitfalls", "tables")


def kept(folder: Path, name: str) -> Path:
    """A file beside the progress of the exercises."""
    return folder.parent / ".miniclip" / name


def recall(path: Path) -> dict:
    """What such a file holds; nothing where there is none, or none that can be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def save_json(path: Path, data: dict) -> None:
    """Write such a file, atomically."""
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def quiz(folder: Path, section: str | None, ask, say) -> int:
    """Put the questions of a section, or all; remember the best result of each."""
    path = kept(folder, "quiz.json")
    known = recall(path)
    for one in run_quiz(load_quiz(section), ask, say):
        if one["points"] >= known.get(one["id"], {}).get("points", -1):
            known[one["id"]] = one
    save_json(path, known)
    return 0


def quiz_results(folder: Path) -> list[Result]:
    """The quiz as results, for the reports."""
    known = recall(kept(folder, "quiz.json"))
    found = [known.get(item.id) or record(item, [""]) for item in load_quiz()]
    return [Result(one["id"], one["title"], "quiz", one["max_points"], one["status"], one["points"]) for one in found]


def new_file(path: str, *endings: str) -> Path:
    """Where a file may be written: nothing is overwritten."""
    if Path(path).suffix not in endings:
        raise ConfigError(f"{quote(path)} ends in {Path(path).suffix or 'nothing'}, expected {' or '.join(endings)}")
    return unused(path)


def unused(path: str) -> Path:
    """The path, unless something is there."""
    target = Path(path)
    if target.exists():
        raise ConfigError(f"{quote(path)} exists already: choose another name, or remove it")
    return target


def cards(args, folder: Path, ask, say) -> int:
    """Review what is due, or write the cards to a file."""
    chosen = flashcards.load_cards("seed" if args.seed else None)
    if args.print:
        target = new_file(args.print, ".pdf", ".html")
        if target.suffix == ".html":
            target.write_text(flashcards.html_page(chosen, args.size, args.duplex), encoding="utf-8")
        else:
            from ..figures.cards import cards_pdf

            cards_pdf(chosen, target, args.size, args.duplex)
        say(f"{len(chosen)} cards in {target}")
    elif args.anki:
        target = new_file(args.anki, ".txt")
        target.write_text(flashcards.anki_text(chosen), encoding="utf-8")
        say(f"{len(chosen)} cards in {target}: in Anki, File, Import")
    else:
        path = kept(folder, "cards.json")
        save_json(path, flashcards.review(chosen, recall(path), ask, say))
    return 0


def cheatsheet(args, say) -> int:
    """Print the tables, or write them to a file."""
    sheet = flashcards.load_cheatsheet()
    if not args.print:
        say(flashcards.cheatsheet_text(sheet))
        return 0
    target = new_file(args.print, ".pdf", ".md")
    if target.suffix == ".md":
        target.write_text(flashcards.cheatsheet_markdown(sheet), encoding="utf-8")
    else:
        from ..figures.cards import cheatsheet_pdf

        cheatsheet_pdf(sheet, target)
    say(f"the cheat sheet is in {target}")
    return 0
