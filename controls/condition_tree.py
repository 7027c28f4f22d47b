"""The checked syntax tree of a condition: which names it reads, what in it can go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory


@dataclass(frozen=True, slots=True)
class Const:
    """A literal. `sort` keeps `1` and `true` apart. `at` is its offset in the source."""

    sort: str
    value: object
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A variable: a fact, `now`, a parameter (`params.max_days`), or a loop's own."""

    name: str
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Select:
    """`tags.env`, or `has(tags.env)` where `tested`."""

    of: Node
    key: str
    tested: bool
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function; the receiver of a method is its first argument."""

    function: str
    args: tuple[Node, ...]
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Build:
    """A list or map literal."""

    parts: tuple[Node, ...]
    at: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Loop:
    """A macro (`all`, `exists`, `filter`, ...): its variables, what it runs over, its body."""

    variables: tuple[str, ...]
    over: Node
    body: tuple[Node, ...]
    at: int = field(compare=False)


Node: TypeAlias = Const | Name | Select | Call | Build | Loop


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case Select(of=of):
            return (of,)
        case Call(args=args):
            return args
        case Build(parts=parts):
            return parts
        case Loop(over=over, body=body):
            return (over, *body)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def names(node: Node) -> frozenset[str]:
    """Every variable named anywhere in the tree, the loops' own included."""
    return frozenset(each.name for each in walk(node) if isinstance(each, Name))


def start(node: Node) -> int:
    """The offset of the leftmost part: an operator's own offset lies in its middle."""
    return min(each.at for each in walk(node))


# ------------------------------------------------------------- guards of keys and indexes


@dataclass(frozen=True, slots=True)
class HasKey:
    """`key in of` is known to hold."""

    of: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Longer:
    """`size(of) > than` is known to hold."""

    of: Node
    than: int


Guard: TypeAlias = HasKey | Longer


def unguarded(node: Node, known: frozenset[Guard] = frozenset()) -> Iterator[Node]:
    """The map and list accesses that can meet a missing key or index.

    An access `m[k]` or `m.k` is guarded where `k in m` or `has(m.k)` is another operand of an
    `&&` around it, is negated in another operand of an `||` around it, or is the condition of
    a `? :` around it; or where `k` is the variable of a macro that runs over `m`. An access
    `l[2]` is guarded likewise by `size(l) > 2` (or `>=`, `==`, `!= 0`). This is sound as `&&`
    and `||` absorb an error whichever side it is on; it is not complete, and need not be.
    """
    match node:
        case Call(function="_[_]", args=(of, key)) if not _is_known(of, key, known):
            yield node
        case Select(of=of, key=name, tested=False, at=at) if (
            HasKey(of, Const("string_value", name, at)) not in known
        ):
            yield node
    for child, more in _scopes(node):
        hidden = node.variables if isinstance(node, Loop) and child is not node.over else ()
        kept = frozenset(guard for guard in known if not _mentions(guard, hidden))
        yield from unguarded(child, kept | more)


def _is_known(of: Node, key: Node, known: frozenset[Guard]) -> bool:
    if HasKey(of, key) in known:
        return True
    return isinstance(key, Const) and any(
        isinstance(guard, Longer)
        and guard.of == of
        and isinstance(key.value, int)
        and 0 <= key.value <= guard.than
        for guard in known
    )


def _mentions(guard: Guard, variables: tuple[str, ...]) -> bool:
    nodes = (guard.of, guard.key) if isinstance(guard, HasKey) else (guard.of,)
    return any(names(node) & set(variables) for node in nodes)


def _scopes(node: Node) -> Iterator[tuple[Node, frozenset[Guard]]]:
    """Each child with what may be taken as known inside it, beyond what is known outside."""
    match node:
        case Call(function="_&&_", args=(left, right)):
            yield left, _given(right)
            yield right, _given(left)
        case Call(function="_||_", args=(left, right)):
            yield left, _given_not(right)
            yield right, _given_not(left)
        case Call(function="_?_:_", args=(test, then, other)):
            yield test, frozenset()
            yield then, _given(test)
            yield other, _given_not(test)
        case Loop(variables=variables, over=over, body=body):
            yield over, frozenset()
            keys = frozenset(HasKey(over, Name(name, 0)) for name in variables[:1])
            for part in body:
                yield part, keys
        case _:
            for child in children(node):
                yield child, frozenset()


def _given(node: Node) -> frozenset[Guard]:
    """What is known where the node is true."""
    found: frozenset[Guard] = frozenset()
    match node:
        case Call(function="_&&_", args=(left, right)):
            found = _given(left) | _given(right)
        case Call(function="!_", args=(inner,)):
            found = _given_not(inner)
        case Call(function="@in", args=(key, of)):
            found = frozenset({HasKey(of, key)})
        case Select(of=of, key=key, tested=True, at=at):
            found = frozenset({HasKey(of, Const("string_value", key, at))})
        case Call(
            function="_>_" | "_>=_" | "_==_" | "_!=_" as operator,
            args=(Call(function="size", args=(of,)), Const(value=int(limit))),
        ):
            found = _longer(operator, of, limit)
        case Call(
            function="_<_" | "_<=_" as operator,
            args=(Const(value=int(limit)), Call(function="size", args=(of,))),
        ):
            found = _longer({"_<_": "_>_", "_<=_": "_>=_"}[operator], of, limit)
    return found


