"""Take the pictures of the README and of the extension's page again: ``python tests/editors/shots.py``.

Each is of a real VS Code, and nothing is drawn. For the extension's page it writes a small workspace, lets TinyCoder
learn it from the command palette, and then completes in it; ``moving.py`` has the README's. Needs what ``install.py``
installs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.editors import install, moving  # noqa: E402 (the folder of a script is on the path, not the repository)
from tests.editors.vscode import VSCode, start_browser  # noqa: E402
from tests.editors.vscode_server import Server  # noqa: E402

MEDIA = REPOSITORY / "vscode-client" / "media"
WIDTH, HEIGHT = 960, 390  # of the window, in the editor's pixels
SCALE = 1.1  # pixels of the pictures for one of the editor's; more would be large files
SETTINGS = {
    "editor.fontSize": 15,
    "editor.lineHeight": 24,
    "editor.scrollBeyondLastLine": False,
    "editor.occurrencesHighlight": "off",
    "editor.overviewRulerLanes": 0,
    "editor.scrollbar.vertical": "hidden",
    "editor.suggest.showStatusBar": False,
    "breadcrumbs.enabled": False,
    "workbench.activityBar.location": "hidden",
    "workbench.sideBar.visible": False,
    "window.menuBarVisibility": "hidden",
    "window.title": "${rootName}",
    "workbench.layoutControl.enabled": False,
    "editor.suggestFontSize": 13,
    "tinycoder.popup.limit": 6,
    "tinycoder.training.preset": "nano",
}
WORKSPACE = {
    "weather/__init__.py": '"""What the stations measure."""\n',
    "weather/reading.py": '''"""One measurement of a station."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Reading:
    """What a station measured, and when."""

    station: str
    taken_at: datetime
    temperature: float
    humidity: float
    pressure: float
    wind_speed: float


def parse_reading(line: str) -> Reading:
    """A reading from a line of a station's file."""
    station, taken_at, temperature, humidity, pressure, wind_speed = line.split(",")
    return Reading(
        station=station,
        taken_at=datetime.fromisoformat(taken_at),
        temperature=float(temperature),
        humidity=float(humidity),
        pressure=float(pressure),
        wind_speed=float(wind_speed),
    )
''',
    "weather/files.py": '''"""Readings in files, one a line."""

from pathlib import Path

from weather.reading import Reading, parse_reading


def load_readings(path: Path) -> list[Reading]:
    """All readings in a file, in the order of the file."""
    return [parse_reading(line) for line in path.read_text().splitlines()]


def save_readings(path: Path, readings: list[Reading]) -> None:
    """Write readings, one a line."""
    lines = [f"{reading.station},{reading.taken_at.isoformat()},{reading.temperature}" for reading in readings]
    path.write_text("\\n".join(lines))
''',
    "weather/extremes.py": '''"""The readings that stand out."""

from weather.reading import Reading


def warmest(readings: list[Reading]) -> Reading:
    """The reading with the highest temperature."""
    return max(readings, key=lambda reading: reading.temperature)


def windiest(readings: list[Reading]) -> Reading:
    """The reading with the highest wind speed."""
    return max(readings, key=lambda reading: reading.wind_speed)


def driest(readings: list[Reading]) -> Reading:
    """The reading with the lowest humidity."""
    return min(readings, key=lambda reading: reading.humidity)
''',
    "weather/means.py": '''"""Readings summed up."""

from weather.reading import Reading


def mean_temperature(readings: list[Reading]) -> float:
    """The mean temperature, in degrees."""
    return sum(reading.temperature for reading in readings) / len(readings)


def mean_humidity(readings: list[Reading]) -> float:
    """The mean humidity, in per cent."""
    return sum(reading.humidity for reading in readings) / len(readings)


def mean_pressure(readings: list[Reading]) -> float:
    """The mean pressure, in hectopascals."""
    return sum(reading.pressure for reading in readings) / len(readings)


def by_station(readings: list[Reading]) -> dict[str, list[Reading]]:
    """The readings of each station."""
    found: dict[str, list[Reading]] = {}
    for reading in readings:
        found.setdefault(reading.station, []).append(reading)
    return found
''',
    "report.py": '''"""Print what the stations measured."""

