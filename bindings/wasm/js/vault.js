// A user's keys.

import * as native from "../native/quantumsync.js";
import { bad, bytes, maybe, random, text } from "./check.js";
import { Handle, use } from "./handle.js";

const MADE_HERE = Symbol();

export class Vault extends Handle {
  constructor(token, make) {
    if (token !== MADE_HERE) throw bad("use Vault.create(), Vault.fromWords() or Vault.open()");
    super(make);
  }

  static create() {
    return new Vault(MADE_HERE, () => native.Vault.create(random(32)));
  }

  static fromWords(words) {
    text(words, "a list of words");
    return new Vault(MADE_HERE, () => native.Vault.fromWords(words));
  }

  static open(file, passphrase) {
    const content = bytes(file, "a vault file");
    const phrase = maybe(text, passphrase, "a passphrase");
    return new Vault(MADE_HERE, () => native.Vault.unlock(content, phrase));
  }

  save(passphrase) {
    const phrase = maybe(text, passphrase, "a passphrase");
    return use(this, (vault) => vault.lock(phrase, random(64)));
  }

  words() {
    return use(this, (vault) => vault.words());
  }

  get owner() {
    return use(this, (vault) => vault.owner());
  }

  // Shows whose it is, and no secret; the same for JSON, logs and Node.js' util.inspect, which see no private fields.
  toString() {
    return `Vault of ${this.owner.slice(0, 8)}…`;
  }
}

/** Checks that a value is a vault. */
export function vaultOf(value) {
  if (!(value instanceof Vault)) throw bad("a vault is an object of class Vault");
  return value;
}
