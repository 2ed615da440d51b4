// A node that is killed. In a file of its own since it takes as long as the client is patient with a node that may come back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { QuantumSyncError, UnreachableError, Vault, connect } from "quantumsync";

import { pattern, startNode } from "./network.js";

test("a node that dies in mid-stream is an error by name, not a silence", async () => {
  const dying = await startNode();
  const client = await connect(dying.address, { token: dying.token, vault: Vault.create() });
  async function* content() {
    yield pattern(3_000_000, 1);
    await dying.stop("SIGKILL");
    for (;;) yield pattern(1_000_000, 2);
  }
  const storing = client.store("a", content());
  await assert.rejects(storing, (error) => error instanceof QuantumSyncError && /unreachable|deadline/.test(error.code));
  await assert.rejects(client.status(), UnreachableError);
  await client.close();
});
