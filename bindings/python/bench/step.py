"""What a call of the sans-IO level costs beside what the core does: nanoseconds of calls that find nothing to do."""

import time

from quantumsync import Node, Vault, sansio

CALLS = 1_000_000
with Node(volatile=True) as node:
    now = sansio.now()
    client = sansio.Client(now, node.invite(), Vault.create())
start = time.monotonic()
for _ in range(CALLS):
    client.handle_timeout(now)
    for _output in client.outputs():
        pass
    client.poll_timeout()
print(f"{(time.monotonic() - start) * 1e9 / CALLS:.0f} ns a step: handle_timeout, outputs, poll_timeout")
