"""A feed's profile for a command, or two lines and status 2."""

from infra.main.cli import Trouble
from parsers.profile import Profile
from parsers.profile_files import ProfileFault, load_profile


def profile_named(name: str) -> Profile:
    """The profile of that name or file; an empty name is a feed that does as HL7 says."""
    try:
        return load_profile(name)
    except ProfileFault as fault:
        wrong, _, remedy = str(fault).partition("\n")
        raise Trouble(wrong, remedy) from fault
