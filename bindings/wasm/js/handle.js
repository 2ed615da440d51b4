// The boundary to the native layer. An object of it is freed by `free()`, by `using`, or when nothing refers to it any more
// (the native layer's own classes have a FinalizationRegistry). What traps in there, which is a defect of ours, becomes an
// InternalError, and its object is not used again.

import { panicMessage } from "../native/quantumsync.js";
import { bad } from "./check.js";
import { QuantumSyncError, fromCode } from "./errors.js";

// Older browsers have no such symbol; whoever brings it later finds nothing under ours.
export const dispose = Symbol.dispose ?? Symbol("dispose");
export const asyncDispose = Symbol.asyncDispose ?? Symbol("asyncDispose");

/** Calls `body` with the native object behind a handle. */
export let use;

/** Whether a value is such a handle. */
export let isHandle;

export class Handle {
  #native;
  #whyNot;

  /** `make` gives the native object. */
  constructor(make) {
    this.#native = guarded(make);
  }

  /** Frees what it holds outside of JavaScript's heap; any later use of it is an error. Twice is once. */
  free() {
    const native = this.#native;
    this.#end(`this ${this.constructor.name} was freed`, "closed");
    if (native !== undefined) guarded(() => native.free());
  }

  [dispose]() {
    this.free();
  }

  #end(why, code) {
    this.#native = undefined;
    this.#whyNot ??= [code, why];
  }

  static {
    isHandle = (value) => typeof value === "object" && value !== null && #native in value;
    use = (handle, body) => {
      if (!isHandle(handle)) throw bad("this is no object of quantumsync");
      if (handle.#native === undefined) throw fromCode(...handle.#whyNot);
      try {
        return body(handle.#native);
      } catch (error) {
        if (error instanceof QuantumSyncError) throw error;
        const broken = defect(error);
        handle.#end(`this ${handle.constructor.name} was left half-way: ${broken.message}`, "internal");
        throw broken;
      }
    };
  }
}

function guarded(body) {
  try {
    return body();
  } catch (error) {
    throw error instanceof QuantumSyncError ? error : defect(error);
  }
}

function defect(error) {
  const message = (error instanceof WebAssembly.RuntimeError && panicMessage()) || String(error);
  const broken = fromCode("internal", `a defect of quantumsync, please report it: ${message}`);
  broken.cause = error;
  return broken;
}
