"""Uploads a file with tuspy as its documentation shows; run again, it resumes. Arguments: ENDPOINT FILE CHUNK MEMORY.

The token comes from `SLIPWAY_TOKEN`. MEMORY is the file in which the client remembers where its uploads are.
"""

import os
import pathlib
import sys

from tusclient import client
from tusclient.storage import filestorage

endpoint, path, chunk, memory = sys.argv[1:]
uploader = client.TusClient(endpoint, headers={"Authorization": f"Bearer {os.environ['SLIPWAY_TOKEN']}"}).uploader(
    path,
    chunk_size=int(chunk),
    retries=20,
    retry_delay=0.5,
    store_url=True,
    url_storage=filestorage.FileStorage(memory),
    metadata={"filename": pathlib.Path(path).name, "version": os.environ["VERSION"], "channel": "stable", "platform": "linux"},
)
uploader.upload()
