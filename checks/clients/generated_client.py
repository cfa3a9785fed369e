"""The journey, by the client that was generated from the API's description: an app, an upload, a release, the newest file,
and what proves it. Leaves `fetched.bin`, `fetched.minisig` and `fetched.pub` in its folder.

usage: SLIPWAY_TOKEN=… python generated_client.py SERVER
"""

import hashlib
import io
import os
import pathlib
import sys

from slipway_client import AuthenticatedClient
from slipway_client.api.apps import create_app, show_app
from slipway_client.api.downloads import download_file, find_latest, show_key
from slipway_client.api.packages import show_package, upload_package
from slipway_client.api.releases import publish_release, show_release
from slipway_client.models import NewApp, Publish
from slipway_client.types import File

CONTENT = os.urandom(100_000)


def journey(server):
    client = AuthenticatedClient(base_url=server, token=os.environ["SLIPWAY_TOKEN"], timeout=90)
    made = known(create_app.sync_detailed(client=client, body=NewApp(slug="generated", name="Generated")), 201)
    print(f"made the app {made.slug}")
    body = File(payload=io.BytesIO(CONTENT), file_name="app.bin")
    uploaded = upload_package.sync_detailed(
        "generated", "app.bin", client=client, body=body, version="1.2.3", platform="linux"
    )
    package = known(uploaded, 201).package
    print(f"uploaded {package.filename}, {package.state}")
    wanted = Publish(version="1.2.3", channel="stable")
    published = known(publish_release.sync_detailed("generated", client=client, body=wanted), 201)
    print(f"released {published.version}, {published.state}")
    release = known(show_release.sync_detailed("generated", "1.2.3", client=client), 200)
    assert [package.sha256 for package in release.packages] == [hashlib.sha256(CONTENT).hexdigest()]
    assert known(show_package.sync_detailed("generated", package.id, client=client), 200).state == "published"
    assert known(show_app.sync_detailed("generated", client=client), 200).keys.minisign.public_key
    fetch(client)


def fetch(client):
    latest = find_latest.sync_detailed("generated", "linux", client=client)
    assert latest.status_code == 302, latest
    assert latest.headers["location"] == "/d/generated/1.2.3/app.bin", latest.headers
    fetched = {
        "fetched.bin": download_file.sync_detailed("generated", "1.2.3", "app.bin", client=client),
        "fetched.minisig": download_file.sync_detailed("generated", "1.2.3", "app.bin.minisig", client=client),
        "fetched.pub": show_key.sync_detailed("generated", client=client),
    }
    for name, answer in fetched.items():
        assert answer.status_code == 200, answer
        pathlib.Path(name).write_bytes(answer.content)
    assert fetched["fetched.bin"].content == CONTENT
    print("fetched the newest file, its signature and the key")


def known(answer, status):
    """The document of an answer of the wanted status."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.content[:500]}"
    assert answer.parsed is not None, "an answer that the client does not know"
    return answer.parsed


if __name__ == "__main__":
    journey(sys.argv[1])
