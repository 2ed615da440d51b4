"""How long a file takes through the blocking client: transfer.py FILE COPY TOKEN. Prints the seconds of the store and of the get."""

import sys
import time
from pathlib import Path

from quantumsync import Client, Vault

file, copy, token = sys.argv[1:]
with Client(None, Vault.create(), token=token) as client:
    start = time.monotonic()
    client.store("file", Path(file))
    stored = time.monotonic()
    client.download("file", copy)
    got = time.monotonic()
    client.delete("file")
print(f"{stored - start:.3f} {got - stored:.3f}")
