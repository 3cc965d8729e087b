"""Run benchmarks: ``python -m benchmarks [NAME ...] [--json PATH]``."""

import argparse
import importlib

from benchmarks.runner import FAMILIES, Report


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FAMILIES))
    parser.add_argument("--json", metavar="PATH", help="write the figures there too")
    parser.add_argument("--only", metavar="TEXT", help="sections whose name has TEXT")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(FAMILIES))
    if unknown:
        parser.error(f"no benchmark named {unknown[0]!r}; there are {list(FAMILIES)}")
    report = Report(arguments.only)
    try:
        for name in arguments.names or FAMILIES:
            importlib.import_module(f"benchmarks.{name}").run(report)
    finally:
        if arguments.json:
            report.write(arguments.json)


if __name__ == "__main__":
    main()
