"""Who is told of a tier on a unit: the routes that match, and nobody falls through to silence."""

from collections.abc import Sequence

from infra.settings import RouteSettings as Route

__all__ = ["Route", "routes_for"]


def routes_for(routes: Sequence[Route], tier: str, unit: str | None) -> tuple[Route | None, ...]:
    """The unit's own routes for the tier, else the tier's for every unit, else the rapid-response routes; (None,) where there is no one at all.

    >>> every, own = Route(tier="urgent", channel="mail"), Route(tier="urgent", channel="pager", unit="4W")
    >>> [route.channel for route in routes_for((every, own), "urgent", "4W")], [route.channel for route in routes_for((every, own), "urgent", "6E")]
    (['pager'], ['mail'])
    """
    for wanted in dict.fromkeys((tier, "rapid_response")):
        own = tuple(route for route in routes if route.tier == wanted and route.unit and route.unit == unit)
        every = tuple(route for route in routes if route.tier == wanted and not route.unit)
        if own or every:
            return own or every
    return (None,)
