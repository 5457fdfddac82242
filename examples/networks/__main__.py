"""Generate a benchmark network: python -m examples.networks mobilenet_v1 -o build/networks/mobilenet_v1.onnx."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from examples.networks import NETWORKS, save


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the network that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m examples.networks", description=__doc__)
    parser.add_argument("network", choices=list(NETWORKS))
    parser.add_argument("-o", "--output", type=Path, help="default: build/networks/NETWORK.onnx")
    parser.add_argument("--seed", type=int, default=0, help="of the weights (default: 0)")
    parser.add_argument("--size", type=int, help="of the picture (default: as published)")
    parser.add_argument(
        "--zero-words", type=float, default=0.0, help="share of the words of 16 x 16 weights that are zero"
    )
    options = parser.parse_args(arguments)
    path = options.output or Path("build/networks") / f"{options.network}.onnx"
    try:
        save(options.network, path, seed=options.seed, size=options.size, zero_words=options.zero_words)
    except ValueError as reason:
        parser.error(str(reason))
    print(f"{path}: {path.stat().st_size / 1e6:,.1f} MB")


if __name__ == "__main__":
    main()
