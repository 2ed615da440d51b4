// Prints the digests of the traces of so many seeds, from the first one, by the module in Node.js: one line each.
import { readFile } from "node:fs/promises";

const { instance } = await WebAssembly.instantiate(await readFile(process.argv[2]), {});
const { memory, trace_digest } = instance.exports;
for (let seed = 1; seed <= Number(process.argv[3]); seed += 1) {
  const from = trace_digest(seed);
  const bytes = new Uint8Array(memory.buffer);
  console.log(new TextDecoder().decode(bytes.subarray(from, bytes.indexOf(0, from))));
}
