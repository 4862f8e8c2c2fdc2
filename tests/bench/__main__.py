"""`make bench`: one tab-separated line a measure, then how each floor is measured.

python -m tests.bench chart                    the chart of 500 entries
python -m tests.bench referrals 1000,100000    the worklist and sending, at these sizes
python -m tests.bench release 100000 5         a release of so many patients, with k = 5
"""

from __future__ import annotations

import sys

from tests.bench import chart, referrals, release
from tests.postgres import Unavailable


def main() -> int:
    """Print every measure. Returns 1 where a page costs more than it may."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    slow = False
    try:
        if wanted in ("", "chart"):
            slow = _chart()
        if wanted in ("", "referrals"):
            sizes = tuple(int(one) for one in sys.argv[2].split(",")) if len(sys.argv) > 2 else ()
            slow = _referrals(sizes or referrals.SIZES) or slow
        if wanted in ("", "release"):
            for line in release.lines(*(int(one) for one in sys.argv[2:5])):
                print(line, flush=True)
    except Unavailable as problem:
        print(f"no PostgreSQL here: {problem}", file=sys.stderr)
    return int(slow)


def _chart() -> bool:
    print("name\tdatabase\tn\tp50 ms\tp99 ms\tfloor ms\tratio")
    slow = False
    for found in chart.measures():
        print(found.line(), flush=True)
        slow = slow or found.ratio > 4
    for line in chart.FLOORS:
        print(line)
    return slow


def _referrals(sizes: tuple[int, ...]) -> bool:
    slow = False
    for line in referrals.lines(sizes):
        print(line.text, flush=True)
        slow = slow or line.slow
    return slow


if __name__ == "__main__":
    sys.exit(main())
