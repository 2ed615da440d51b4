// A user's keys.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";

import { AccessError, BadValueError, ClosedError, DamagedError, Vault } from "quantumsync";

import { folder, quantumsync } from "./network.js";

test("a vault comes back from its words", () => {
  const vault = Vault.create();
  assert.equal(vault.words().split(" ").length, 24);
  assert.equal(Vault.fromWords(vault.words()).owner, vault.owner);
  assert.notEqual(Vault.create().owner, vault.owner);
});

test("a vault comes back from its file, with its passphrase only", () => {
  const vault = Vault.create();
  const file = vault.save("correct horse");
  assert.equal(Vault.open(file, "correct horse").owner, vault.owner);
  assert.throws(() => Vault.open(file, "wrong horse"), { code: "wrong_passphrase", constructor: AccessError });
  assert.throws(() => Vault.open(file), { code: "needs_passphrase" });
  assert.equal(Vault.open(vault.save()).owner, vault.owner);
});

test("a vault file of the program opens, and the program's words are its words", () => {
  const home = folder();
  const { words } = JSON.parse(quantumsync(home, "init", "--no-passphrase"));
  const vault = Vault.open(readFileSync(join(home, "vault")));
  assert.equal(vault.words(), words);
});

test("a damaged vault file and wrong words are refused by name", () => {
  const file = Vault.create().save();
  file[file.length - 1] ^= 1;
  assert.throws(() => Vault.open(file), { code: "vault_damaged", constructor: DamagedError });
  assert.throws(() => Vault.open(new Uint8Array()), { code: "not_a_vault" });
  assert.throws(() => Vault.open(new Uint8Array(1 << 20)), { code: "not_a_vault" });
  assert.throws(() => Vault.fromWords("abandon ".repeat(24)), { code: "bad_words", constructor: BadValueError });
  assert.throws(() => Vault.fromWords("\u0000".repeat(1 << 20)), { code: "bad_words" });
});

test("nothing that shows a vault shows a secret", () => {
  const vault = Vault.create();
  const shown = `${inspect(vault, { depth: 9, showHidden: true })} ${JSON.stringify(vault)} ${vault}`;
  for (const word of vault.words().split(" ")) assert.ok(!shown.split(/\W+/).includes(word), word);
});

test("a freed vault is used no more, and freeing it twice is freeing it once", () => {
  const vault = Vault.create();
  vault.free();
  vault.free();
  assert.throws(() => vault.words(), { code: "closed", constructor: ClosedError, message: /Vault was freed/ });
  assert.throws(() => vault.owner, ClosedError);
});
