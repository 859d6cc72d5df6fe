"""The quiz: complete, graded right, and driven by a script in place of a learner; its numbers, and the cards'."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from replies import Learner

from miniclip.figures.lectures import lectures
from miniclip.learn import cards as paper
from miniclip.learn.cards import load_cards, load_cheatsheet
from miniclip.learn.items import Blank, Choice
from miniclip.learn.quiz import SECTIONS, grade_item, load_quiz, run_quiz, says
from miniclip.learn.specs import all_exercises

ITEMS, CARDS = load_quiz(), load_cards()
SHEET = load_cheatsheet()


def right_answer(step):
    if isinstance(step, Blank):
        return step.accepted[0]
    return next(option.key for option in step.options if option.right)


def right_answers(item):
    return [right_answer(step) for step in item.steps]


def test_there_are_twenty_items_in_four_sections():
    assert [len(load_quiz(section)) for section in SECTIONS] == [7, 4, 4, 5]
    assert len(ITEMS) == 20 == len({item.id for item in ITEMS})
    assert [item.id for item in load_quiz("self-check")] == [f"self-check-{n}" for n in range(1, 8)]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_wrong_answer_has_feedback_of_its_own(item):
    for step in item.steps:
        if isinstance(step, Blank):
            told = [feedback for _, feedback in step.wrong] + [step.right, step.otherwise]
        else:
            told = [option.feedback for option in step.options]
            texts = [option.text for option in step.options]
            assert len(set(texts)) == len(texts)
        assert len(set(told)) == len(told) >= 2
        assert all(len(each) > 8 for each in told)


def test_each_section_has_its_own_form():
    for item in load_quiz("self-check"):
        assert 3 <= len(item.open.rubric) <= 5
        for step in item.steps:
            assert [option.key for option in step.options] == list("abcd")
            assert sum(option.right for option in step.options) == 1
    steps = [len(item.steps) for item in load_quiz("self-check")]
    assert steps == [1, 1, 1, 1, 1, 3, 1]  # prompts: and when not, and what then (part C of the seed)
    labels = ["zero-shot", "retrieval", "captioning", "vqa", "general-vlm"]
    for item in load_quiz("part-b"):
        assert [option.key for option in item.steps[0].options] == labels
    assert [len(item.steps) for item in load_quiz("part-b")] == [1, 2, 1, 1]  # twelve conditions: and the caveat
    for item in load_quiz("pitfalls"):
        assert [option.key for option in item.steps[0].options] == ["true", "false"]
        assert len(item.steps) == 2
    verdicts = [right_answer(item.steps[0]) for item in load_quiz("pitfalls")]
    assert set(verdicts) == {"true", "false"}
    tables = [item.steps[0].table for item in load_quiz("tables")]
    assert len({table.id for table in tables}) == 5
    for table in tables:
        assert sum(row.count("?") for row in table.rows) == 1


def test_the_model_answers_earn_every_suggested_tick():
    for item in load_quiz("self-check"):
        for point in item.open.rubric:
            assert any(says(item.open.answer, keyword) for keyword in point.keywords), (item.id, point.point)


def test_the_right_option_has_no_favourite_place_and_no_favourite_length():
    twins = [item.steps[0].options for item in load_quiz("self-check")]
    assert len({right_answer(Choice("", options)) for options in twins}) == 4
    longest = [max(options, key=lambda option: len(option.text)).right for options in twins]
    assert sum(longest) <= 4


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_right_answers_earn_the_point_and_wrong_ones_do_not(item):
    points, feedback = grade_item(item, right_answers(item))
    assert points == 1
    assert item.note in feedback
    assert grade_item(item, "")[0] == 0
    assert "Passed over" in grade_item(item, "")[1]
    for n, step in enumerate(item.steps):
        if isinstance(step, Blank):
            wrong = [(answer, told) for answers, told in step.wrong for answer in answers]
            wrong.append(("something else", step.otherwise))
            assert all(grade_item(item, answer) == grade_item(item, step.accepted[0]) for answer in step.accepted)
        else:
            wrong = [(option.key, option.feedback) for option in step.options if not option.right]
        for answer, told in wrong:
            answers = right_answers(item)
            answers[n] = answer
            points, feedback = grade_item(item, answers)
            assert points == (len(item.steps) - 1) / len(item.steps), answer
            assert told in feedback


def test_part_b_takes_both_names_for_a_question_about_a_picture():
    item = load_quiz("part-b")[3]
    assert [grade_item(item, key)[0] for key in ("vqa", "general-vlm", "retrieval")] == [1, 1, 0]


def test_a_blank_reads_answers_as_people_type_them():
    blanks = {item.id: item for item in load_quiz("tables")}
    for name, answer in {
        "table-1": "A symmetric InfoNCE loss.",
        "table-2": "≈ 0.993",
        "table-3": "the class with the HIGHEST cosine-similarity",
        "table-4": "through cross-attention to the image",
        "table-5": "prompt ensembling",
    }.items():
        assert grade_item(blanks[name], answer)[0] == 1, answer
    for name, answer in {
        "table-1": "infonces",
        "table-2": "-0.993",
        "table-3": "lowest cosine",
        "table-4": "self-attention",
    }.items():
        assert grade_item(blanks[name], answer)[0] == 0, answer


def test_the_covered_cells_hold_what_is_accepted():
    for item in load_quiz("tables"):
        step = item.steps[0]
        table = next(table for table in SHEET.tables if table.id == step.table.id)
        hidden = [
            cell for row, covered in zip(table.rows, step.table.rows, strict=True)
            for cell, shown in zip(row, covered, strict=True) if shown == "?"
        ]  # fmt: skip
        assert grade_item(item, hidden[0])[0] == 1


def test_an_unknown_option_or_too_many_answers_are_refused():
    with pytest.raises(ValueError, match="expected a, b, c, d"):
        grade_item(ITEMS[0], "e")
    with pytest.raises(ValueError, match="2 answers to the 1 steps"):
        grade_item(ITEMS[0], ["a", "b"])
    with pytest.raises(ValueError, match="expected self-check, part-b"):
        load_quiz("part-c")


def test_the_numbers_of_the_sources_and_their_corrections_are_told():
    told = " ".join(item.note for item in ITEMS) + " ".join(card.back for card in CARDS)
    for number in ("1.2e-12", "5.8e-3", "0.993", "3 of 30", "24 of 30", "-0.0077", "+0.0062", "0.3164", "0.6512",
                   "32,768", "1.5 %", "7 templates"):  # fmt: skip
        assert number in told, number


def test_the_numbers_are_those_that_the_formulas_give():
    image, texts = np.array([0.8, 0.6]), np.array([[0.6, 0.8], [0.0, 1.0], [-0.6, -0.8]])
    cosines = texts @ image
    share = {scale: np.exp(scale * cosines) / np.exp(scale * cosines).sum() for scale in (1, 10, 14.3, 100)}
    part_a = next(table for table in SHEET.tables if table.id == "part-a")
    assert [float(row[1]) for row in part_a.rows] == pytest.approx(cosines.tolist())
    assert [float(row[2]) for row in part_a.rows[1:]] == pytest.approx(share[14.3][1:].tolist(), rel=0.02)
    backs = {card.id: card.back for card in CARDS}
    assert all(f"{p[0]:.3f}" in backs["scale-and-order"] for p in share.values())
    assert all(f"{np.log(n):.2f}" in backs["chance-loss"] for n in (8, 64, 32768))
    before, after = np.log(0.3164 / 0.6836) / 100, np.log(0.6512 / 0.3488) / 100
    assert f"{before:.4f} to {after:+.4f}" in backs["one-image"]
    assert f"{(1 + 1 / 2 + 1 / 4) / 3:.3f}" in backs["mrr"]
    assert f"{10 / (10 + 1.96**2):.2f}" in backs["wilson"]
    assert f"{np.dot([0.6, 0.8], [0.5, 0.866]):.3f}" in backs["worked-cosines"]


def test_a_quiz_that_is_answered_right_in_words():
    part = [item for item in ITEMS if item.section in ("part-b", "tables")]
    learner = Learner([answer for item in part for answer in right_answers(item)])
    results = run_quiz(part, learner.ask, learner.say)
    assert [result["status"] for result in results] == ["pass"] * 9
    assert "9 of 9 points" in learner.text
    assert {*results[0]} == {"id", "title", "status", "points", "max_points"}
    assert json.loads(json.dumps(results)) == results


def test_numbers_choose_what_is_shown_whatever_the_order():
    item = load_quiz("self-check")[0]
    right = next(option.text for option in item.steps[0].options if option.right)
    orders = set()
    for seed in range(8):
        scout = Learner([""])
        run_quiz([replace(item, open=None)], scout.ask, scout.say, seed)
        shown = re.findall(r"^(\d)  (.+?)$", " \n".join(scout.heard).replace("\n   ", " "), re.MULTILINE)
        shown = [(number, text.strip()) for number, text in shown if text.strip() in
                 {option.text for option in item.steps[0].options}]  # fmt: skip
        orders.add(tuple(text for _, text in shown))
        learner = Learner([next(number for number, text in shown if text == right)])
        (result,) = run_quiz([replace(item, open=None)], learner.ask, learner.say, seed)
        assert result["points"] == 1
    assert len(orders) > 2


def test_the_self_check_suggests_ticks_and_takes_the_learner_s_word():
    item = load_quiz("self-check")[0]
    learner = Learner(["Two encoders, a shared space", "", "", "n", "y", "", ""])
    (result,) = run_quiz([item], learner.ask, learner.say)
    assert result["self"] == {"answer": "Two encoders, a shared space", "ticks": [True, False, False, True, False]}
    assert result["status"] == "not_started"  # the graded twin was passed over
    assert "You ticked 2 of 5" in learner.text
    assert learner.text.index("your answer") < learner.text.index("Model answer")
    silent = Learner(["", ""])
    (result,) = run_quiz([item], silent.ask, silent.say)
    assert result["self"] == {"answer": "", "ticks": []}
    assert "Model answer" in silent.text


def test_half_an_answer_is_half_a_point_and_nonsense_is_asked_again():
    item = load_quiz("pitfalls")[0]
    learner = Learner(["7", "perhaps", "f", ""])
    (result,) = run_quiz([item], learner.ask, learner.say)
    assert (result["status"], result["points"]) == ("partial", 0.5)
    assert learner.text.count("Type one of the numbers") == 2
    (result,) = run_quiz([item], (learner := Learner(["t", ""])).ask, learner.say)
    assert result["status"] == "wrong"


@pytest.mark.parametrize("replies", [["retrieval", "q"], ["retrieval"]])
def test_a_quiz_that_is_left_keeps_what_was_answered(replies):
    learner = Learner(replies)
    results = run_quiz(load_quiz("part-b"), learner.ask, learner.say)
    assert [result["status"] for result in results] == ["pass"] + ["not_started"] * 3
    assert "1 of 4 points" in learner.text


BROKEN = {
    'section = "self-check"': 'section = "elsewhere"',
    'id = "self-check-2"': 'id = "self-check-1"',
    "right = true\n": "",
    'row = "Loss"': 'row = "Lost"',
    'table = "towers"': 'table = "castles"',
    'keywords = ["two encoders", "image encoder", "text encoder", "two towers"]': "keywords = []",
    'otherwise = "It is symmetric': 'else = "It is symmetric',
}


@pytest.mark.parametrize("old", BROKEN)
def test_a_broken_file_is_refused_with_the_item_s_name(tmp_path, old):
    text = (paper.CONTENT / "quiz.toml").read_text()
    assert old in text
    (tmp_path / "quiz.toml").write_text(text.replace(old, BROKEN[old], 1))
    with pytest.raises(ValueError, match="quiz item"):
        load_quiz(path=tmp_path / "quiz.toml")


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_what_a_card_is_from_is_there(card):
    """A figure that was never drawn, or an exercise that is gone, helps nobody who wants to read on."""
    kind, _, name = card.source.partition(" ")
    notebooks = [path.name[:2] for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")]
    places = {"figure": lectures(), "exercise": all_exercises(), "notebook": notebooks}
    assert kind == "seed" or name in places[kind]
