// Arguments: each is seen to be of its type before the native layer gets it. What a value means is not decided here.

import { fromCode } from "./errors.js";

/** The most that is handed over at once: far more than anything takes, far less than would exhaust the module's memory. */
const MOST = 64 << 20;

/** A string that has a form in UTF-8. */
export function text(value, what) {
  if (typeof value !== "string") throw bad(`${what} is a string`);
  if (value.length > MOST / 4) throw bad(`${what} is not as long as that`);
  // A lone half of a surrogate pair would become another character, and so the name of another file.
  if (/\p{Surrogate}/u.test(value)) throw bad(`${what} is well-formed: it holds half of a surrogate pair`);
  return value;
}

/** A whole number that is exact. */
export function whole(value, what) {
  if (!Number.isSafeInteger(value) || value < 0) throw bad(`${what} is a whole number from 0 to 2^53 - 1`);
  return value;
}

/** Bytes that are handed over at once, as a Uint8Array over the same memory. */
export function bytes(value, what) {
  const view = viewOf(value, what);
  if (view.length > MOST) throw bad(`${what} has not so many bytes at once`);
  return view;
}

/** Any number of bytes, as a Uint8Array over the same memory. */
export function viewOf(value, what) {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw bad(`${what} is a Uint8Array, another view of bytes or an ArrayBuffer`);
}

/** An object of options, or none. */
export function options(value) {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null) throw bad("options are an object");
  return value;
}

/** Checks a value that may be left out; null counts as left out. */
export function maybe(check, value, what) {
  return value === undefined || value === null ? undefined : check(value, what);
}

/** So many bytes of the system's randomness. */
export function random(length) {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}

export function bad(why) {
  return fromCode("bad_value", why);
}
