"""The quiz in the forms of learning platforms, against what their formats ask for, and marked as they would mark it."""

import fnmatch
import io
import re
import zipfile
from xml.etree import ElementTree

import pytest

from miniclip.classroom.moodle import moodle_xml
from miniclip.classroom.qti import QTI, qti_package, questions
from miniclip.learn.items import Blank, Choice
from miniclip.learn.quiz import grade_step, load_quiz

ITEMS = load_quiz()
STEPS = {name: (step, points) for name, _, step, points in questions(ITEMS)}
IMSCP = "{http://www.imsglobal.org/xsd/imscp_v1p1}"

# QTI 2.1, as far as we use it: element -> its attributes, of which those with ? may be missing, and the pattern of its
# children, in the order that the schema asks for.
FLOW = "(p|table|choiceInteraction)*"
RULE = "(responseCondition|setOutcomeValue)*"
SCHEMA = {
    "assessmentItem": ("identifier title adaptive timeDependent", "responseDeclaration* outcomeDeclaration* itemBody? "
                       "responseProcessing? modalFeedback*"),
    "responseDeclaration": ("identifier cardinality baseType?", "correctResponse? mapping?"),
    "outcomeDeclaration": ("identifier cardinality baseType?", "defaultValue?"),
    "correctResponse": ("", "value+"),
    "defaultValue": ("", "value+"),
    "value": ("", ""),
    "mapping": ("lowerBound? upperBound? defaultValue?", "mapEntry+"),
    "mapEntry": ("mapKey mappedValue caseSensitive?", ""),
    "itemBody": ("", FLOW),
    "p": ("", "textEntryInteraction?"),
    "table": ("", "caption? thead? tbody+"),
    "caption": ("", ""),
    "thead": ("", "tr+"),
    "tbody": ("", "tr+"),
    "tr": ("", "(th|td)*"),
    "th": ("", ""),
    "td": ("", ""),
    "choiceInteraction": ("responseIdentifier shuffle maxChoices", "prompt? simpleChoice+"),
    "prompt": ("", ""),
    "simpleChoice": ("identifier", ""),
    "textEntryInteraction": ("responseIdentifier expectedLength?", ""),
    "responseProcessing": ("", RULE),
    "responseCondition": ("", "responseIf responseElseIf* responseElse?"),
    "responseIf": ("", f"(isNull|gt) {RULE}"),
    "responseElse": ("", RULE),
    "isNull": ("", "variable"),
    "gt": ("", "(variable|baseValue) (variable|baseValue)"),
    "variable": ("identifier", ""),
    "baseValue": ("baseType", ""),
    "mapResponse": ("identifier", ""),
    "setOutcomeValue": ("identifier", "(variable|baseValue|mapResponse)"),
    "modalFeedback": ("outcomeIdentifier identifier showHide title?", FLOW),
    "assessmentTest": ("identifier title", "outcomeDeclaration* testPart+"),
    "testPart": ("identifier navigationMode submissionMode", "assessmentSection+"),
    "assessmentSection": ("identifier title visible", "assessmentItemRef*"),
    "assessmentItemRef": ("identifier href", ""),
}  # fmt: skip
KINDS = {  # attribute -> what it may be
    "identifier": r"[A-Za-z_][\w.-]*", "adaptive": "true|false", "timeDependent": "true|false", "shuffle": "true|false",
    "cardinality": "single|multiple|ordered|record", "baseType": "identifier|boolean|integer|float|string",
    "showHide": "show|hide", "maxChoices": r"\d+", "mappedValue": r"[\d.]+", "navigationMode": "linear|nonlinear",
    "submissionMode": "individual|simultaneous", "visible": "true|false", "caseSensitive": "true|false",
}  # fmt: skip


def check_element(one):
    """Raise unless an element, and all in it, is as the schema has it."""
    space, tag = one.tag[1:].split("}")
    assert space == QTI
    wanted, children = SCHEMA[tag]
    allowed = {name.rstrip("?"): name.endswith("?") for name in wanted.split()}
    given = {name for name in one.attrib if not name.startswith("{")}
    assert given <= allowed.keys(), tag
    assert given >= {name for name, optional in allowed.items() if not optional}, tag
    for name in given & KINDS.keys():
        assert re.fullmatch(KINDS[name], one.get(name)), (tag, name)
    names = "".join(child.tag.split("}")[1] + " " for child in one)
    pattern = re.sub(r"\w+", r"(?:\g<0> )", children).replace(" (", "(").replace(" )", " )")
    assert re.fullmatch(pattern.replace(") (", ")("), names), (tag, names)
    for child in one:
        check_element(child)


def package(items):
    with zipfile.ZipFile(io.BytesIO(qti_package(items, "Quiz"))) as archive:
        return {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}


