"""The text of a configuration, read as syntax: constructors with named values, and nothing that could be executed."""

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from twin.errors import TwinError, one_line

ENUM = re.compile(r"<(\w+\.\w+): [^<>\n]*>")
OBJECT = re.compile(r"<[^<>\n]*>")
NUMPY = {"float16", "float32", "float64", "int32", "int64", "bool_", "tensor"}
"""Functions that stand around one number in the text of newer versions of NumPy and of torch."""
DEEPEST = 30
SHOWN = 60
NUMBERS = {"inf": float("inf"), "nan": float("nan")}
LARGEST = 1e300

Value: TypeAlias = "bool | int | float | str | list[Value] | Call | None"
"""A value: members of enumerations and what prints as ``<...>`` are text."""


class Given(NamedTuple):
    """A value and the line of the text that has it."""

    value: Value
    line: int


@dataclass(frozen=True, slots=True)
class Call:
    """A constructor.

    Attributes
    ----------
    name : str
        The class.
    line : int
        Where it begins.
    fields : dict of str to Given
        The values that the text has, by name.
    """

    name: str
    line: int
    fields: dict[str, Given]


class Reader:
    """Reads one text.

    Parameters
    ----------
    label : str
        How messages name the file.
    """

    def __init__(self, label: str) -> None:
        self.label = label

    def refused(self, line: int, rule: str) -> TwinError:
        """Make the one-line error of a place in the text."""
        return TwinError(one_line(f"{self.label}:{line}: {rule}"))

    def read(self, text: str) -> Call:
        """Return the constructor that a text consists of; ``name = `` before it is passed over.

        Raises
        ------
        TwinError
            For whatever is more than constructors, names, numbers, texts and lists.
        """
        body = self._parsed(text)
        if not body:
            raise self.refused(1, "is empty; save what print(rpu_config) prints")
        for statement in body[1:]:
            raise self.refused(statement.lineno, "is a second statement; save only what print(rpu_config) prints")
        statement = body[0]
        if not isinstance(statement, ast.Expr | ast.Assign):
            rule = f"{_kind(statement)} is no configuration; save what print(rpu_config) prints"
            raise self.refused(statement.lineno, rule)
        value = self._value(statement.value, 0)
        if not isinstance(value, Call):
            rule = f"{shown(value)} is no configuration, which reads e.g. SingleRPUConfig(...)"
            raise self.refused(statement.lineno, rule)
        return value

    def _parsed(self, text: str) -> list[ast.stmt]:
        plain = OBJECT.sub(lambda found: repr(found[0]), ENUM.sub(r"\1", text.lstrip("\ufeff").strip("\r\n\t \f")))
        first = 1 + text[: len(text) - len(text.lstrip("\ufeff\r\n\t \f"))].count("\n")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse("\n" * (first - 1) + plain).body
        except SyntaxError as error:
            reason = (error.msg or "invalid syntax").split(". ")[0]
            rule = f"is not the text of a configuration ({reason}); print the whole configuration again"
            raise self.refused(error.lineno or 1, rule) from error
        except (RecursionError, MemoryError) as error:
            raise self.refused(first, "is nested too deeply for a configuration") from error
        except ValueError as error:  # null bytes, numbers of thousands of digits
            raise self.refused(first, f"is not the text of a configuration ({error})") from error
        return body

    def _value(self, node: ast.expr, depth: int) -> Value:
        """Walk an expression; what is not on the list of harmless ones is refused."""
        if depth > DEEPEST:
            raise self.refused(node.lineno, "is nested too deeply for a configuration")
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                return self._constant(value, node.lineno)
            case ast.Name(id=name):
                return NUMBERS.get(name, name)
            case ast.Attribute():
                return self._dotted(node)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self._value(item, depth + 1) for item in items]
            case ast.Call():
                return self._call(node, depth)
            case ast.UnaryOp() | ast.BinOp():
                return self._number(node, depth)
            case _:
                rule = f"{_kind(node)} has no place in a configuration; write the number, name, list or constructor"
                raise self.refused(node.lineno, rule)

    def _constant(self, value: bool | float | str | None, line: int) -> Value:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
            raise self.refused(line, "a whole number of more than 64 bits")
        return value

    def _dotted(self, node: ast.Attribute) -> str:
        """Write ``PulseType.NONE`` as text; nothing is looked up."""
        parts: list[str] = []
        below: ast.expr = node
        while isinstance(below, ast.Attribute):
            parts.append(below.attr)
            below = below.value
        if not isinstance(below, ast.Name) or any(part.startswith("__") for part in (*parts, below.id)):
            raise self.refused(node.lineno, "an attribute has no place in a configuration, but PulseType.NONE has")
        return ".".join([below.id, *reversed(parts)])

    def _call(self, node: ast.Call, depth: int) -> Value:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        dotted = self._dotted(node.func) if isinstance(node.func, ast.Attribute) else name or ""
        if dotted.rpartition(".")[2] in NUMPY and len(node.args) == 1:
            return self._value(node.args[0], depth + 1)
        if name is None:
            raise self.refused(
                node.lineno,
                f"a call of {dotted or 'an expression'}, which is no constructor by its name; write the number",
            )
        if node.args:
            raise self.refused(node.args[0].lineno, f"{name}: its values must be named, as in print(rpu_config)")
        fields: dict[str, Given] = {}
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg in fields:
                raise self.refused(
                    node.lineno, f"{name}: {keyword.arg or '**'} is given twice or unpacked; write it once"
                )
            fields[keyword.arg] = Given(self._value(keyword.value, depth + 1), keyword.value.lineno)
        return Call(name, node.lineno, fields)

    def _number(self, node: ast.UnaryOp | ast.BinOp, depth: int) -> float:
        """Work out ``1 / (2**7 - 2)`` in floating point, where nothing can grow without an end."""
        inner = [node.operand] if isinstance(node, ast.UnaryOp) else [node.left, node.right]
        values = [self._value(item, depth + 1) for item in inner]
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        try:
            result = _worked_out(node.op, numbers) if len(numbers) == len(inner) else None
        except (ArithmeticError, TypeError) as error:
            raise self.refused(node.lineno, f"a number that cannot be worked out ({error})") from error
        if result is None:
            raise self.refused(node.lineno, "only numbers can be added, subtracted, multiplied, divided and raised")
        return result


