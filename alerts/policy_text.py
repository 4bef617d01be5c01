"""A policy in words, entry by entry, and what differs between two."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from alerts.rules import Edition, Exclusion, Policy, Rule, Rules, Storms


def described(rules: Rules) -> dict[str, str]:
    """Each entry's name and what it says.

    >>> rule = Rule(tier="urgent", score="news2", raise_at=5, red=False, clear_below=4, dwell=timedelta(minutes=30))
    >>> described(Rules(version="1", max_age=timedelta(hours=1), rules=(rule,)))
    {'max_age': '60 min', 'expires': 'after 1440 min without a score', 'urgent by news2': 'raised at 5, cleared below 4 for 30 min'}
    """
    said = {"max_age": _minutes(rules.max_age), "expires": f"after {_minutes(rules.expire)} without a score"}
    said |= {f"{rule.tier} by {rule.score}": _rule(rule) for rule in rules.rules}
    said |= {f"excluded as {one.reason}": _exclusion(one) for one in rules.exclude}
    return said | ({"storms": _storms(rules.storms)} if rules.storms else {})


def told(policy: Policy) -> dict[str, str]:
    """The whole policy: every edition by when it takes force; of each unit that has its own what is otherwise there."""
    said: dict[str, str] = {}
    for edition in policy.editions:
        since = "" if edition.effective_from is None else f"from {edition.effective_from.isoformat()}: "
        said |= {f"{since}{name}": says for name, says in _edition(edition).items()}
    return said


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """A line for each entry that is gone, new or changed, in the order of the old policy."""
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield f"- {name}: {before[name]}"
        elif name not in before:
            yield f"+ {name}: {after[name]}"
        elif before[name] != after[name]:
            yield f"~ {name}: {before[name]} -> {after[name]}"


def _edition(edition: Edition) -> dict[str, str]:
    everywhere = described(edition.everywhere)
    said = dict(everywhere)
    for unit, rules in edition.units.items():
        own = described(rules)
        said |= {f"on {unit}, {name}": says for name, says in own.items() if everywhere.get(name) != says}
        said |= {f"on {unit}, {name}": "never" for name in everywhere if name not in own}
    return said


def _rule(rule: Rule) -> str:
    ways = [f"at {rule.raise_at:g}"] if rule.raise_at is not None else []
    ways += ["by a single red part"] if rule.red else []
    said = [f"raised {' or '.join(ways)}"]
    said += [f"by {rule.times} of the last {rule.of_last} scores within {_minutes(rule.within)}"] if rule.of_last > 1 else []
    said += [f"cleared below {rule.clear_below:g} for {_minutes(rule.dwell)}"]
    said += [f"then silent for {_minutes(rule.cool_down)}"] if rule.cool_down else []
    said += [f"anew at {rule.rearm_rise:g} above the highest"] if rule.rearm_rise is not None else []
    said += [f"told again after {_minutes(rule.remind_unanswered)} where nobody has answered"] if rule.remind_unanswered else []
    said += [f"told again {_minutes(rule.remind_answered)} after an answer"] if rule.remind_answered else []
    return ", ".join(said)


def _exclusion(one: Exclusion) -> str:
    parts = [f"on {', '.join(one.units)}"] if one.units else []
    parts += [f"of class {', '.join(one.classes)}"] if one.classes else []
    parts += [f"below {one.below_age_years} years"] if one.below_age_years else []
    parts += ["for comfort care alone"] if one.comfort_care else []
    parts += [f"with resuscitation {' or '.join(one.resuscitate)}"] if one.resuscitate else []
    parts += [f"for {', '.join(one.scores)}"] if one.scores else []
    return " and ".join(parts)


def _storms(storms: Storms) -> str:
    return (
        f"{storms.unit_raises} patients of a unit or {storms.input_raises} by one input within {_minutes(storms.within)}, or {storms.bed_raises} raises of"
        f" one patient by one input within {_minutes(storms.bed_within)}; told together, each alone after {_minutes(storms.hold)}"
    )


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:g} min"
