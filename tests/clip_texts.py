"""Five thousand texts of every kind, the same ones on every machine: what CLIP's tokenizers are compared on.

Characters are of Unicode 3.2, or emoji named here: later ones are letters to one library and nothing to another.
Capital sigma and `&` are left out, for which test_byte_pairs.py has its own cases.
"""

import json
import random
import unicodedata

from miniclip.data.merges import END, START
from miniclip.files.storage import encode_json
from miniclip.files.words import PAIRS, VOCAB
from miniclip.tasks.zero_shot import imagenet, template_set

SCRIPTS = {
    "latin": (0x41, 0x24F), "phonetic": (0x250, 0x2AF), "greek": (0x370, 0x3FF), "cyrillic": (0x400, 0x4FF),
    "armenian": (0x531, 0x587), "hebrew": (0x591, 0x5F4), "arabic": (0x60C, 0x6FF), "syriac": (0x700, 0x74A),
    "devanagari": (0x901, 0x970), "bengali": (0x981, 0x9FA), "gurmukhi": (0xA02, 0xA74), "tamil": (0xB82, 0xBF2),
    "telugu": (0xC01, 0xC6F), "malayalam": (0xD02, 0xD6F), "sinhala": (0xD82, 0xDF4), "thai": (0xE01, 0xE5B),
    "lao": (0xE81, 0xEDD), "tibetan": (0xF00, 0xFCF), "myanmar": (0x1000, 0x1059), "georgian": (0x10A0, 0x10FB),
    "jamo": (0x1100, 0x11F9), "ethiopic": (0x1200, 0x137C), "cherokee": (0x13A0, 0x13F4), "khmer": (0x1780, 0x17E9),
    "mongolian": (0x1800, 0x18A9), "accented": (0x1E00, 0x1EF9), "polytonic": (0x1F00, 0x1FFE),
    "punctuation": (0x2000, 0x206F), "currency": (0x20A0, 0x20B1), "letterlike": (0x2100, 0x214B),
    "arrows": (0x2190, 0x21FF), "mathematics": (0x2200, 0x22FF), "boxes": (0x2500, 0x25FF), "kana": (0x3041, 0x30FF),
    "han": (0x4E00, 0x9FA5), "yi": (0xA000, 0xA48C), "hangul": (0xAC00, 0xD7A3), "compatibility": (0xF900, 0xFA6A),
    "presentation": (0xFB00, 0xFDFB), "fullwidth": (0xFF01, 0xFFEE), "gothic": (0x10330, 0x1034A),
    "notes": (0x1D100, 0x1D126), "bold": (0x1D400, 0x1D7FF),
}  # fmt: skip
WORDS = "a photo of the red circle cat DOG iPhone naïve Zürich photosynthesis antidisestablishmentarianism"
EMOJI = [*map(chr, range(0x1F300, 0x1F650)), *"❤☀✈⚽☕", *"👩👨👧🧑🚀💻🌾"]
JOINERS = ["\u200d", "\ufe0f", "\U0001f3fb", "\U0001f3ff", "\u20e3", " ", ""]
CODE = "def return x = y != None -> [ ] { } ( ) ; :: // /* */ # self . _ __init__ <= >= ** 0x1F 1e-9 \\n \" ' @ $ %"
ENDINGS = [
    "'s",
    "'t",
    "'re",
    "'ve",
    "'m",
    "'ll",
    "'d",
    "'S",
    "'LL",
    "'x",
    "''s",
    "'",
    "\u2019s",
    "`s",
    "!'s",
    "'sd",
    "'s't",
]
NUMBERS = [*"0123456789²³½¼ⅷⅯ①⑳٣४๓〇一", "3.14", "1,000", "1e10", "2nd", "007"]
SPACES = [*" \t\n\r\v\f\x85\xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000", "  ", ""]
CONTROLS = [
    *map(chr, [*range(32), *range(0x7F, 0xA0)]),
    "\ufeff",
    "\u200b",
    "\u202e",
    "\ufffd",
    "\uffff",
    "\ue000",
    "a",
    " ",
]
SPECIAL = ["<|startoftext|>", "<|endoftext|>", "<|END", "</w>", "<w>", "<pad>", "<|", "|>", "a", " "]
MARKS = [*map(chr, range(0x300, 0x34F)), "\u0591", "\u05b0", "\u064b", "\u093c", "\u3099"]


def characters(low: int, high: int) -> list[str]:
    """Those of a range that Unicode 3.2 has."""
    found = [chr(code) for code in range(low, high + 1)]
    return [c for c in found if unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs") and c not in "&\u03a3"]


def texts() -> dict[str, list[str]]:
    """Kind -> texts."""
    rng = random.Random(0)
    words, code = WORDS.split(), [*CODE.split(), "\t"]

    def draw(parts, n: int, longest: int, between="") -> list[str]:
        return [between.join(rng.choices(parts, k=1 + int(longest * rng.random()))) for _ in range(n)]

    found = {
        name: [f"{a}{b} {c}" for a, b, c in zip(*[draw(characters(*ends), 45, 12) for _ in "abc"], strict=True)]
        for name, ends in SCRIPTS.items()
    }
    templates = rng.choices(template_set("clip80"), k=1000)
    prompts = zip(templates, imagenet()["class_names"], strict=True)
    everything = [c for ends in SCRIPTS.values() for c in characters(*ends)]
    return found | {
        "prompts": [template.replace("{}", name) for template, name in prompts],
        "words": draw([*words, *(word.upper() for word in words)], 300, 20, " "),
        "emoji": [a + b + c for a, b, c in zip(*[draw([*EMOJI, *JOINERS], 300, 8) for _ in "abc"], strict=True)],
        "code": draw(code, 200, 30, " ") + draw(code, 200, 30),
        "contractions": draw([*words, *ENDINGS], 300, 8) + draw([*words, *ENDINGS], 100, 8, " "),
        "numbers": draw([*NUMBERS, "a", " ", "-"], 300, 12),
        "spaces": draw([*SPACES, *"ab1!"], 200, 20),
        "controls": draw(CONTROLS, 300, 12),
        "marks": draw([*MARKS, *"aeiouAEKN가か"], 300, 12),
        "special": draw(SPECIAL, 200, 8, " "),
        "long": [text for text in draw([*"abcdefghijklmnopqrstuvwxyz"], 20, 8000) + draw([*"ab!?"], 10, 8000)]
        + draw(["ha", "lol", "a"], 10, 3000) + [c * n for c in "x1!é한" for n in (100, 1000, 10_000)],
        "everything": draw(everything, 300, 30),
    }  # fmt: skip


def byte_pair_files(tokenizer) -> dict[str, bytes]:
    """The files, by name, that transformers.CLIPTokenizer opens. They pad with the end token, whatever `pad` is.

    transformers reads its padding token in a text as padding, and `pad` may be the exclamation mark.
    """
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": tokenizer.context_length, "bos_token": START,
              "eos_token": END, "unk_token": END, "pad_token": END}  # fmt: skip
    lines = ["#version: 0.2", *(" ".join(pair) for pair in tokenizer.ranks)]
    return {
        VOCAB: json.dumps(tokenizer.ids, ensure_ascii=False).encode(),
        PAIRS: "".join(f"{line}\n" for line in lines).encode(),
        "tokenizer_config.json": encode_json(config),
    }
