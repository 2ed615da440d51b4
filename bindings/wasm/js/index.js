// For browsers, as it is or through a bundler: the module is fetched from beside its JavaScript when this is imported.

import load from "../native/quantumsync.js";

await load();

export * from "./api.js";
