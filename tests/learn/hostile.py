"""Answers that would fool, stop or wreck a careless grader: name -> (body of `match_sum`, words of the verdict)."""

RIGHT = "def match_sum(x, w):\n    return float((x * w).sum())\n"


def answer(*lines, before=""):
    """A file: what stands before the function, and its body."""
    return before + "\n".join(["", "def match_sum(x, w):", *(f"    {line}" for line in lines)]) + "\n"


RESULT = "float((x * w).sum())"
HOSTILE = {
    # not code, or not the right function
    "empty": ("", "no function match_sum"),
    "syntax": ("def match_sum(x, w)\n    return 1\n", "line 1"),
    "null byte": ("def match_sum(x, w):\n    return '\0'\n", "cannot read"),
    "import error": (answer("return 1.0", before="import nothing_of_this_name\n"), "line 1: ModuleNotFoundError"),
    "wrong name": ("def matchsum(x, w):\n    return 1.0\n", "no function match_sum"),
    "too few arguments": ("def match_sum(x):\n    return 1.0\n", "another signature"),
    "too many arguments": ("def match_sum(x, w, y):\n    return 1.0\n", "another signature"),
    "not a function": ("match_sum = 3\n", "TypeError|not written"),
    "error on import": (answer("return 1.0", before="raise RuntimeError('no')\n"), "line 1: RuntimeError: no"),
    # wrong values
    "none": (answer("x.sum()"), "return"),
    "nan": (answer("return float('nan')"), "NaN"),
    "infinity": (answer("return 1e308 * 10"), "infinity"),
    "a string": (answer(f"return str({RESULT})"), "got '27.0'"),
    "a list": (answer(f"return [{RESULT}]"), "shape"),
    "zeros": (answer("return 0.0"), "got 0,"),
    "its input": (answer("return x"), "shape"),
    "a random number": (answer("return random.random()", before="import random\n"), "disagree|got"),
    "complex": (answer(f"return complex({RESULT})"), "returned|got|expected"),
    # state and side effects
    "changes its input": (answer("x *= w", "return float(x.sum())"), "changed its input"),
    "changes it after": (answer(f"y = {RESULT}", "x[:] = 0", "return y"), "changed its input"),
    "counts calls": (answer("n.append(1)", f"return {RESULT} + len(n) // 2", before="n = []\n"), "disagree|got"),
    "remembers": (answer("seen.append(1)", f"return {RESULT} if len(seen) % 2 else 0.0", before="seen = []\n"),
                  "disagree"),
    # never comes back
    "endless loop": (answer("while True:", "    pass"), "line [345]: the time limit struck on .3 numbers"),
    "endless loop on import": ("while True:\n    pass\ndef match_sum(x, w):\n    return 1.0\n",
                               "line [12]: the time limit struck when it was loaded"),
    "sleep": (answer("time.sleep(600)", before="import time\n"), "no answer in"),
    "reads input": (answer("return float(input())"), "EOFError"),
    "recursion": (answer("return match_sum(x, w)"), "RecursionError"),
    "deep recursion": (answer("sys.setrecursionlimit(10**9)", "return match_sum(x, w)", before="import sys\n"),
                       "process ended|the time limit struck|RecursionError"),
    # ends the process
    "os._exit(0)": (answer("os._exit(0)", before="import os\n"), "process ended .exit code 0"),
    "sys.exit(0)": (answer("sys.exit(0)", before="import sys\n"), "SystemExit"),
    "exit on import": ("import sys\nsys.exit(0)\n" + RIGHT, "SystemExit"),
    "segfault": (answer("ctypes.string_at(0)", before="import ctypes\n"), "signal 11"),
    "kills itself": (answer("os.kill(os.getpid(), 9)", before="import os\n"), "signal 9"),
    "kills its group": (answer("os.killpg(os.getpgrp(), 9)", before="import os\n"), "signal 9"),
    "40 GB": (answer("return float(np.ones(5 * 10**9).sum())", before="import numpy as np\n"), "MemoryError"),
    "leaves children": (answer("subprocess.Popen(['sleep', '600'])", "os._exit(3)",
                               before="import os, subprocess\n"), "exit code 3"),
    # lies
    "prints passed": (answer("print('1 passed')", "os._exit(0)", before="import os\n"), "process ended"),
    "prints 200 MB": (answer("for _ in range(200): sys.stdout.write('x' * 2**20)", "return 0.0",
                             before="import sys\n"), "got 0,"),
    "binary output": (answer("sys.stdout.buffer.write(bytes(range(256)) * 999)", "return 0.0",
                             before="import sys\n"), "got 0,"),
    "patches numpy": (answer("return 0.0", before="import numpy as np\nnp.allclose = lambda *a, **k: True\n"
                             "np.array_equal = np.allclose\n"), "got 0,"),
    "lying number": (answer("return Lie(0)", before="class Lie(float):\n    def __eq__(self, other): return True\n"
                            "    def __sub__(self, other): return 0.0\n    __rsub__ = __sub__\n"), "got|returned"),
    "lying array": (answer("return np.zeros(3).view(Lie)", before="import numpy as np\nclass Lie(np.ndarray):\n"
                           "    def __eq__(self, other): return np.ones(3, bool)\n"), "shape|got"),
    "report file": (answer("open('results.json', 'w').write('{\"score\": 100}')", "return 0.0"), "got 0,"),
    "forged reply": (answer("for fd in range(3, 20):", "    try: os.write(fd, b'{\"event\": \"pass\"}\\n')",
                            "    except OSError: pass", "return 0.0", before="import os\n"), "got 0,"),
    "looks at frames": (answer("f = sys._getframe()", "while f.f_back: f = f.f_back",
                               "return float(f.f_locals.get('expected', 0.0))", before="import sys\n"), "got 0,"),
    "imports the solution": (answer("from miniclip.learn.specs import all_exercises",
                                    "return all_exercises()['0.0'].solutions['match_sum'](x, w)"), "not your answer"),
    "imports it by name": (answer("import importlib",
                                  "m = importlib.import_module('miniclip.learn.specs')", "return 0.0"), "ImportError"),
    "borrows": ("from numpy import vdot as match_sum\n", "no function match_sum|not written"),
    "borrows by assignment": ("import numpy\nmatch_sum = numpy.vdot\n", "not written in"),
    "changes folder": (answer("os.chdir('/')", "return 0.0", before="import os\n"), "got 0,"),
    "deletes its folder": (answer("import shutil, os", "shutil.rmtree(os.getcwd())", "return 0.0"), "disagree|got"),
}  # fmt: skip
