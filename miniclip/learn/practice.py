"""`miniclip learn quiz`, `cards` and `cheatsheet`: the practice page in a terminal, on paper, and in other tools."""

from pathlib import Path

from ..files.storage import write_new
from ..machine.disk import new_file
from . import cards as flashcards
from .grade import Result
from .items import load_quiz
from .kept import kept, recall, save_json
from .quiz import record, run_quiz

SECTIONS = ("self-check", "part-b", "pitfalls", "tables")


def quiz(folder: Path, section: str | None, ask, say) -> int:
    """Put the questions of a section, or all; remember the best result of each."""
    known = quiz_records(folder)
    for one in run_quiz(load_quiz(section), ask, say):
        if one["points"] >= known.get(one["id"], one)["points"]:
            known[one["id"]] = one
    save_json(kept(folder, "quiz.json"), known)
    return 0


def quiz_records(folder: Path) -> dict[str, dict]:
    """The best result of each item so far; what is no such record is not believed."""
    known = recall(kept(folder, "quiz.json"))
    empty = {item.id: record(item, [""]) for item in load_quiz()}
    return {id: one for id, one in known.items() if id in empty and isinstance(one, dict)
            and all(one.get(key) == empty[id][key] for key in ("id", "title", "max_points"))
            and type(one.get("points")) in (int, float) and isinstance(one.get("status"), str)}  # fmt: skip


def quiz_results(folder: Path) -> list[Result]:
    """The quiz as results, for the reports."""
    known = quiz_records(folder)
    found = [known.get(item.id) or record(item, [""]) for item in load_quiz()]
    return [Result(one["id"], one["title"], "quiz", one["max_points"], one["status"], one["points"]) for one in found]


def cards(args, folder: Path, ask, say) -> int:
    """Review what is due, or write the cards to a file."""
    chosen = flashcards.load_cards("seed" if args.seed else None)
    if args.print:
        target = new_file(args.print, ".pdf", ".html")
        if target.suffix == ".html":
            write_new(target, flashcards.html_page(chosen, args.size, args.duplex).encode())
        else:
            from ..figures.cards import cards_pdf

            cards_pdf(chosen, target, args.size, args.duplex)
        say(f"{len(chosen)} cards in {target}")
    elif args.anki:
        target = new_file(args.anki, ".txt")
        write_new(target, flashcards.anki_text(chosen).encode())
        say(f"{len(chosen)} cards in {target}: in Anki, File, Import")
    else:
        path = kept(folder, "cards.json")
        save_json(path, flashcards.review(chosen, flashcards.known_progress(recall(path)), ask, say))
    return 0


def cheatsheet(args, say) -> int:
    """Print the tables, or write them to a file."""
    sheet = flashcards.load_cheatsheet()
    if not args.print:
        say(flashcards.cheatsheet_text(sheet))
        return 0
    target = new_file(args.print, ".pdf", ".md")
    if target.suffix == ".md":
        write_new(target, flashcards.cheatsheet_markdown(sheet).encode())
    else:
        from ..figures.cards import cheatsheet_pdf

        cheatsheet_pdf(sheet, target)
    say(f"the cheat sheet is in {target}")
    return 0