import sys
from pathlib import Path

from weather.extremes import driest, warmest, windiest
from weather.files import load_readings
from weather.means import mean_temperature

if __name__ == "__main__":
    readings = load_readings(Path(sys.argv[1]))
    print(warmest(readings), driest(readings), windiest(readings))
    print(mean_temperature(readings))
''',
}
BEGUN = '''"""What is worth telling about a day."""

from weather.reading import Reading


def mean_wind_speed(readings: list[Reading]) -> float:
    """The mean wind speed, in metres per second."""
    return sum(reading.wind_speed f'''  # the rest of the line should be offered
POPUP = """from weather.reading import Reading


def finest(readings: list[Reading]) -> Reading:
    return max(readings, key=lambda reading: reading."""


def main() -> int:
    """Take all pictures; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=0.7, help="how long to train (default: %(default)s)")
    parser.add_argument("--only", choices=["moving", "still"], help="take these alone")
    options = parser.parse_args()
    program, extension = install.browser(), install.extension()
    if program is None or extension is None or not install.vscode_server().exists():
        print("Something is missing; python tests/editors/install.py installs it.", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="shots-") as scratch,
        sync_playwright() as playwright,
        start_browser(playwright, program) as browser,
    ):
        if options.only != "moving":
            take_still(browser, extension, Path(scratch) / "still", options.minutes)
        if options.only != "still":
            for theme in moving.THEMES:
                moving.take(browser, extension, Path(scratch) / theme, theme)
    return 0


def take_still(browser: Browser, extension: Path, scratch: Path, minutes: float) -> None:
    """The pictures of the extension's page."""
    folder = scratch / "weather-report"
    for name, text in WORKSPACE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    server = Server(
        install.vscode_server(),
        extension,
        settings={**SETTINGS, "tinycoder.training.minutes": minutes},
        environment={"TINYCODER_HOME": str(scratch / "home")},
        programs=[Path(sys.executable).with_name("tinycoder")],
    )
    with server, VSCode(browser, server, folder, width=WIDTH, height=HEIGHT, scale=SCALE) as window:
        window.press("Control+b")  # no side bar
        take_training(window, folder)
        take_ghost(window)
        take_popup(window)


def take_training(window: VSCode, folder: Path) -> None:
    """The menu of the status bar while a model learns."""
    window.open_file(folder / "weather" / "extremes.py")
    window.wait_for_status("ready")
    window.run_command("TinyCoder: Train on This Workspace")
    window.run_command("Notifications: Clear All Notifications")
    window.wait_for_status("training [3-9][0-9] %")
    window.run_command("TinyCoder: Show Menu")
    window.page.mouse.move(WIDTH / 2, HEIGHT - 60)  # a tooltip would cover the menu
    window.page.wait_for_timeout(500)  # until the menu is still
    window.page.screenshot(path=MEDIA / "training.png")
    window.press("Escape")
    print(window.wait_for_message("learnt this workspace"))
    window.run_command("Notifications: Clear All Notifications")
    window.wait_for_status("ready")
    window.close_file()


def take_ghost(window: VSCode) -> None:
    """Ghost text at the end of a line."""
    window.server.change_settings({"editor.quickSuggestions": {"other": "off"}})
    window.new_file("day.py", BEGUN)
    window.until(lambda: _offers(window), "ghost text")
    print(f"ghost text: {window.ghost_text()}")
    _take(window, "ghost")
    window.press("Tab")


def take_popup(window: VSCode) -> None:
    """The completion list with its details, next to the ghost text."""
    window.close_file()
    window.new_file("week.py", POPUP)
    window.ask_for_popup_until("temperature")
    print(f"popup: {window.popup_rows()}")
    window.press("Control+Space")  # the details
    window.until(lambda: "seen in" in window.popup_details(), "the details say where it was seen")
    _take(window, "popup")


def _offers(window: VSCode) -> bool:
    """Type the last letter again, in case the index was not ready; whether ghost text comes."""
    window.press("Backspace")
    window.type("f")
    return window.soon(window.ghost_text)


def _take(window: VSCode, name: str) -> None:
    window.page.wait_for_timeout(500)  # until animations end
    window.page.locator(".part.editor").first.screenshot(path=MEDIA / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
