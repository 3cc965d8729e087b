"""Shared by all tests: the summary of the contract at the end of a run."""

import os
from collections import Counter, defaultdict

OUTCOMES = ("passed", "failed", "xfailed", "xpassed")
COLUMNS = ("check_estimator", "check_generative_model", *OUTCOMES[1:3], "fits")


def pytest_collection_modifyitems(config, items):
    """Leave the array API checks to the process that can run them.

    scikit-learn skips them unless an environment variable is set before scipy is
    imported; test_contract.py starts a process that has it.
    """
    if os.environ.get("SCIPY_ARRAY_API") != "1":
        unable = [item for item in items if "-check_array_api" in item.name]
        config.hook.pytest_deselected(items=unable)
        items[:] = [item for item in items if item not in unable]


def pytest_terminal_summary(terminalreporter):
    """Print how many checks each class went through, and how many fits they took."""
    table = defaultdict(Counter)
    for outcome in OUTCOMES:
        for report in terminalreporter.stats.get(outcome, ()):
            for key, value in report.user_properties:
                if key == "contract":
                    name, suite, n_fits = value
                    table[name].update({suite: 1, outcome: 1, "fits": n_fits})
                    table[name]["seconds"] += report.duration
    if not table:
        return
    terminalreporter.section("contract: checks and fits per class")
    widths = [len(column) + 2 for column in COLUMNS]
    header = "".join(f"{c:>{w}}" for c, w in zip(COLUMNS, widths, strict=True))
    terminalreporter.write_line(f"{'class':<24}{header}  seconds")
    for name, counts in sorted(table.items()):
        cells = [f"{counts[c]:>{w}}" for c, w in zip(COLUMNS, widths, strict=True)]
        seconds = f"{counts['seconds']:>9.1f}"
        terminalreporter.write_line(f"{name:<24}{''.join(cells)}{seconds}")