SPOILED = {
    "an attribute is missing": lambda item: item.attrib.pop("adaptive"),
    "an attribute is unknown": lambda item: item.set("colour", "red"),
    "an identifier is none": lambda item: item.set("identifier", "1 a"),
    "the order is another": lambda item: item.append(item[0]),
    "a child is missing": lambda item: item[0].find(f"{{{QTI}}}correctResponse").clear(),
    "an element is unknown": lambda item: ElementTree.SubElement(item, f"{{{QTI}}}itemSoul"),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_the_checker_itself_notices(spoil):
    item = package(ITEMS)["items/self-check-1-1.xml"]
    check_element(item)
    spoil(item)
    with pytest.raises((AssertionError, KeyError)):
        check_element(item)


@pytest.mark.parametrize("name", [f"items/{name}.xml" for name in STEPS] + ["test.xml"])
def test_every_file_is_as_the_schema_of_qti_has_it(name):
    check_element(package(ITEMS)[name])


def test_the_manifest_lists_what_is_there():
    files = package(ITEMS)
    root = files.pop("imsmanifest.xml")
    assert root.tag == f"{IMSCP}manifest"
    assert [child.tag for child in root] == [IMSCP + tag for tag in ("metadata", "organizations", "resources")]
    assert root.findtext(f"{IMSCP}metadata/{IMSCP}schema") == "QTIv2.1 Package"
    resources = root.findall(f"{IMSCP}resources/{IMSCP}resource")
    assert {one.get("href") for one in resources} == files.keys()
    for one in resources:
        assert one.get("type") == ("imsqti_test_xmlv2p1" if one.get("href") == "test.xml" else "imsqti_item_xmlv2p1")
        assert [file.get("href") for file in one.findall(f"{IMSCP}file")] == [one.get("href")]
    ids = [one.get("identifier") for one in resources]
    assert len(set(ids)) == len(ids)
    needed = [one.get("identifierref") for one in resources[0].findall(f"{IMSCP}dependency")]
    assert needed == ids[1:]
    shown = [ref.get("href") for ref in files["test.xml"].iter(f"{{{QTI}}}assessmentItemRef")]
    assert shown == [one.get("href") for one in resources[1:]]


def marked(item, answer):
    """(score, feedback) as a platform reckons them: by the mapping, and the feedback that this shows."""
    score = 0.0
    for entry in item.iter(f"{{{QTI}}}mapEntry"):
        key, typed = entry.get("mapKey"), answer.lower() if entry.get("caseSensitive") == "false" else answer
        score += float(entry.get("mappedValue")) * (key == typed)
    shown = {one.get("identifier"): "".join(one.itertext()).strip() for one in item.iter(f"{{{QTI}}}modalFeedback")}
    return score, shown[answer] if answer in shown else shown["right" if score else "wrong"]


@pytest.mark.parametrize("name", STEPS)
def test_each_answer_earns_there_what_it_earns_here(name):
    step, points = STEPS[name]
    item = package(ITEMS)[f"items/{name}.xml"]
    known = [option.key for option in step.options] if isinstance(step, Choice) else step.accepted
    for answer in known:
        right, feedback = grade_step(step, answer)
        earned, said = marked(item, answer)
        assert (earned, said) == (pytest.approx(points * right, abs=1e-6), " ".join(feedback.split()))
    if isinstance(step, Blank):
        assert marked(item, "something else") == (0.0, " ".join(step.otherwise.split()))
    best = max(marked(item, answer)[0] for answer in known)
    most = item.find(f".//{{{QTI}}}outcomeDeclaration[@identifier='MAXSCORE']").findtext(".//*/*")
    assert best == float(most) == pytest.approx(points, abs=1e-6)  # a third of a point has six digits there


def test_an_item_is_one_point_however_many_steps_it_has():
    for item in ITEMS:
        assert sum(points for name, (_, points) in STEPS.items() if name.rsplit("-", 1)[0] == item.id) == 1


# Moodle


def moodle_answers(question):
    return [(float(one.get("fraction")), one.findtext("text"), one.findtext("feedback/text"))
            for one in question.findall("answer")]  # fmt: skip


def test_moodle_gets_the_same_questions_and_marks():
    quiz = ElementTree.fromstring(moodle_xml(ITEMS))
    assert quiz.tag == "quiz"
    assert len(quiz) == len(STEPS)
    for question, (name, (step, points)) in zip(quiz, STEPS.items(), strict=True):
        assert f"({name})" in question.findtext("name/text")
        assert float(question.findtext("defaultgrade")) == pytest.approx(points, abs=1e-6)
        answers = moodle_answers(question)
        if isinstance(step, Choice):
            assert question.get("type") == "multichoice"
            assert [share for share, *_ in answers] == [100 * option.right for option in step.options]
            continue
        assert question.get("type") == "shortanswer"
        wrong = [phrase for said, _ in step.wrong for phrase in said]
        for typed in [*step.accepted, *wrong, "something else"]:
            share, _, feedback = next(one for one in answers if fnmatch.fnmatchcase(typed, one[1]))
            assert (share == 100, feedback) == grade_step(step, typed)
