"""Flashcards: their review, and with the cheat sheet on paper and in other programs, every text whole."""

import html
import itertools
import json
import re
import unicodedata
from dataclasses import replace

import pytest
from matplotlib.text import Text
from pypdf import PdfReader
from replies import Learner

from miniclip.figures.cards import SIZES, card_figures, cards_pdf, cheatsheet_figure, cheatsheet_pdf
from miniclip.learn import cards as paper
from miniclip.learn.cards import WAIT, Card, load_cards, load_cheatsheet, review

CARDS, SEEDS = load_cards(), load_cards("seed")
SHEET = load_cheatsheet()


def test_there_are_nine_seed_cards_and_about_forty_more():
    assert len(SEEDS) == 9
    assert 38 <= len(load_cards("extra")) == len(CARDS) - 9 <= 45
    assert [card.source for card in SEEDS] == [f"seed 000, card {n}" for n in range(1, 10)]
    assert all(len(card.front) <= 110 and len(card.back) <= 240 for card in CARDS)
    with pytest.raises(ValueError, match="seed or extra"):
        load_cards("other")


@pytest.mark.parametrize("change", [('id = "vqa"', 'id = "two-towers"'), ('tag = "extra"', 'tag = "more"')])
def test_a_broken_card_is_refused(tmp_path, change):
    (tmp_path / "cards.toml").write_text((paper.CONTENT / "cards.toml").read_text().replace(*change))
    with pytest.raises(ValueError, match="card '"):
        load_cards(path=tmp_path / "cards.toml")


def test_a_card_that_is_known_comes_back_later_and_later():
    one, progress, asked = CARDS[:1], {}, []
    for session in range(1, 70):
        learner = Learner(["", "2"])
        progress = review(one, progress, learner.ask, learner.say)
        if "flip > " in learner.heard:
            asked.append(session)
    gaps = [after - before for before, after in itertools.pairwise(asked)]
    assert gaps == [WAIT[1], WAIT[2], WAIT[3], WAIT[4], WAIT[4]]
    assert progress["boxes"] == {one[0].id: 5}
    assert json.loads(json.dumps(progress)) == progress


def test_again_brings_a_card_back_in_the_same_session_and_to_the_first_box():
    two = CARDS[:2]
    learner = Learner([" ", "1", "", "2", "", "x", "2"])
    before = {"session": 4, "boxes": {two[0].id: 3}, "seen": {two[0].id: 1}}
    after = review(two, before, learner.ask, learner.say)
    assert before == {"session": 4, "boxes": {two[0].id: 3}, "seen": {two[0].id: 1}}
    assert after == {"session": 5, "boxes": {two[0].id: 2, two[1].id: 2}, "seen": {two[0].id: 5, two[1].id: 5}}
    assert learner.heard.count("flip > ") == 3
    assert sum(two[0].front in text.replace("\n", " ") for text in learner.heard) == 2


@pytest.mark.parametrize("replies", [["", "2", "q"], ["", "2", "", "q"], ["", "2"]])
def test_a_review_that_is_left_keeps_what_was_answered(replies):
    learner = Learner(replies)
    progress = review(CARDS[:3], {}, learner.ask, learner.say)
    assert progress == {"session": 1, "boxes": {CARDS[0].id: 2}, "seen": {CARDS[0].id: 1}}
    assert "2 cards left" in learner.text


# Exports


