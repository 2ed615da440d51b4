// Encrypting a whole file without a network, with constant memory.

import * as native from "../native/quantumsync.js";
import { bytes, maybe, options as optionsOf, random, text, whole } from "./check.js";
import { portions } from "./content.js";
import { Handle, use } from "./handle.js";
import { vaultOf } from "./vault.js";

class Sealing extends Handle {}

export function seal(vault, key, content, options) {
  const given = optionsOf(options);
  const device = maybe(bytes, given.device, "a device's secret") ?? random(32);
  const nowMs = maybe(whole, given.nowMs, "a time") ?? Date.now();
  const replaces = maybe(text, given.replaces, "a version") ?? "";
  const settings = [text(given.token, "a token"), text(key, "a key"), device, nowMs, replaces];
  const dates = [maybe(whole, given.modifiedMs, "a time"), maybe(whole, given.ttlMs, "a time to live")];
  const source = portions(content);
  const sealing = use(vaultOf(vault), (keys) => new Sealing(() => new native.Sealing(keys, ...settings)));
  use(sealing, (inner) => inner.date(...dates));
  return parts(sealing, source);
}

async function* parts(sealing, source) {
  try {
    for await (const portion of source) {
      let rest = portion;
      while (rest.length > 0) {
        // What was cut from it is handed out before more of it is taken: so there is always room.
        const room = use(sealing, (inner) => inner.want());
        use(sealing, (inner) => inner.provide(rest.subarray(0, room)));
        rest = rest.subarray(room);
        yield* blobs(sealing);
      }
    }
    use(sealing, (inner) => inner.finish());
    yield* blobs(sealing);
    yield use(sealing, (inner) => inner.record());
  } finally {
    sealing.free();
  }
}

function* blobs(sealing) {
  let blob;
  while ((blob = use(sealing, (inner) => inner.poll())) !== undefined) yield blob;
}
