"""The headline of a task under one protocol: its claims in at most 60 words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnnbench.report.claims import Claims, Course, Reach, Value
from rnnbench.report.formatting import count, listed, number, seeds_text, sentences
from rnnbench.report.setups import protocol, through

MOST_WORDS = 60
_EACH = 6
"""With more models than this only the best, the worst and counts are told."""
_NAMED = 3
"""More models than this that do the same are counted where only the ends are told."""
_LAGS, _RUNS, _ALL = range(3)
"""How much is said of what models reach: the lags, also where all runs did, also from where on none did."""
_NONE, _SHORT, _LONG = range(3)
_SHORTER = (
    (_LONG, _LONG, _LONG), (_SHORT, _LONG, _LONG), (_SHORT, _LONG, _SHORT), (_SHORT, _SHORT, _SHORT),
    (_NONE, _LONG, _LONG), (_NONE, _LONG, _SHORT), (_NONE, _SHORT, _SHORT),
)  # fmt: skip
"""How long scores, clocks and gradients are told: scores only go where solving is perfect, and so tells them."""
REACH = (
    "A model reaches the longest lag at which a falling fit of the share of seeds that solve it is at least one half. "
    "Scores are means over seeds. Gradient left: its norm over the evidence as a share of that at the readout."
)
"""What the words of a headline mean; said once, below all of them."""


def headline(claims: Claims) -> str:
    """As much as 60 words hold: reach, clocks, score and gradient; the fewer models named the longer the names are."""
    found = ""
    for found in _versions(claims):
        if len(found.split()) <= MOST_WORDS:
            return found
    return found


def _versions(claims: Claims) -> Iterator[str]:
    """From the most detailed to the shortest."""
    opening = _opening(claims)
    if not claims.asks_memory:
        yield sentences(opening, "These data ask no memory: the reference does not beat what needs none.")
        return
    if not any(claims.reaches.values()):
        yield sentences(opening, "No run has ended.")
        return
    few = len({name for of in claims.reaches.values() for reach in of for name in reach.models}) <= _EACH
    detailed = [_each(claims, _ALL), _each(claims, _RUNS), _each(claims, _LAGS)] if few else []
    for reach in (*detailed, _ends(claims, _RUNS), _ends(claims, _LAGS), _overall(claims)):
        for score, clocks, gradient in _SHORTER:
            if score or claims.solved_is_perfect:
                yield sentences(
                    opening, reach, _clocks(claims, clocks), _courses(claims, score), _gradient(claims, gradient)
                )
    for gradient in (_SHORT, _NONE):
        yield sentences(opening, _overall(claims), _clocks(claims, _NONE), _gradient(claims, gradient))
    yield sentences(opening, _range(claims), _clocks(claims, _NONE))


def _opening(claims: Claims) -> str:
    parts = [protocol(claims.training_lags), f"at most {count(claims.steps)} steps", seeds_text(*claims.seeds)]
    if claims.choices:
        parts.append(f"best of {claims.choices[1]} {claims.choices[0]}s")
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _each(claims: Claims, detail: int) -> str:
    """Every group of models: first those that do the same through all fillers, then the others filler by filler."""
    by_filler = {filler: _merged(reaches, detail) for filler, reaches in claims.reaches.items() if reaches}
    first = next(iter(by_filler.values()))
    everywhere = {
        name
        for reach in first
        for name in reach.models
        if all(any(_same(reach, other) and name in other.models for other in of) for of in by_filler.values())
    }
    if len(by_filler) == 1 or not everywhere:
        return _by_filler(claims, by_filler)
    apart = {filler: tuple(_of_models(of, everywhere, inside=False)) for filler, of in by_filler.items()}
    fillers = listed(map(through, by_filler))
    common = "; ".join(_groups(claims, tuple(_of_models(first, everywhere, inside=True))))
    return sentences(f"Through {fillers}, {common}.", _by_filler(claims, apart))


def _by_filler(claims: Claims, by_filler: dict[str, tuple[Reach, ...]]) -> str:
    """A sentence for each filler; fillers through which all fare alike share one."""
    alike: dict[tuple[Reach, ...], list[str]] = {}
    for filler, reaches in by_filler.items():
        if reaches:
            alike.setdefault(reaches, []).append(through(filler))
    return " ".join(
        f"Through {listed(fillers)}, {'; '.join(_groups(claims, reaches))}." for reaches, fillers in alike.items()
    )


def _same(reach: Reach, other: Reach) -> bool:
    return replace(reach, models=()) == replace(other, models=())


def _of_models(reaches: tuple[Reach, ...], names: set[str], inside: bool) -> Iterator[Reach]:
    for reach in reaches:
        models = tuple(name for name in reach.models if (name in names) == inside)
        if models:
            yield replace(reach, models=models)


def _merged(reaches: tuple[Reach, ...], detail: int) -> tuple[Reach, ...]:
    """Models of which the same is said are one group."""
    found: dict[Reach, list[str]] = {}
    for reach in reaches:
        said = Reach(
            (), reach.lag, reach.beyond, reach.in_all and detail != _LAGS, reach.never if detail == _ALL else None
        )
        found.setdefault(said, []).extend(reach.models)
    return tuple(replace(said, models=tuple(models)) for said, models in found.items())


def _groups(claims: Claims, reaches: tuple[Reach, ...]) -> Iterator[str]:
    for at, reach in enumerate(reaches):
        yield f"{listed(reach.models)} {'' if at else 'reached '}{_reached(claims, reach, first=not at)}"


def _reached(claims: Claims, reach: Reach, first: bool = True) -> str:
    if reach.lag is None:
        return f"no {claims.distance}"
    text = f"{claims.distance} {reach.lag}" if first else str(reach.lag)
    if reach.beyond:
        text += (", the only one" if len(claims.lags) == 1 else ", the longest") + "," * reach.in_all
    text += " in all runs" if reach.in_all else ""
    return text + ("" if reach.never is None else f", never {reach.never} or more")


def _ends(claims: Claims, detail: int) -> str:
    """The best and the worst group through each filler, and how many models lie between."""
    alike: dict[str, list[str]] = {}
    for filler, reaches in claims.reaches.items():
        if merged := _merged(reaches, detail):
            alike.setdefault(_best_and_worst(claims, merged), []).append(through(filler))
    return " ".join(f"Through {listed(fillers)}, {text}." for text, fillers in alike.items())


def _best_and_worst(claims: Claims, reaches: tuple[Reach, ...]) -> str:
    n = sum(len(reach.models) for reach in reaches)
    parts = [f"{_who(reaches[0], n)} reached {_reached(claims, reaches[0])}"]
    if len(reaches) > 1:
        parts.append(f"{_who(reaches[-1], n)} {_reached(claims, reaches[-1], first=False)}")
    between = sum(len(reach.models) for reach in reaches[1:-1])
    return "; ".join([*parts, *([f"{between} between"] if between else [])])


def _who(reach: Reach, n: int) -> str:
    many = len(reach.models) > _NAMED
    return f"{len(reach.models)} of {n} models" if many else listed(reach.models)


def _overall(claims: Claims) -> str:
    """The furthest and the least of all fillers."""
    all_of = [
        (reach, through(filler)) for filler, reaches in claims.reaches.items() for reach in _merged(reaches, _LAGS)
    ]

    def far(pair: tuple[Reach, str]) -> int:
        return -1 if pair[0].lag is None else pair[0].lag

    n = len({name for reach, _ in all_of for name in reach.models})
    best, worst = max(all_of, key=far), min(all_of, key=far)
    parts = [f"{_who(reach, n)} through {filler}, {_reached(claims, reach)}" for reach, filler in (best, worst)]
    return f"Furthest: {parts[0]}." + (f" Least: {parts[1]}." if far(best) != far(worst) else "")


def _range(claims: Claims) -> str:
    lags = [reach.lag for reaches in claims.reaches.values() for reach in reaches]
    known = [lag for lag in lags if lag is not None]
    least = "none" if len(known) < len(lags) else str(min(known))
    return f"Memory horizons: from {least} to {max(known, default='none')}."


def _clocks(claims: Claims, length: int) -> str:
    if not claims.clocks:
        return ""
    names = list(dict.fromkeys(clock.model for clock in claims.clocks))
    if length == _NONE or len(names) > _NAMED:
        return f"A clock at some lag: {len(names)} model{'s' * (len(names) > 1)}."
    if len(claims.clocks) > _NAMED:
        return f"A clock at some lag: {listed(names)}."
    parts = []
    for clock in claims.clocks:
        few = len(clock.lags) <= _NAMED
        lags = f"{claims.distance} {listed(map(str, clock.lags))}" if few else f"{len(clock.lags)} lags"
        where = f" at {lags}" if length == _LONG else ""
        parts.append(f"{clock.model} through {through(clock.filler)}{where}")
    return f"A clock: {'; '.join(parts)}."


def _courses(claims: Claims, length: int) -> str:
    """How the score of the best and the worst model fell, in its own unit."""
    if not claims.courses or length == _NONE:
        return ""
    long = length == _LONG
    several = sum(map(bool, claims.reaches.values())) > 1
    first, last = claims.lags[0], claims.lags[-1]
    alike = len({course.model for course in claims.courses}) < len(claims.courses)

    def told(course: Course) -> str:
        where = f" through {through(course.filler)}" if several and (long or alike) else ""
        values = [course.first, course.last] if long and first != last else [course.last]
        return f"{course.model}{where} {' to '.join(number(value, 2) for value in values)}"

    one = claims.distance
    lags = f"from {one} {first} to {last}" if long and first != last else f"at {one} {last}"
    parts = [told(course) for course in claims.courses]
    level = f", without memory {number(claims.memoryless, 2)}" if long and claims.memoryless is not None else ""
    return f"{claims.score.capitalize()} {lags}: {', '.join(parts)}{level}."


def _gradient(claims: Claims, length: int) -> str:
    """The least survival before training, and the most."""
    if not claims.gradient or length == _NONE:
        return ""

    def told(one: Value) -> str:
        return f"{number(one.value, 2)} in {one.model}"

    values = ", ".join(map(told, claims.gradient if length == _LONG else claims.gradient[:1]))
    return f"Initial gradient left at {claims.distance} {claims.lags[-1]}: {values}."
