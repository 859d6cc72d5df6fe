"""The quiz as QTI 2.1: a zip file that learning platforms take in.

An item's point is shared by its steps, and each step is a question of its own. The open questions are for class and
paper: no points hang on them.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..learn.cards import CheatTable
from ..learn.items import Blank, Choice, Item
from .archive import zipped

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA = "http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"
RIGHT, WRONG = "right", "wrong"


def questions(items: list[Item]) -> Iterator[tuple[str, str, Choice | Blank, float]]:
    """(name, title, step, points) of every graded question."""
    for item in items:
        many = len(item.steps)
        for n, step in enumerate(item.steps, 1):
            yield f"{item.id}-{n}", f"{item.title}{f' ({n} of {many})' if many > 1 else ''}", step, 1 / many


def qti_package(items: list[Item], title: str) -> bytes:
    """The zip file: a manifest, a test, and a file for each question."""
    found = list(questions(items))
    files = {f"items/{name}.xml": xml(item(name, head, step, points)) for name, head, step, points in found}
    return zipped({"imsmanifest.xml": xml(manifest([name for name, *_ in found])),
                   "test.xml": xml(assessment_test(title, [name for name, *_ in found])), **files})  # fmt: skip


def xml(root: Element) -> bytes:
    """The text of a document, indented."""
    indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode").encode() + b"\n"


def document(tag: str, space: str, schema: str, **attributes: str) -> Element:
    """The root of a document, which says where its schema is."""
    return Element(tag, {"xmlns": space, "xmlns:xsi": XSI, "xsi:schemaLocation": f"{space} {schema}", **attributes})


def manifest(names: list[str]) -> Element:
    """imsmanifest.xml: what is in the package."""
    root = document("manifest", PACKAGE, "http://www.imsglobal.org/xsd/qti/qtiv2p1/qtiv2p1_imscpv1p2_v1p0.xsd",
                    identifier="miniclip-quiz")  # fmt: skip
    metadata = SubElement(root, "metadata")
    SubElement(metadata, "schema").text = "QTIv2.1 Package"
    SubElement(metadata, "schemaversion").text = "1.0.0"
    SubElement(root, "organizations")
    resources = SubElement(root, "resources")
    test = SubElement(resources, "resource", identifier="test", type="imsqti_test_xmlv2p1", href="test.xml")
    SubElement(test, "file", href="test.xml")
    for name in names:
        SubElement(test, "dependency", identifierref=f"resource-{name}")
        one = SubElement(resources, "resource", identifier=f"resource-{name}", type="imsqti_item_xmlv2p1",
                         href=f"items/{name}.xml")  # fmt: skip
        SubElement(one, "file", href=f"items/{name}.xml")
    return root


def assessment_test(title: str, names: list[str]) -> Element:
    """test.xml: the questions in their order."""
    root = document("assessmentTest", QTI, SCHEMA, identifier="miniclip-quiz-test", title=title)
    part = SubElement(root, "testPart", identifier="part", navigationMode="nonlinear", submissionMode="simultaneous")
    section = SubElement(part, "assessmentSection", identifier="section", title=title, visible="true")
    for name in names:
        SubElement(section, "assessmentItemRef", identifier=f"ref-{name}", href=f"items/{name}.xml")
    return root


def item(name: str, title: str, step: Choice | Blank, points: float) -> Element:
    """A question: declarations, what is shown, how it is marked, what is said about it."""
    root = document("assessmentItem", QTI, SCHEMA, identifier=name, title=title, adaptive="false",
                    timeDependent="false")  # fmt: skip
    if isinstance(step, Choice):
        keys = [option.key for option in step.options if option.right]
        declare(root, "identifier", keys, points)
    else:
        declare(root, "string", step.accepted, points)
    for outcome, kind, value in (("SCORE", "float", "0"), ("MAXSCORE", "float", f"{points:g}"),
                                 ("FEEDBACK", "identifier", "")):  # fmt: skip
        declared = SubElement(root, "outcomeDeclaration", identifier=outcome, cardinality="single", baseType=kind)
        if value:
            SubElement(SubElement(declared, "defaultValue"), "value").text = value
    body = SubElement(root, "itemBody")
    if isinstance(step, Choice):
        show_choice(body, step)
        feedback = {option.key: option.feedback for option in step.options}
    else:
        show_blank(body, step)
        feedback = {RIGHT: step.right, WRONG: step.otherwise}
    process(root, isinstance(step, Choice))
    for key, said in feedback.items():
        modal = SubElement(root, "modalFeedback", outcomeIdentifier="FEEDBACK", identifier=key, showHide="show")
        SubElement(modal, "p").text = " ".join(said.split())
    return root


def declare(root: Element, kind: str, right, points: float) -> None:
    """What is right, and what it earns."""
    declared = SubElement(root, "responseDeclaration", identifier="RESPONSE", cardinality="single", baseType=kind)
    SubElement(SubElement(declared, "correctResponse"), "value").text = right[0]
    mapping = SubElement(declared, "mapping", lowerBound="0", upperBound=f"{points:g}", defaultValue="0")
    for answer in right:
        entry = SubElement(mapping, "mapEntry", mapKey=answer, mappedValue=f"{points:g}")
        if kind == "string":
            entry.set("caseSensitive", "false")


def show_choice(body: Element, step: Choice) -> None:
    """The question and its options; true comes before false."""
    shuffle = "true" if len(step.options) > 2 else "false"
    shown = SubElement(body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle=shuffle, maxChoices="1")
    SubElement(shown, "prompt").text = " ".join(step.question.split())
    for option in step.options:
        SubElement(shown, "simpleChoice", identifier=option.key).text = option.text


def show_blank(body: Element, step: Blank) -> None:
    """The question, the table with its covered cell, and a line to write on."""
    SubElement(body, "p").text = " ".join(step.question.split())
    body.append(cells(step.table))
    SubElement(SubElement(body, "p"), "textEntryInteraction", responseIdentifier="RESPONSE", expectedLength="40")


def cells(table: CheatTable) -> Element:
    """A table as XHTML."""
    root = Element("table")
    SubElement(root, "caption").text = table.title
    for group, tag, rows in (("thead", "th", [table.columns]), ("tbody", "td", table.rows)):
        part = SubElement(root, group)
        for row in rows:
            line = SubElement(part, "tr")
            for cell in row:
                SubElement(line, tag).text = cell
    return root


def process(root: Element, by_option: bool) -> None:
    """The score is that of the answer; the feedback that of the option, or of being right."""
    processing = SubElement(root, "responseProcessing")
    condition = SubElement(processing, "responseCondition")
    passed_over = SubElement(condition, "responseIf")
    SubElement(SubElement(passed_over, "isNull"), "variable", identifier="RESPONSE")
    assign(passed_over, "SCORE", "float", "0")
    answered = SubElement(condition, "responseElse")
    outcome = SubElement(answered, "setOutcomeValue", identifier="SCORE")
    SubElement(outcome, "mapResponse", identifier="RESPONSE")
    if by_option:
        outcome = SubElement(answered, "setOutcomeValue", identifier="FEEDBACK")
        SubElement(outcome, "variable", identifier="RESPONSE")
        return
    nested = SubElement(answered, "responseCondition")
    earned = SubElement(nested, "responseIf")
    compared = SubElement(earned, "gt")
    SubElement(compared, "variable", identifier="SCORE")
    SubElement(compared, "baseValue", baseType="float").text = "0"
    assign(earned, "FEEDBACK", "identifier", RIGHT)
    assign(SubElement(nested, "responseElse"), "FEEDBACK", "identifier", WRONG)


def assign(rule: Element, outcome: str, kind: str, value: str) -> None:
    """Set an outcome to a value."""
    SubElement(SubElement(rule, "setOutcomeValue", identifier=outcome), "baseValue", baseType=kind).text = value
