"""The README's picture: the install page on a phone, beside a terminal that publishes and proves the same release."""

import base64
import html
import os
import subprocess

from . import fixtures
from .platform import BINARIES

APP = "field-notes"
ADDRESS = "https://apps.example.org"
COMMANDS = (
    ("publish", "notes.apk", "--app", APP, "--notes", "Search is **faster**, and works without a network."),
    ("download", APP, "--platform", "android", "--output", "proven.apk"),
    ("verify", "proven.apk", "--app", APP, "--version", "8.0.9"),
)
SHEET = """<!doctype html><meta charset=utf-8><style>
body { margin: 0; padding: 28px; background: #e9eef0; display: flex; gap: 28px; align-items: flex-start; width: 1144px; }
img { width: 330px; border: 9px solid #20262b; border-radius: 28px; display: block; }
pre { flex: 1; margin: 0; padding: 18px 20px; background: #14191d; color: #d5dde2; border-radius: 10px; font: 13.5px/1.55 "DejaVu Sans Mono", monospace;
      white-space: pre-wrap; overflow-wrap: anywhere; }
b { color: #7fd0c4; font-weight: normal; }
</style>"""


def picture(check, browser, developer, agent, path):
    """Draws it into `path`, as WebP."""
    developer.make_app(APP, "Field Notes")
    folder = check.folder / "picture"
    folder.mkdir()
    (folder / "notes.apk").write_bytes(fixtures.real(check, "settings-1.apk").read_bytes())
    origin = f"http://{developer.address}"
    environment = os.environ | {"SLIPWAY_SERVER": origin, "SLIPWAY_TOKEN": developer.token, "XDG_CONFIG_HOME": str(folder)}
    shown = []
    for command in COMMANDS:
        done = subprocess.run([BINARIES / "slipway", *command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        check.equal(done.returncode, 0, f"exit code of {command} ({done.stderr[-400:]})")
        typed = " ".join(f"'{word}'" if " " in word else word for word in command)
        shown.append(f"<b>$ slipway {html.escape(typed)}</b>\n{html.escape(done.stdout.replace(origin, ADDRESS))}")
    page = browser.page(agent=agent)
    page.open(f"{origin}/a/{APP}")
    page.screen(390, False, 760)
    phone = page.view()
    page.close()
    sheet = folder / "sheet.html"
    sheet.write_text(f"{SHEET}<img alt='' src='data:image/png;base64,{base64.b64encode(phone).decode()}'><pre>{chr(10).join(shown)}</pre>")
    page = browser.page()
    page.open(sheet.as_uri())
    page.screen(1200, False, 720)
    path.write_bytes(page.view("webp"))
    page.close()