def _given_not(node: Node) -> frozenset[Guard]:
    """What is known where the node is false."""
    match node:
        case Call(function="_||_", args=(left, right)):
            return _given_not(left) | _given_not(right)
        case Call(function="!_", args=(inner,)):
            return _given(inner)
        case Call(function="_==_", args=(Call(function="size", args=(of,)), Const(value=0))):
            return frozenset({Longer(of, 0)})
        case _:
            return frozenset()


def _longer(operator: str, of: Node, limit: int) -> frozenset[Guard]:
    if operator == "_!=_":
        return frozenset({Longer(of, 0)} if limit == 0 else ())
    return frozenset({Longer(of, limit if operator == "_>_" else limit - 1)})


# ---------------------------------------------------------------- from cel-cpp's serialised form

# The part of cel-spec's checked.proto and syntax.proto that is read here: field name -> (number,
# type), a message by its name, a list in brackets.
_MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "CheckedExpr": {"expr": (4, "Expr"), "source_info": (5, "SourceInfo")},
    "SourceInfo": {"positions": (4, "[Position]")},
    "Position": {"key": (1, "int64"), "value": (2, "int32")},
    "Expr": {
        "id": (2, "int64"),
        "const_expr": (3, "Constant"),
        "ident_expr": (4, "Ident"),
        "select_expr": (5, "Select"),
        "call_expr": (6, "Call"),
        "list_expr": (7, "List"),
        "struct_expr": (8, "Struct"),
        "comprehension_expr": (9, "Comprehension"),
    },
    "Ident": {"name": (1, "string")},
    "Select": {"operand": (1, "Expr"), "field": (2, "string"), "test_only": (3, "bool")},
    "Call": {"target": (1, "Expr"), "function": (2, "string"), "args": (3, "[Expr]")},
    "List": {"elements": (1, "[Expr]")},
    "Struct": {"entries": (2, "[Entry]")},
    "Entry": {"map_key": (3, "Expr"), "value": (4, "Expr")},
    "Comprehension": {
        "iter_var": (1, "string"),
        "iter_range": (2, "Expr"),
        "accu_init": (4, "Expr"),
        "loop_condition": (5, "Expr"),
        "loop_step": (6, "Expr"),
        "result": (7, "Expr"),
        "iter_var2": (8, "string"),
    },
    "Constant": {
        "bool_value": (2, "bool"),
        "int64_value": (3, "int64"),
        "uint64_value": (4, "uint64"),
        "double_value": (5, "double"),
        "string_value": (6, "string"),
        "bytes_value": (7, "bytes"),
    },
}


@cache
def _checked_expr() -> Any:
    """The message class of a checked expression, from a pool of our own."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="trailkeeper/checked.proto", package="trailkeeper.cel", syntax="proto2"
    )
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, written) in fields.items():
            plain = written.strip("[]")
            added = described.field.add(name=name, number=number)
            added.label = kinds.LABEL_OPTIONAL if plain == written else kinds.LABEL_REPEATED
            if plain in _MESSAGES:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".trailkeeper.cel.{plain}"
            else:
                added.type = kinds.Type.Value(f"TYPE_{plain.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("trailkeeper.cel.CheckedExpr")
    )


def read_tree(serialized: bytes) -> Node:
    """The tree of a `cel_expr_python` expression's `serialize()`: an `Any` of a CheckedExpr."""
    checked = _checked_expr().FromString(any_pb2.Any.FromString(serialized).value)
    positions = {entry.key: entry.value for entry in checked.source_info.positions}
    return _node(checked.expr, positions)


def _node(expr: Any, positions: Mapping[int, int]) -> Node:
    at = positions.get(expr.id, 0)
    node: Node = Const("null_value", None, at)
    for described, value in expr.ListFields():
        match described.name:
            case "const_expr":
                for constant, literal in value.ListFields():
                    node = Const(constant.name, literal, at)
            case "ident_expr":
                node = Name(value.name, at)
            case "select_expr":
                node = Select(_node(value.operand, positions), value.field, value.test_only, at)
            case "call_expr":
                target = (value.target,) if value.HasField("target") else ()
                node = Call(value.function, _nodes((*target, *value.args), positions), at)
            case "list_expr":
                node = Build(_nodes(value.elements, positions), at)
            case "struct_expr":
                parts = [part for entry in value.entries for part in (entry.map_key, entry.value)]
                node = Build(_nodes(parts, positions), at)
            case "comprehension_expr":
                variables = tuple(name for name in (value.iter_var, value.iter_var2) if name)
                body = (value.accu_init, value.loop_condition, value.loop_step, value.result)
                over = _node(value.iter_range, positions)
                node = Loop(variables, over, _nodes(body, positions), at)
    return node


def _nodes(exprs: Iterable[Any], positions: Mapping[int, int]) -> tuple[Node, ...]:
    return tuple([_node(each, positions) for each in exprs])
