// Bytes in portions: from whatever can be stored, and to whoever wants a stream.

import { bad, viewOf } from "./check.js";

/** An iterator over the portions of a content; `return()` lets go of its source. */
export function portions(content) {
  if (typeof Blob !== "undefined" && content instanceof Blob) return ofStream(content.stream());
  if (content instanceof ArrayBuffer || ArrayBuffer.isView(content)) return ofAll([content]);
  if (typeof content === "object" && content !== null) {
    // Node.js' readable streams and fetch's bodies are one of these; not every browser iterates over a ReadableStream.
    if (content[Symbol.asyncIterator] !== undefined || content[Symbol.iterator] !== undefined) return ofAll(content);
    if (typeof content.getReader === "function") return ofStream(content);
  }
  throw bad("content is bytes, a Blob, a ReadableStream or an iterable of bytes");
}

async function* ofAll(content) {
  for await (const portion of content) yield viewOf(portion, "a portion of a content");
}

async function* ofStream(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield viewOf(value, "a portion of a content");
    }
  } finally {
    await reader.cancel();
  }
}

/** A stream of what an iterator gives; nothing is fetched before it is asked for. */
export function streamOf(iterator) {
  const source = {
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return();
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}
