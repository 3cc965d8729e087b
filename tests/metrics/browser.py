"""A real browser without a window, where the machine has one."""

import shutil
import subprocess

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)


def find_browser():
    """Path of a browser that runs headless, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def rendered(browser, path, profile):
    """The document as the browser has it after loading a file, without network."""
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--proxy-server=127.0.0.1:9",  # where nobody listens: nothing can be fetched
        f"--user-data-dir={profile}",
        "--virtual-time-budget=2000",
        "--dump-dom",
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
