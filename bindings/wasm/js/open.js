// Opening a whole sealed file without a network, with constant memory.

import * as native from "../native/quantumsync.js";
import { bad, bytes, maybe, options as optionsOf, text } from "./check.js";
import { streamOf } from "./content.js";
import { Handle, use } from "./handle.js";
import { vaultOf } from "./vault.js";

class Reading extends Handle {}

export function open(vault, record, fetchBlob, options) {
  const given = optionsOf(options);
  const token = text(given.token, "a token");
  const key = maybe(text, given.key, "a key");
  const content = bytes(record, "a record");
  if (typeof fetchBlob !== "function") throw bad("what fetches blobs is a function");
  const make = (keys) => new OpenedFile(() => new native.Opened(keys, token, content, key), fetchBlob);
  return use(vaultOf(vault), make);
}

export class OpenedFile extends Handle {
  #fetchBlob;

  constructor(make, fetchBlob) {
    super(make);
    this.#fetchBlob = fetchBlob;
  }

  get info() {
    return use(this, (file) => file.info());
  }

  [Symbol.asyncIterator]() {
    return portions(use(this, (file) => new Reading(() => file.read())), this.#fetchBlob);
  }

  stream() {
    return streamOf(this[Symbol.asyncIterator]());
  }
}

async function* portions(reading, fetchBlob) {
  // Blobs on their way, by their slots: as many as the core asks for at once.
  const fetching = new Map();
  try {
    for (;;) {
      const step = use(reading, (inner) => inner.poll());
      if (step === undefined) {
        const { slot, blob } = await Promise.race(fetching.values());
        fetching.delete(slot);
        use(reading, (inner) => inner.fetched(slot, bytes(blob, "a blob")));
      } else if (step.type === "fetch") {
        const fetched = fetch(fetchBlob, step);
        // Should another one fail before this one is waited for, this one's failure is no one's.
        fetched.catch(() => {});
        fetching.set(step.slot, fetched);
      } else if (step.type === "data") {
        yield step.data;
      } else {
        return;
      }
    }
  } finally {
    reading.free();
  }
}

async function fetch(fetchBlob, { slot, id, length }) {
  return { slot, blob: await fetchBlob(id, length) };
}
