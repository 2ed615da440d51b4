// The types: they hold for a user's code, and they name what there is.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";

import * as api from "quantumsync";

// Inside of the package: not for its users.
import * as everywhere from "./node_modules/quantumsync/js/api.js";

const INSIDE = new URL("node_modules/quantumsync/js/", import.meta.url);
const typesOf = (file) => readFileSync(new URL(file, INSIDE), "utf8");
const [common, ofNode] = [typesOf("index.d.ts"), typesOf("node.d.ts")];

test("an example in TypeScript's strictest mode has no error", async () => {
  const tsc = new URL("node_modules/typescript/bin/tsc", import.meta.url).pathname;
  const folder = new URL(".", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, "--project", folder]).catch((error) => error);
  assert.equal(stdout, "");
});

test("the types declare what there is in each environment, and nothing else", () => {
  const declared = (types) => [...types.matchAll(/^export declare (?:abstract )?(?:class|function) (\w+)/gm)].map(([, name]) => name);
  // Its base class has a name only for the types.
  const inCommon = declared(common).filter((name) => name !== "Handle");
  assert.deepEqual(inCommon.sort(), Object.keys(everywhere).sort());
  assert.deepEqual([...inCommon, ...declared(ofNode)].sort(), Object.keys(api).sort());
});

test("the types of each class have its methods, and nothing else", () => {
  for (const name of ["Vault", "OpenedFile", "Client", "MemoryRows", "Connection"]) {
    const [, body] = (common + ofNode).match(new RegExp(`^export declare class ${name} .*?\\{\n(.*?)^\\}`, "ms"));
    const declared = [...body.matchAll(/^ {2}(?:static |get )?([a-z]\w*|\[Symbol\.\w+\])\(/gm)].map(([, method]) => method);
    // Node.js 20 has the newest symbols under names of its own.
    const nameOf = (key) => (typeof key === "symbol" ? `[${key.description.replace("nodejs", "Symbol")}]` : key);
    const own = (object) => Reflect.ownKeys(object).map(nameOf);
    const statics = own(api[name]).filter((key) => !["length", "name", "prototype"].includes(key));
    const there = [...own(api[name].prototype), ...statics];
    const isDeclaredAsSuch = (method) => method !== "constructor";
    assert.deepEqual(declared.filter(isDeclaredAsSuch).sort(), there.filter(isDeclaredAsSuch).sort(), name);
  }
});
