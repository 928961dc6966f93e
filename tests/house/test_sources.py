"""What no tracked file may hold, and how long a function may be."""

import ast
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

FindLines = Callable[[list[Path], Callable[[str], bool]], list[str]]

LARGEST_FILE_BYTES = 1_500_000
MEDIAN_LINES = 16
NINETIETH_PERCENTILE_LINES = 40

# Written in two halves, so that this file does not hold what it forbids.
HOSTS = re.compile(
    "|".join(re.escape(a + b) for a, b in (("pypi", ".org"), ("pythonhosted", ".org"), ("npmjs", ".org")))
)
MACHINE_PATH = re.compile(r"(?<![\w.~}])/(work|root|home|Users|opt)/\w")
LOOSE_END = re.compile("|".join((r"\bTO" + "DO", r"\bFIX" + "ME", r"\bXX" + r"X\b", r"\bHA" + r"CK\b")))


def test_no_file_names_a_package_registry(tracked: list[Path], find_lines: FindLines) -> None:
    assert find_lines(tracked, lambda line: bool(HOSTS.search(line))) == []


def test_no_file_names_a_place_on_somebodys_machine(tracked: list[Path], find_lines: FindLines) -> None:
    mine = Path(__file__)
    others = [path for path in tracked if path != mine]
    assert find_lines(others, lambda line: bool(MACHINE_PATH.search(line))) == []


def test_no_file_leaves_a_loose_end(tracked: list[Path], find_lines: FindLines) -> None:
    assert find_lines(tracked, lambda line: bool(LOOSE_END.search(line))) == []


def test_every_silenced_check_says_which_and_why(tracked: list[Path], find_lines: FindLines) -> None:
    silent = re.compile(r"#\s*(noqa(?!: [A-Z]+\d+)|type: ignore(?!\[))")
    sources = [path for path in tracked if path.suffix == ".py" and path != Path(__file__)]
    assert find_lines(sources, lambda line: bool(silent.search(line))) == []


def test_no_file_is_too_large_to_clone_over_a_poor_link(tracked: list[Path]) -> None:
    assert [str(path) for path in tracked if path.stat().st_size > LARGEST_FILE_BYTES] == []


def test_no_second_lock_file(tracked: list[Path]) -> None:
    assert [path.name for path in tracked if path.name in {"uv.lock", "poetry.lock", "Pipfile.lock"}] == []


def test_functions_stay_short(modules: dict[str, ast.Module]) -> None:
    lengths = sorted(length for tree in modules.values() for length in function_lengths(tree))
    assert statistics.median(lengths) <= MEDIAN_LINES
    assert lengths[int(0.9 * len(lengths))] <= NINETIETH_PERCENTILE_LINES


def function_lengths(tree: ast.Module) -> Iterator[int]:
    """Lines of code of each function, its docstring and numeric kernels (compiled by Numba) left out."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if any("njit" in ast.unparse(decorator) for decorator in node.decorator_list):
            continue
        docstring = node.body[0] if ast.get_docstring(node) else None
        documented = docstring.end_lineno - docstring.lineno + 1 if docstring and docstring.end_lineno else 0
        yield (node.end_lineno or node.lineno) - node.lineno + 1 - documented
