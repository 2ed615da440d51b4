// For Node.js: the module is read from disk when this is imported.

import { readFileSync } from "node:fs";

import { initSync } from "../native/quantumsync.js";

initSync({ module: readFileSync(new URL("../native/quantumsync_bg.wasm", import.meta.url)) });

export * from "./api.js";
export { Connection, connect } from "./connect.js";
