"""What keeps a design from being faster, in sentences."""

from tomato.backend.quoting import one_line
from tomato.build.page.design import Design
from tomato.build.page.words import percent
from tomato.build.report import shares
from tomato.build.rows import KINDS

FULL = 0.85
"""A board counts as full from here on: what is left is seldom enough for the next step of an unrolling."""


def pace(design: Design) -> str:
    """What sets the interval."""
    if design.average is not None:
        return (
            f"A frame every {design.average:,.0f} cycles on average, every {design.interval:,} if none leaves early; "
            "the bars are of a frame that goes through the layer."
        )
    slowest = [row["shown"] for row in design.slowest]
    cycles = f"{design.interval:,} cycles"
    if not slowest:
        return f"The streams between the layers set the pace: a frame every {cycles}; no layer needs as many."
    for group in design.report.get("shared", []):
        names = {layer["name"] for layer in group["layers"]}
        if names == {row["name"] for row in design.slowest}:
            turns = f"all their turns, with what they wait for, take {cycles}"
            return f"{len(names)} layers share an engine and set the pace: {turns}."
    if len(slowest) == 1:
        return f"{slowest[0]} sets the pace: it needs {cycles} for a frame, every other layer fewer."
    if len(slowest) == len(design.rows):
        return f"All layers need the same {cycles} for a frame: perfectly balanced."
    return f"{slowest[0]} and {len(slowest) - 1} more set the pace: they need {cycles} for a frame, the others fewer."


def limit(design: Design) -> str:
    """What would have to change for more frames a second."""
    kind, share = fullest(design)
    bound, regions = design.report["bound"], design.report["regions"] or []
    if design.interval <= bound["structure"]:
        return (
            f"The structure of the network limits, not the board: on no board would any unrolling of its slowest layer "
            f"be faster. The fullest resource, {KINDS[kind]}, is at {percent(share)}."
        )
    memory = design.report.get("memory")
    if memory and memory["busy"] >= FULL:
        return (
            f"The memory beside the chip limits: {memory['kind']} gives weights in {percent(memory['busy'])} of the "
            f"cycles. The fullest resource of the chip, {KINDS[kind]}, is at {percent(share)}."
        )
    best = f"The structure of the network would allow {bound['structure']:,} cycles."
    if share >= FULL:
        return f"The board limits: {KINDS[kind]} is at {percent(share)} of what a design may use. {best}"
    if regions and max(regions) >= FULL:
        worst = max(range(len(regions)), key=lambda i: regions[i])
        return f"A region of the chip limits: region {worst} is at {percent(regions[worst])} of its room. {best}"
    return (
        f"Neither the board ({KINDS[kind]}, the fullest resource, is at {percent(share)}) nor the structure is used "
        f"up: the plan asks for no more. {best}"
    )


def fullest(design: Design) -> tuple[str, float]:
    """The scarcest kind of resource, and the share of it that is used."""
    part = shares(design.report["resources"], design.report["budget"])
    kind = max(part, key=lambda k: part[k])
    return kind, part[kind]


def host(design: Design) -> str:
    """What the host computes, or nothing."""
    found = design.report["host"]
    if not found:
        return ""
    return f"The host computes part of the model: {percent(found['chip_share'])} of the work is on the chip."


def notes(design: Design) -> tuple[str, ...]:
    """What the compiler had to say."""
    return tuple(one_line(note) for note in design.report["notes"])
