"""A policy in words, rule by rule, and what differs between two."""

from collections.abc import Iterator

from alerts.rules import Exclusion, Rule, Rules


def described(rules: Rules) -> dict[str, str]:
    """Each entry's name and what it says.

    >>> from datetime import timedelta
    >>> from alerts.rules import Rule
    >>> rule = Rule(tier="urgent", score="news2", raise_at=5, red=False, clear_below=4, dwell=timedelta(minutes=30))
    >>> described(Rules(version="1", max_age=timedelta(hours=1), rules=(rule,)))
    {'max_age': '60 min', 'urgent by news2': 'raised at 5, cleared below 4 for 30 min'}
    """
    said = {"max_age": f"{rules.max_age.total_seconds() / 60:g} min"}
    said |= {f"{rule.tier} by {rule.score}": _rule(rule) for rule in rules.rules}
    return said | {f"excluded as {one.reason}": _exclusion(one) for one in rules.exclude}


def differences(old: Rules, new: Rules) -> Iterator[str]:
    """A line for each entry that is gone, new or changed, in the order of the old policy."""
    before, after = described(old), described(new)
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield f"- {name}: {before[name]}"
        elif name not in before:
            yield f"+ {name}: {after[name]}"
        elif before[name] != after[name]:
            yield f"~ {name}: {before[name]} -> {after[name]}"


def _rule(rule: Rule) -> str:
    ways = [f"at {rule.raise_at:g}"] if rule.raise_at is not None else []
    ways += ["by a single red part"] if rule.red else []
    return f"raised {' or '.join(ways)}, cleared below {rule.clear_below:g} for {rule.dwell.total_seconds() / 60:g} min"


def _exclusion(one: Exclusion) -> str:
    parts = [f"on {', '.join(one.units)}"] if one.units else []
    parts += [f"of class {', '.join(one.classes)}"] if one.classes else []
    parts += [f"below {one.below_age_years} years"] if one.below_age_years else []
    parts += [f"for {', '.join(one.scores)}"] if one.scores else []
    return " and ".join(parts)
