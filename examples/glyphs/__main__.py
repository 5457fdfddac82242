"""Characters of many scripts as small pictures, for few-shot learning: python -m examples.glyphs -o glyphs.npz.

Needs the Noto fonts (Debian's packages fonts-noto-core and fonts-noto-extra, SIL Open Font Licence), and Pillow and
fontTools, which Matplotlib brings along (pip install 'tomato[plot]'). Takes about 20 seconds of a core.

x: (pictures, 1, 28, 28), float32 from 0 to 1, ink is 1. labels: the character, from 0. groups: its script, from 0.
characters and scripts: what these numbers stand for. Every character is drawn SAMPLES times, in several faces, each
time rotated, sheared, scaled and shifted a little. What a face lacks is not drawn with it; characters that look like an
earlier one of their script, or like nothing, are left out.
"""

import argparse
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path("/usr/share/fonts/truetype/noto")
SIDE, DRAWN, INNER = 28, 128, 22
"""Pixels of a picture, of the canvas that it is made from, and of the square that a character fills before it is
distorted."""
SAMPLES = 20
CHARACTERS = 18
"""Of a script, at most: evenly among those that it has."""
FACES = 8
"""Of a script, at most, plain ones first."""
FEWEST = 5
"""Characters of a script, at least."""
STYLES = ("Regular", "Bold", "Light", "Black", "Medium", "Thin", "SemiBold")
TURN, SHEAR, SHIFT = 0.3, 0.3, 2.5
"""Radians, parts of the height, and pixels, at most and both ways."""
SCALE = (0.75, 1.15)
ALIKE = 0.06
"""Two pictures are alike whose pixels differ by less of their ink than this."""
TWO_WORDS = (
    "OLD",
    "NEW",
    "LINEAR",
    "TAI",
    "MEROITIC",
    "INSCRIPTIONAL",
    "IMPERIAL",
    "CAUCASIAN",
    "MENDE",
    "PAU",
    "WARANG",
)
"""First words of Unicode names that say a script only with the second."""
NO_SCRIPTS = ("CJK", "MATHEMATICAL", "MODIFIER", "FULLWIDTH", "HALFWIDTH", "DOUBLE", "BLACK", "TANGUT", "SIGNWRITING")
Picture = NDArray[np.float32]


def faces(folder: Path) -> Iterator[Path]:
    """The upright faces of ordinary width, plain styles first."""
    for style in STYLES:
        yield from sorted(folder.glob(f"Noto*-{style}.ttf"))


def script(character: str) -> str:
    """By its name: the first word, or two where one is not enough; "" for what is not a letter."""
    name = unicodedata.name(character, "")
    words = name.split()
    if unicodedata.category(character) not in ("Lo", "Lu", "Ll") or not words or words[0] in NO_SCRIPTS:
        return ""
    if unicodedata.normalize("NFKD", character) != character:
        return ""
    return " ".join(words[:2]) if words[0] in TWO_WORDS else words[0]


def collected(folder: Path) -> Mapping[str, Mapping[str, Sequence[Path]]]:
    """Scripts, their characters, and the faces that have each."""
    found: dict[str, dict[str, list[Path]]] = {}
    for path in faces(folder):
        with TTFont(path, lazy=True) as font:
            codes = font.getBestCmap() or {}
        for code in sorted(codes):
            name = script(chr(code))
            if name:
                known = found.setdefault(name, {}).setdefault(chr(code), [])
                if len(known) < FACES:
                    known.append(path)
    return found


def canvas(character: str, face: ImageFont.FreeTypeFont) -> Image.Image | None:
    """The character, white on black, its longer side as long as the canvas; None where there is no ink."""
    left, top, right, bottom = face.getbbox(character)
    if right - left < 2 or bottom - top < 2:
        return None
    image = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(image).text((-left, -top), character, fill=255, font=face)
    box = image.getbbox()
    if box is None:
        return None
    image = image.crop(box)
    scale = DRAWN / max(image.size)
    image = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BILINEAR
    )
    square = Image.new("L", (DRAWN, DRAWN))
    square.paste(image, ((DRAWN - image.width) // 2, (DRAWN - image.height) // 2))
    return square


def picture(square: Image.Image, rng: np.random.Generator | None = None) -> Picture:
    """A small picture of it, (height, width), distorted if there is a generator."""
    turn, shear, scale, shift = 0.0, 0.0, 1.0, np.zeros(2)
    if rng is not None:
        turn, shear = rng.uniform(-TURN, TURN), rng.uniform(-SHEAR, SHEAR)
        scale, shift = rng.uniform(*SCALE), rng.uniform(-SHIFT, SHIFT, 2)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    back = np.linalg.inv(rotation @ np.array([[1.0, shear], [0.0, 1.0]]) * scale * INNER / DRAWN)
    fine = 2  # drawn at twice the size, then halved: pixels are means
    offset = DRAWN / 2 - back @ (SIDE / 2 + shift)
    (a, b), (d, e) = back / fine
    large = square.transform(
        (SIDE * fine, SIDE * fine),
        Image.Transform.AFFINE,
        (a, b, offset[0], d, e, offset[1]),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(large.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32) / 255


def distinct(characters: Mapping[str, Sequence[Path]], size: int) -> list[str]:
    """Those with ink of their own in their first face."""
    kept: list[str] = []
    seen: list[Picture] = []
    known: dict[Path, ImageFont.FreeTypeFont] = {}
    for character, paths in characters.items():
        face = known.setdefault(paths[0], ImageFont.truetype(paths[0], size))
        square = canvas(character, face)
        if square is None:
            continue
        shown = picture(square)
        if all(np.abs(shown - other).sum() > ALIKE * (shown.sum() + other.sum()) for other in seen):
            kept.append(character)
            seen.append(shown)
    return kept


def evenly(found: Sequence[str], count: int) -> list[str]:
    """So many of a list, evenly among all."""
    places = np.unique(np.linspace(0, len(found) - 1, min(count, len(found))).astype(int))
    return [found[i] for i in places]


def samples(character: str, paths: Sequence[Path], rng: np.random.Generator) -> list[Picture]:
    """Pictures of a character, the faces in turn."""
    squares = [s for s in (canvas(character, ImageFont.truetype(path, DRAWN // 2)) for path in paths) if s is not None]
    return [picture(squares[i % len(squares)], rng) for i in range(SAMPLES)]


def main() -> None:
    """Draw, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("glyphs.npz"))
    parser.add_argument("--fonts", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found = collected(asked.fonts)
    if not found:
        raise SystemExit(f"there are no Noto fonts in {asked.fonts}: apt install fonts-noto-core fonts-noto-extra")
    x, labels, groups, names, scripts = [], [], [], [], []
    for name in sorted(found):
        characters = found[name]
        few = distinct({c: characters[c] for c in evenly(sorted(characters), 4 * CHARACTERS)}, DRAWN // 2)
        chosen = evenly(few, CHARACTERS)
        if len(chosen) < FEWEST:
            continue
        for character in chosen:
            rng = np.random.default_rng([asked.seed, ord(character)])
            x += samples(character, characters[character], rng)
            labels += [len(names)] * SAMPLES
            groups += [len(scripts)] * SAMPLES
            names.append(character)
        scripts.append(name)
    print(f"{len(scripts)} scripts, {len(names)} characters, {len(x)} pictures")
    np.savez_compressed(
        asked.output, x=np.stack(x)[:, None], labels=np.array(labels), groups=np.array(groups),
        characters=np.array(names), scripts=np.array(scripts),
    )  # fmt: skip


if __name__ == "__main__":
    main()
