// What a bundled page does: it encrypts a file, and opens it again.

import { Vault, open, seal } from "quantumsync";

globalThis.roundTrip = async (words, token, size) => {
  const vault = Vault.fromWords(words);
  const content = new Uint8Array(size).map((_, i) => Math.imul(i, i ^ 0x5bd1e995) >>> 24);
  const blobs = new Map();
  let record;
  for await (const part of seal(vault, "key", new Blob([content]), { token })) {
    if (part.type === "blob") blobs.set(part.id, part.data);
    else record = part.data;
  }
  const opened = await new Response(open(vault, record, (id) => blobs.get(id), { token }).stream()).arrayBuffer();
  return { blobs: blobs.size, same: new Uint8Array(opened).every((byte, i) => byte === content[i]), size: opened.byteLength };
};
