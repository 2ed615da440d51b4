// How long a file takes through `connect`: transfer.js FILE COPY TOKEN. Prints the seconds of the store and of the get.

import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { Vault, connect } from "quantumsync";

const [file, copy, token] = process.argv.slice(2);
const client = await connect(null, { token, vault: Vault.create() });
const start = performance.now();
await client.store("file", createReadStream(file, { highWaterMark: 1 << 20 }));
const stored = performance.now();
await pipeline(Readable.fromWeb(client.stream("file")), createWriteStream(copy));
const got = performance.now();
await client.delete("file");
await client.close();
console.log(`${((stored - start) / 1000).toFixed(3)} ${((got - stored) / 1000).toFixed(3)}`);