def flat(markup):
    """Text without markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", markup.replace("<br>", " ")))


NASTY = Card("nasty", 'a\t"b" <i>&', "one\ntwo # $back\t" + "Donaudampfschiff" * 20, "topic", "nowhere", "extra")


def test_the_anki_file_has_its_header_and_every_card_with_a_stable_name():
    lines = paper.anki_text([*CARDS, NASTY]).split("\n")
    assert lines[:6] == ["#separator:tab", "#html:true", "#guid column:1", "#notetype column:2", "#deck column:3",
                         "#tags column:6"]  # fmt: skip
    assert lines[-1] == ""
    rows = [line.split("\t") for line in lines[6:-1]]
    assert [len(row) for row in rows] == [6] * (len(CARDS) + 1)
    for card, (guid, kind, deck, front, back, tags) in zip(CARDS, rows[:-1], strict=True):
        assert (guid, kind, deck) == (f"miniclip-{card.id}", "Basic", "miniclip")
        assert (flat(front), flat(back)) == (card.front, card.back)
        assert tags == f"{card.tag} {card.topic}"
    assert '"' not in paper.anki_text([NASTY])
    edited = replace(CARDS[0], front="new", back="words", topic="other")
    assert paper.guid(edited) == paper.guid(CARDS[0])
    assert len({paper.guid(card) for card in CARDS}) == len(CARDS)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("duplex", [False, True])
def test_the_html_file_prints_one_card_a_page_and_holds_every_text(size, duplex):
    page = paper.html_page([*CARDS, NASTY], size, duplex)
    assert page.count('<details class="card"') == len(CARDS) + 1
    assert f"@page card {{size: {paper.PAGES[size]};" in page
    assert re.search(r'<button type="button" onclick="window.print\(\)">Print flashcards</button>', page)
    assert not re.search(r"https?:|src=|@import", page)
    text = flat(page)
    assert all(card.front in text and card.back in text for card in CARDS)
    assert "$back" in text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("duplex", [False, True])
def test_the_html_file_is_printed_as_it_says(tmp_path, open_page, size, duplex):
    """The cards are open on paper, each on pages of its own, which are as large as was asked."""
    (tmp_path / "cards.html").write_text(paper.html_page(SEEDS, size, duplex), encoding="utf-8")
    page = open_page(tmp_path / "cards.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator(".card[open] .back").all_inner_texts() == [SEEDS[0].back]
    page.pdf(path=tmp_path / "cards.pdf", prefer_css_page_size=True)
    sides = [[card.front, card.back] for card in SEEDS]
    printed = PdfReader(tmp_path / "cards.pdf").pages
    found = ["".join(unicodedata.normalize("NFKC", one.extract_text()).split()) for one in printed]
    assert found == ["".join(text.split()) for side in sides for text in (side if duplex else ["".join(side)])]
    for one in printed:
        assert [float(n) / 72 for n in one.mediabox[2:]] == pytest.approx(SIZES[size], abs=0.02)


def test_an_unknown_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected A6, A4, Letter, 5x3"):
        paper.html_page(SEEDS, "A5")
    with pytest.raises(ValueError, match="expected A6, A4, Letter, 5x3"):
        cards_pdf(SEEDS, tmp_path / "a.pdf", "A5")
    assert not list(tmp_path.iterdir())


def pages(path):
    return len(re.findall(rb"/Type /Page\b", path.read_bytes()))


@pytest.mark.parametrize(("duplex", "count"), [(False, 9), (True, 18)])
def test_the_pdf_has_a_page_for_each_card_and_the_same_bytes_again(tmp_path, duplex, count):
    for name in ("a.pdf", "b.pdf"):
        cards_pdf(SEEDS, tmp_path / name, duplex=duplex)
    assert pages(tmp_path / "a.pdf") == count
    first = (tmp_path / "a.pdf").read_bytes()
    assert first == (tmp_path / "b.pdf").read_bytes()
    assert not re.search(rb"CreationDate|Producer|20[2-9]\d-\d\d-\d\d", first)


@pytest.mark.parametrize("size", SIZES)
def test_the_pdf_s_pages_have_their_size(tmp_path, size):
    cards_pdf(SEEDS[:1], tmp_path / "a.pdf", size)
    width, height = (72 * inches for inches in SIZES[size])
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", (tmp_path / "a.pdf").read_bytes())
    assert [float(box[1]), float(box[2])] == pytest.approx([width, height], abs=0.1)


def texts(figure):
    """Every text that is drawn, with its box in pixels."""
    drawn, draw = [], Text.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", lambda text, renderer: (drawn.append(text), draw(text, renderer)))
        figure.draw_without_rendering()
    return [(text, text.get_window_extent()) for text in drawn if text.get_text() and text.get_visible()]


def assert_whole_and_alone(figure, least):
    width, height = figure.bbox.size
    found = texts(figure)
    for text, box in found:
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0, text
        assert text.get_fontsize() >= least, text
    for (one, a), (other, b) in itertools.combinations(found, 2):
        across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(across, down) <= 2.0, (one, other)  # pixels: descenders may touch the next line's box
    return " ".join(text.get_text() for text, _ in found)


@pytest.mark.parametrize("size", SIZES)
def test_every_card_is_whole_on_its_page(size):
    for card, figure in zip(CARDS, card_figures(CARDS, size), strict=True):
        words = assert_whole_and_alone(figure, 7.0)
        assert card.front in words
        assert card.back in words
    for card in SEEDS:
        question, answer = (assert_whole_and_alone(figure, 7.0) for figure in card_figures([card], size, duplex=True))
        assert card.front in question
        assert card.back not in question
        assert card.back in answer


@pytest.mark.parametrize("size", SIZES)
def test_a_text_of_any_length_is_shrunk_to_its_page(size):
    card = replace(NASTY, back=NASTY.back + " word" * 400)
    (figure,) = card_figures([card], size)
    assert assert_whole_and_alone(figure, 2.0).count("word") == 400


# The cheat sheet


def test_the_cheat_sheet_has_every_table_and_note_in_every_form():
    text, markdown = paper.cheatsheet_text(SHEET, 80), paper.cheatsheet_markdown(SHEET)
    assert max(map(len, text.splitlines())) <= 80
    assert len(SHEET.tables) == 11
    on_paper = assert_whole_and_alone(cheatsheet_figure(SHEET), 6.0)
    for table in SHEET.tables:
        assert f"## {table.title}\n\n| {' | '.join(table.columns)} |\n| --- |" in markdown
        for cell in itertools.chain(table.columns, *table.rows):
            assert cell in markdown
            assert cell in on_paper
            assert set(cell.split()) <= set(text.split())
        assert table.note in markdown
        assert table.note in on_paper
        assert table.note in " ".join(text.split())
    assert SHEET.summary in " ".join(text.split())
    assert SHEET.summary in markdown
    assert SHEET.summary in on_paper


def test_the_cheat_sheet_is_one_page_and_the_same_bytes_again(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        cheatsheet_pdf(SHEET, tmp_path / name)
    assert pages(tmp_path / "a.pdf") == 1
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_too_much_for_one_page_is_refused():
    with pytest.raises(ValueError, match="too many for one page"):
        cheatsheet_figure(replace(SHEET, tables=SHEET.tables * 60))


def test_a_table_with_a_ragged_row_or_a_missing_cell_is_refused(tmp_path):
    text = (paper.CONTENT / "cheatsheet.toml").read_text()
    (tmp_path / "cheatsheet.toml").write_text(text.replace('"≈ 0.993"]', '"≈ 0.993", "more"]'))
    with pytest.raises(ValueError, match="table 'cosines'"):
        load_cheatsheet(tmp_path / "cheatsheet.toml")
    with pytest.raises(ValueError, match="no single cell"):
        paper.cover(SHEET.tables[0], "Loss", "Nothing")