def _worked_out(operation: ast.operator | ast.unaryop, numbers: list[int | float]) -> int | float | None:
    """Return the result of an operation; None for one that has no place in a configuration."""
    if isinstance(operation, ast.USub | ast.UAdd):
        return -numbers[0] if isinstance(operation, ast.USub) else numbers[0]
    known: dict[type, Any] = {ast.Add: float.__add__, ast.Sub: float.__sub__, ast.Mult: float.__mul__}
    known |= {ast.Div: float.__truediv__, ast.Pow: float.__pow__}
    work = known.get(type(operation))
    return _float(work(*map(float, numbers))) if work is not None else None


def _float(value: object) -> float:
    if not isinstance(value, float) or not abs(value) < LARGEST:
        raise ArithmeticError("it has no size")
    return value


def shown(value: Value) -> str:
    """Write a value as the text has it, on one line and short."""
    match value:
        case Call(name=name, fields=fields):
            text = f"{name}(...)" if fields else f"{name}()"
        case list():
            text = f"[{', '.join(shown(item) for item in value[:4])}{', ...' if len(value) > 4 else ''}]"
        case _:
            text = str(value)
    text = one_line(text)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _kind(node: ast.AST) -> str:
    """Name a piece of syntax: ``a lambda``, ``an import``."""
    word = {
        "IfExp": "a condition",
        "ListComp": "a comprehension",
        "GeneratorExp": "a comprehension",
        "JoinedStr": "an f-string",
        "NamedExpr": "an assignment",
        "FunctionDef": "a function",
        "ClassDef": "a class",
        "ImportFrom": "an import",
        "Import": "an import",
        "Constant": "such a value",
    }.get(type(node).__name__)
    return word or f"a {type(node).__name__.lower()}"
