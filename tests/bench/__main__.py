"""`make bench`: one tab-separated line a measure, then how each floor is measured."""

from __future__ import annotations

import sys

from tests.bench import chart
from tests.postgres import Unavailable


def main() -> int:
    """Print every measure. Returns 1 where a page is more than four times its floor."""
    print("name\tdatabase\tn\tp50 ms\tp99 ms\tfloor ms\tratio")
    slow = False
    try:
        for found in chart.measures():
            print(found.line(), flush=True)
            slow = slow or found.ratio > 4
    except Unavailable as problem:
        print(f"no PostgreSQL here: {problem}", file=sys.stderr)
    for line in chart.FLOORS:
        print(line)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
