"""The rooms and their walls."""

import ast
import subprocess
import sysconfig
from pathlib import Path

SCRIPTS = Path(sysconfig.get_path("scripts"))
CORE = ("kernel", "geo", "plan", "simulate", "watch", "fuse", "respond", "coordinate", "report")
VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "data", "common", "misc", "lib"}


def test_every_import_contract_holds(root: Path) -> None:
    done = subprocess.run(
        [SCRIPTS / "lint-imports", "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_has_a_name_that_says_nothing(modules: dict[str, ast.Module]) -> None:
    assert [name for name in modules if VAGUE & {part.removesuffix(".py") for part in Path(name).parts}] == []


def test_every_module_says_what_it_is(modules: dict[str, ast.Module]) -> None:
    assert [name for name, tree in modules.items() if not ast.get_docstring(tree)] == []


def test_rooms_neither_print_nor_log(modules: dict[str, ast.Module]) -> None:
    talking = [
        f"{name}:{node.lineno}"
        for name, tree in modules.items()
        if room_of(name) in CORE
        for node in ast.walk(tree)
        if is_talking(node)
    ]
    assert talking == []


def test_the_core_neither_reads_a_clock_nor_seeds_a_generator(modules: dict[str, ast.Module]) -> None:
    impure = [
        f"{name}:{node.lineno}: {ast.unparse(node)}"
        for name, tree in modules.items()
        if room_of(name) in CORE
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and is_clock_or_seed(ast.unparse(node.func), node)
    ]
    assert impure == []


def test_only_the_clock_adapter_and_the_commands_read_the_time(modules: dict[str, ast.Module]) -> None:
    readers = {
        name
        for name, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.time", "time.time_ns", "datetime.now"}
    }
    assert {name for name in readers if room_of(name) != "app"} <= {"src/marsad/adapters/clock.py"}


def test_every_module_that_does_something_is_reached_by_a_test(root: Path, modules: dict[str, ast.Module]) -> None:
    tests = sorted((root / "tests").rglob("*.py"))
    reached = {name for path in tests for name in imports(ast.parse(path.read_text(encoding="utf-8")))}
    # What only serves its own room may be tested through that room's door.
    through_the_room = {
        (name, found) for name, tree in modules.items() if dotted(name) in reached for found in imports(tree)
    }
    reached |= {found for name, found in through_the_room if found.split(".")[:2] == ["marsad", room_of(name)]}
    does_something = [
        name
        for name, tree in modules.items()
        if any(isinstance(node, ast.FunctionDef) and not node.name.startswith("__") for node in ast.walk(tree))
    ]
    assert [name for name in does_something if dotted(name) not in reached] == []


def imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def dotted(name: str) -> str:
    return ".".join(Path(name).with_suffix("").parts[1:])


def room_of(name: str) -> str:
    return Path(name).parts[2]


def is_talking(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in {"print", "sys.stdout.write", "sys.stderr.write"}
    if isinstance(node, ast.Import):
        return any(alias.name in {"logging", "structlog"} for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.module in {"logging", "structlog"}


def is_clock_or_seed(function: str, call: ast.Call) -> bool:
    clocks = {
        *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.sleep"),
        *("datetime.now", "datetime.utcnow", "datetime.datetime.now"),
    }
    # A generator seeded with an argument is as pure as any other function of it.
    seeds_itself = function.endswith("default_rng") and not isinstance(
        call.args[0] if call.args else None, ast.Name | ast.Attribute | ast.Subscript | ast.List | ast.Tuple
    )
    return function in clocks or seeds_itself or function.startswith(("np.random.seed", "random."))
