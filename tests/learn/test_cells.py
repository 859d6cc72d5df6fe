"""A right answer from a notebook passes however its cells are written."""

import types

import pytest

from miniclip.learn import check
from miniclip.learn.cells import statement_of

# Cells, in the order in which they are run; exercise 4.2, log_softmax of each row, or 0.1, the logarithm.
NOTEBOOKS = {
    "names from a module": ["from numpy.linalg import norm", "from math import log",
                            "def chance_loss(n):\n    return log(n) * norm([1.0])"],
    "ufuncs from NumPy": ["from numpy import exp, log", "def chance_loss(n):\n    return log(exp(log(n)))"],
    "under another name": ["import numpy.linalg as la, math as m",
                           "def chance_loss(n):\n    return m.log(n) * la.norm([1])"],
    "a tuple": ["AXES = (0, 1, (2.5, None))", "from math import log",
                "def chance_loss(n):\n    return log(n) * AXES[1]"],
    "an array": ["import numpy as np\nONES = np.ones((2, 2), 'float32')",
                 "def chance_loss(n):\n    return np.log(n) * ONES[0, 0]"],
    "a dict, and a value that was changed": ["import math\nuse = {'log': [1]}", "use['log'] = [2]",
                                             "def chance_loss(n):\n    return math.log(n) * use['log'][0] / 2"],
    "a decorated helper": ["import functools, math", "@functools.lru_cache(maxsize=None)\ndef half(n):\n"
                           "    return math.log(n) / 2", "def chance_loss(n):\n    return 2 * half(n)"],
    "a decorator of one's own": ["import math", "def twice(f):\n    def wrapper(n):\n        return 2 * f(n)\n"
                                 "    return wrapper", "@twice\ndef chance_loss(n):\n    return math.log(n) / 2"],
    "the same with wraps": ["import functools, math", "def twice(f):\n    @functools.wraps(f)\n    def wrapper(n):\n"
                            "        return 2 * f(n)\n    return wrapper",
                            "@twice\ndef chance_loss(n):\n    return math.log(n) / 2"],
    "%%time": ["import math", "%%time\ndef chance_loss(n):\n    return math.log(n)"],
    "two magics, and one in a line": ["%%capture\n%%time\nimport math", "%matplotlib inline\nimport math\n!ls\n"
                                      "n = !ls\ndef chance_loss(n):\n    return math.log(n)\n"
                                      "%timeit chance_loss(3)\nmath.log?"],
    "a class": ["import math\nclass Loss:\n    base = math.e\n    def __call__(self, n):\n"
                "        return math.log(n, self.base)", "chance_loss = Loss()"],
    "a subclass": ["import math\nclass Log:\n    def of(self, n):\n        return math.log(n)",
                   "class Loss(Log):\n    def __call__(self, n):\n        return super().of(n)",
                   "chance_loss = Loss()"],
    "a method": ["import math\nclass Loss:\n    def of(self, n):\n        return math.log(n)",
                 "chance_loss = Loss().of"],
    "partial": ["import functools, math", "def times(a, n):\n    return a * math.log(n)",
                "chance_loss = functools.partial(times, 1)"],
    "vectorize": ["import math, numpy as np", "@np.vectorize\ndef chance_loss(n):\n    return math.log(n)"],
    "frompyfunc": ["import math, numpy as np", "chance_loss = np.frompyfunc(lambda n: math.log(n), 1, 1)"],
    "a lambda": ["import math", "chance_loss = lambda n: math.log(n)"],
    "an annotated lambda": ["import math\nfrom collections.abc import Callable",
                            "chance_loss: Callable = lambda n: math.log(n)"],
    "under if": ["import math", "if True:\n    def chance_loss(n):\n        return math.log(n)"],
    "under try": ["try:\n    from math import logarithm\nexcept ImportError:\n    from math import log as logarithm",
                  "def chance_loss(n):\n    return logarithm(n)"],
    "a function that makes it": ["import math", "def make(a):\n    def loss(n):\n        return a * math.log(n)\n"
                                 "    return loss", "chance_loss = make(1)"],
    "helpers that call each other": ["import math", "def even(n, k):\n    return odd(n, k - 1) if k else math.log(n)",
                                     "def odd(n, k):\n    return even(n, k - 1) if k else math.log(n)",
                                     "def chance_loss(n):\n    return even(n, 5)"],
    "written anew": ["import math\nscale = 5", "def chance_loss(n):\n    return n",
                     "def chance_loss(n):\n    return scale * math.log(n)", "scale = 1"],
    "a name of the notebook inside": ["import math\nn = 'a notebook has its own n'", "def chance_loss(n):\n"
                                      "    return sum(m for m in [math.log(n)])"],
    "a default value": ["import math\nBASE = math.e", "def chance_loss(n, base=BASE):\n    return math.log(n, base)"],
    "a namedtuple": ["import math\nfrom collections import namedtuple\nPair = namedtuple('Pair', 'a b')",
                     "def chance_loss(n):\n    return Pair(math.log(n), 0).a"],
    "a dataclass": ["from dataclasses import dataclass\nimport math\n@dataclass\nclass Batch:\n    n: int",
                    "def chance_loss(n):\n    return math.log(Batch(n).n)"],
    "reduce": ["import functools, math, operator", "half = functools.reduce(operator.mul, [0.5, 2])",
               "def chance_loss(n):\n    return math.log(n) * half"],
}  # fmt: skip


def run(cells):
    """The namespace of a kernel after these cells; IPython's own ways with magics, in two lines."""
    import linecache

    shell = types.ModuleType("__main__")
    typed = [""]
    kernel = types.SimpleNamespace(history_manager=types.SimpleNamespace(input_hist_raw=typed))
    namespace = shell.__dict__ | {"get_ipython": lambda: kernel, "check": check}
    for number, cell in enumerate(cells):
        typed.append(cell)
        text = "\n".join("pass" if line[:1] in "%!" or "= !" in line or line.endswith("?") else line
                         for line in cell.splitlines())  # fmt: skip
        file = f"<cell {number} {hash(cell)}>"
        if not cell.startswith("%%"):  # the source of such a cell is lost
            linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        exec(compile(text, file, "exec"), namespace)
    return namespace


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_right_answers_in_cells_pass(name, capsys):
    namespace = run(NOTEBOOKS[name])
    exec('points = check("0.1", chance_loss)', namespace)
    assert namespace["points"] == 1.0, capsys.readouterr().out


def test_the_last_statement_that_binds_a_name_is_found():
    cell = """a = 1
if a:
    b = 2
b, (c, *d) = 3, (4, 5)
for e in d:
    import f.g as h
@a
@b
class i: j = 1
k: int = 1"""
    first = {name: statement_of(name, cell).partition("\n")[0] for name in "abcdefghijk"}
    several = "b, (c, *d) = 3, (4, 5)"
    assert first == {"a": "a = 1", "b": several, "c": several, "d": several, "e": "for e in d:", "f": "", "g": "",
                     "h": "for e in d:", "i": "@a", "j": "", "k": "k: int = 1"}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["%%time", "two magics, and one in a line", "a class", "the same with wraps", "a lambda"]
)
def test_a_real_kernel_knows_them_too(name, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    cells = ["from miniclip.learn import check", *NOTEBOOKS[name], "%%time\npoints = check('0.1', chance_loss)",
             "assert points == 1.0"]  # fmt: skip
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "All right." in str(notebook.cells[-2].outputs)
