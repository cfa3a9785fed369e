"""No log holds a secret: tokens and keys are searched for in every form in which they could have been printed."""

import base64
import binascii
import contextlib

# Shorter contents are flags and numbers; finding them somewhere says nothing.
SHORTEST = 16


def spellings(name, content):
    """Every form of one secret's bytes that a log line could hold, each with the words that name it."""
    forms = {}
    stripped = content.strip()
    keys = [(name, stripped)]
    with contextlib.suppress(ValueError):
        keys.append((f"{name} (decoded)", binascii.unhexlify(stripped)))
    if stripped.startswith(b"-----BEGIN"):
        body = b"".join(line for line in stripped.splitlines() if not line.startswith(b"-----"))
        keys.append((f"{name} (decoded)", base64.b64decode(body)))
    for label, key in keys:
        if len(key) < SHORTEST:
            continue
        forms[key] = label
        forms[key.hex().encode()] = f"{label} as hex"
        forms[key.hex().upper().encode()] = f"{label} as hex"
        forms[base64.b64encode(key).rstrip(b"=")] = f"{label} as base64"
        forms[base64.urlsafe_b64encode(key).rstrip(b"=")] = f"{label} as base64"
        forms[", ".join(str(byte) for byte in key).encode()] = f"{label} as a list of numbers"
    return forms


def search(folder, secrets):
    """Searches all files under `folder` for `secrets` (name to bytes) and returns where which one was found."""
    forms = {}
    for name, content in secrets.items():
        forms |= spellings(name, content)
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        text = path.read_bytes()
        found += [f"{label} in {path}" for form, label in forms.items() if form in text]
    return found
