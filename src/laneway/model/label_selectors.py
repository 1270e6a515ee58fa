"""Kubernetes' label selectors, and comparisons of two selectors without any pod.

A selector consists of equal labels (``matchLabels``) and requirements (``matchExpressions``), all
of which must hold. ``admitted`` reduces both to one form, in which selectors can be compared: for
each key, the states that its label may have.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class Operator(enum.Enum):
    """Kubernetes' operators. ``NOT_IN`` is true of objects without the label, too."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """``values`` are of ``IN`` and ``NOT_IN`` alone."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        return self.states.admit(labels.get(self.key))

    @property
    def states(self) -> LabelStates:
        values = frozenset(self.values)
        match self.operator:
            case Operator.IN:
                return LabelStates(values)
            case Operator.NOT_IN:
                return LabelStates(values, others=True, absent=True)
            case Operator.EXISTS:
                return LabelStates(frozenset(), others=True)
            case Operator.DOES_NOT_EXIST:
                return LabelStates(frozenset(), absent=True)

    def __str__(self) -> str:
        """As ``kubectl --selector`` takes it."""
        match self.operator:
            case Operator.IN:
                return f"{self.key} in ({', '.join(self.values)})"
            case Operator.NOT_IN:
                return f"{self.key} notin ({', '.join(self.values)})"
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"


@dataclass(frozen=True, slots=True)
class LabelStates:
    """The states of one label: ``values``, or with ``others`` all values but these; ``absent``:
    that the label is not there at all."""

    values: frozenset[str]
    others: bool = False
    absent: bool = False

    def admit(self, value: str | None) -> bool:
        return self.absent if value is None else (value in self.values) is not self.others

    def both(self, other: LabelStates) -> LabelStates:
        absent = self.absent and other.absent
        if self.others and other.others:
            return LabelStates(self.values | other.values, True, absent)
        if self.others:
            return LabelStates(other.values - self.values, False, absent)
        kept = self.values - other.values if other.others else self.values & other.values
        return LabelStates(kept, False, absent)

    @property
    def impossible(self) -> bool:
        return not (self.values or self.others or self.absent)


#: By key; a key that is missing may be in any state.
Admitted = Mapping[str, LabelStates]


def admitted(*parts: Mapping[str, str] | Iterable[LabelRequirement]) -> Admitted:
    """What is left of each label's states when all the parts must hold."""
    states: dict[str, LabelStates] = {}
    for part in parts:
        if isinstance(part, Mapping):
            required = [(key, LabelStates(frozenset([value]))) for key, value in part.items()]
        else:
            required = [(each.key, each.states) for each in part]
        for key, more in required:
            states[key] = states[key].both(more) if key in states else more
    return states


def is_possible(one: Admitted) -> bool:
    return not any(states.impossible for states in one.values())


def implies(one: Admitted, other: Admitted) -> bool:
    """Whether the other selector selects everything that ``one`` selects."""
    return all(key in one and one[key].both(states) == one[key] for key, states in other.items())


def equal_labels(one: Admitted) -> Mapping[str, str]:
    """The labels that have one value in all that is selected."""
    return {
        key: next(iter(states.values))
        for key, states in one.items()
        if len(states.values) == 1 and not states.others and not states.absent
    }


def written(labels: Mapping[str, str], expressions: Iterable[LabelRequirement] = ()) -> str:
    """The selector as ``kubectl --selector`` takes it."""
    return ", ".join([*(f"{key}={value}" for key, value in labels.items()), *map(str, expressions)])
