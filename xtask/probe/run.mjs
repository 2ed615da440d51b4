// Runs the probe in Node.js: it must import nothing, and move a file. Says a line for each thing that held.
import { readFile } from "node:fs/promises";

const module = await WebAssembly.compile(await readFile(process.argv[2]));
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) {
  throw new Error(`the module imports ${imports.map(({ module, name }) => `${module}.${name}`).join(", ")}`);
}
console.log("ok the module imports nothing");

const { exports } = await WebAssembly.instantiate(module, {});
for (const length of [0, 1000, 3_000_000]) {
  const moved = exports.move_file(length, 7);
  if (moved !== length) throw new Error(`${moved} of ${length} bytes came back`);
  console.log(`ok ${length} bytes went to three nodes and came back from two`);
}
