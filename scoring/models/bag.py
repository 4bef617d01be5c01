"""Several boosters as one: a bag's mean is a booster too, whose leaves are the members' divided by how many they are."""

from collections.abc import Sequence

import lightgbm

HEAD = "\nTree="
TAIL = "\nend of trees"


def bagged(members: Sequence[lightgbm.Booster]) -> lightgbm.Booster:
    """The booster whose raw score is the mean of the members' raw scores. They must have been trained on the same features."""
    texts = [member.model_to_string(num_iteration=member.current_iteration()) for member in members]
    head = "\n".join(line for line in texts[0].split(HEAD, 1)[0].splitlines() if not line.startswith("tree_sizes="))
    trees = [tree for text in texts for tree in text.split(TAIL, 1)[0].split(HEAD)[1:]]
    numbered = "".join(f"Tree={place}\n{_divided(tree, len(members))}\n\n\n" for place, tree in enumerate(trees))
    return lightgbm.Booster(model_str=f"{head}\n\n{numbered}end of trees\n")


def _divided(tree: str, by: int) -> str:
    """One tree's text without its number, its leaves divided."""
    return "\n".join(
        f"{line.partition('=')[0]}=" + " ".join(repr(float(value) / by) for value in line.partition("=")[2].split())
        if line.startswith(("leaf_value=", "internal_value="))
        else line
        for line in tree.strip().splitlines()[1:]
    )
