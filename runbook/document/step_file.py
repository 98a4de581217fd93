"""Reading a step: the one key that is a kind decides what it does, the other keys mean the same on any step.

Two kinds in one step are an error that names both, with one exception that the format promises: `manual` may stand
beside a kind that a machine can do, and then only explains it. Probes are read here too, because they name what they
ask by the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from runbook.core.written.runbook import Probe, Step
from runbook.document.fields import INVALID, Invalid, Reader, Special, keys_of
from runbook.document.foreign import ours_for
from runbook.document.source import MapNode, Node, ScalarNode
from runbook.document.vocabulary import KINDS, PROBE_KINDS, Kind
from runbook.problem import nearest


def read_step(reader: Reader, node: Node) -> object:
    """A `Step`, or INVALID with its problems noted."""
    if not isinstance(node, MapNode):
        return reader.note(
            node.where, "wrong-type", "a step is a mapping", "Write - name: ..., and one key that is a kind."
        )
    kind = _kind(reader, node, KINDS, "step")
    if isinstance(kind, Invalid):
        return _keys_only(reader, node, Step, KINDS)
    action = _action(reader, node, kind)
    given: dict[str, object] = {"action": action}
    if kind.automates and node.get("manual") is not None:
        given |= _explanation(node)
    return reader.struct(node, Step, given=given, elsewhere=("manual", kind.word, *_siblings(kind, Step)))


def read_probe(reader: Reader, node: Node) -> object:
    """A `Probe`, or INVALID with its problems noted."""
    if not isinstance(node, MapNode):
        return reader.note(
            node.where, "wrong-type", "a probe is a mapping", "Write {name: ..., http: ..., expect: ...}."
        )
    kind = _kind(reader, node, PROBE_KINDS, "probe")
    if isinstance(kind, Invalid):
        return _keys_only(reader, node, Probe, PROBE_KINDS)
    given = {"action": _action(reader, node, kind)}
    return reader.struct(node, Probe, given=given, elsewhere=(kind.word, *_siblings(kind, Probe)))


SPECIAL: Mapping[type, Special] = MappingProxyType({Step: read_step, Probe: read_probe})
"""The structs that a `Reader` cannot read by their keys alone."""


def _kind(reader: Reader, node: MapNode, kinds: tuple[Kind, ...], noun: str) -> Kind | Invalid:
    written = [kind for kind in kinds if node.get(kind.word) is not None]
    if any(kind.automates for kind in written):
        written = [kind for kind in written if kind.word != "manual"]
    if len(written) == 1:
        return written[0]
    if written:
        first, second = written[0].word, written[1].word
        place = next(entry.key.where for entry in node.entries if entry.name == second)
        what = f"{first} and {second} in one {noun}"
        return reader.note(place, "two-kinds", what, "Make them two steps." if noun == "step" else "Keep one.")
    words = [kind.word for kind in kinds]
    unknown = [entry for entry in node.entries if entry.name not in keys_of(Step)]
    foreign = [entry for entry in unknown if ours_for(entry.name)]
    for entry in foreign:
        reader.note(entry.key.where, "unknown-key", f'unknown key "{entry.name}"', ours_for(entry.name))
    if foreign and node.get("shell") is None:
        return INVALID
    guess = next((hint for hint in (nearest(one.name, words) for one in unknown) if hint.startswith("Did")), "")
    fix = guess or f"Add one of {', '.join(words)}."
    if node.get("shell") is not None:
        fix = "Write the text as `command`; `shell:` only says what reads it."
    return reader.note(node.where, "no-kind", f"no key says what this {noun} does", fix)


def _action(reader: Reader, node: MapNode, kind: Kind) -> object:
    beside = [entry for entry in node.entries if entry.name in kind.siblings]
    value = node.get(kind.word)
    if value is None or not issubclass(kind.action, msgspec.Struct):
        return INVALID
    return reader.struct_or_shorthand(value, kind.action, beside=beside)


def _siblings(kind: Kind, cls: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(word for word in kind.siblings if word not in keys_of(cls))


def _explanation(node: MapNode) -> dict[str, object]:
    """`manual` beside an automated kind is the step's description, unless it has one."""
    manual = node.get("manual")
    described = node.get("description") is not None or not isinstance(manual, ScalarNode)
    return {} if described else {"description": manual.raw if isinstance(manual, ScalarNode) else ""}


def _keys_only(reader: Reader, node: MapNode, cls: type[msgspec.Struct], kinds: tuple[Kind, ...]) -> Invalid:
    """Without a kind the other keys are still read, so that their mistakes are told in the same breath."""
    words = [word for kind in kinds for word in (kind.word, *kind.siblings)]
    known = MapNode(
        where=node.where, entries=tuple(e for e in node.entries if e.name in keys_of(cls) or e.name in words)
    )
    reader.struct(known, cls, given={"action": INVALID}, elsewhere=words)
    return INVALID
