//! The vault file: the master sealed under a random file key, which is wrapped once for each slot.
//!
//! ```text
//! file = "qsvault" 0 ‖ version u16 ‖ slots u8 ‖ slot × slots ‖ sealed master 80 ‖ checksum 32
//! slot = kind u8 ‖ length u16 ‖ data
//!   kind 0, opens without passphrase: salt 16 ‖ sealed file key 80
//!   kind 1, passphrase:               memory KiB u32 ‖ passes u32 ‖ lanes u32 ‖ salt 16 ‖ sealed file key 80
//! ```
//!
//! The master's seal covers every byte before it: header and slots cannot be changed without the file key. A slot's seal
//! covers magic, version and the slot's bytes before it. The checksum, SHA-256 of all before it, needs no key: it tells damage
//! from a wrong passphrase.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::{Buf as _, BufMut as _};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::crypto::{
    Master, OpenError, Part, PasswordParams, Secret, Suite, hash_password, label, open_record_part,
    seal_record_part, sealed_part_len,
};
use crate::error::VaultError;

const MAGIC: &[u8; 8] = b"qsvault\0";
const VERSION: u16 = 1;
/// More ways to open a vault than anyone has; bounds how often Argon2 runs.
const MAX_SLOTS: u8 = 8;
const SALT: usize = 16;
const SEALED_KEY: usize = sealed_part_len(32);
const CHECKSUM: usize = 32;

/// A slot that opens without a passphrase.
const OPEN: u8 = 0;
/// A slot that opens with one.
const PASSPHRASE: u8 = 1;
// 2 recovery, 3 keychain: reserved. Slots of other kinds are passed over.

/// The bytes of a vault file with one slot. Of the entropy, 32 bytes are the file key and 16 the salt of the slot; the
/// rest is for a second slot's.
pub(super) fn lock(
    suite: Suite,
    master: &Master,
    passphrase: Option<&str>,
    params: PasswordParams,
    entropy: &[u8; 64],
) -> Result<Vec<u8>, VaultError> {
    let file_key = secret(&entropy[..32]);
    let mut salt = [0; SALT];
    salt.copy_from_slice(&entropy[32..32 + SALT]);

    let mut slot = Vec::new();
    let (kind, slot_key) = match passphrase {
        None => (OPEN, open_slot_key(suite, &salt)),
        Some(passphrase) => {
            slot.put_u32(params.memory_kib);
            slot.put_u32(params.passes);
            slot.put_u32(params.lanes);
            (PASSPHRASE, passphrase_key(passphrase, &salt, params)?)
        }
    };
    slot.put_slice(&salt);
    let sealed = seal(suite, &slot_key, &slot_context(kind, &slot), &file_key);

    let mut file = Vec::new();
    file.put_slice(MAGIC);
    file.put_u16(VERSION);
    file.put_u8(1);
    file.put_u8(kind);
    // A slot has at most 108 bytes.
    file.put_u16((slot.len() + sealed.len()) as u16);
    file.put_slice(&slot);
    file.put_slice(&sealed);
    let sealed = seal(suite, &file_key, &file, &master.0);
    file.put_slice(&sealed);
    let checksum = suite.hash(&[&file]);
    file.put_slice(&checksum);
    Ok(file)
}

/// The master of a vault file.
pub(super) fn open(suite: Suite, file: &[u8], passphrase: Option<&str>) -> Result<Master, VaultError> {
    let mut rest = file.strip_prefix(MAGIC).ok_or(VaultError::NotAVault)?;
    if rest.try_get_u16().map_err(damaged)? != VERSION {
        return Err(VaultError::NotAVault);
    }
    let (covered, checksum) = file.split_last_chunk::<CHECKSUM>().ok_or(VaultError::Damaged)?;
    if suite.hash(&[covered]) != *checksum {
        return Err(VaultError::Damaged);
    }
    let slots = read_slots(&mut rest)?;
    if rest.len() != SEALED_KEY + CHECKSUM {
        return Err(VaultError::Damaged);
    }
    let file_key = file_key(suite, &slots, passphrase)?;
    let (header, sealed) = covered.split_at(covered.len() - SEALED_KEY);
    unseal(suite, &file_key, header, sealed).map(Master).map_err(|_| VaultError::Damaged)
}

struct Slot<'a> {
    kind: u8,
    data: &'a [u8],
}

fn read_slots<'a>(rest: &mut &'a [u8]) -> Result<Vec<Slot<'a>>, VaultError> {
    let count = rest.try_get_u8().map_err(damaged)?;
    if count > MAX_SLOTS {
        return Err(VaultError::Damaged);
    }
    let mut slots = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let kind = rest.try_get_u8().map_err(damaged)?;
        let length = rest.try_get_u16().map_err(damaged)?;
        let data = rest.split_off(..usize::from(length)).ok_or(VaultError::Damaged)?;
        slots.push(Slot { kind, data });
    }
    Ok(slots)
}

/// The file key, from the first slot that opens. A passphrase that no slot asks for does no harm.
fn file_key(suite: Suite, slots: &[Slot<'_>], passphrase: Option<&str>) -> Result<Secret<32>, VaultError> {
    let mut refusal = VaultError::NotAVault;
    for slot in slots.iter().filter(|slot| slot.kind == PASSPHRASE) {
        let Some(passphrase) = passphrase else {
            refusal = VaultError::NeedsPassphrase;
            break;
        };
        match open_slot(suite, slot, Some(passphrase))? {
            Some(key) => return Ok(key),
            None => refusal = VaultError::WrongPassphrase,
        }
    }
    match slots.iter().find(|slot| slot.kind == OPEN) {
        // Nothing but damage keeps it shut.
        Some(slot) => open_slot(suite, slot, None)?.ok_or(VaultError::Damaged),
        None => Err(refusal),
    }
}

/// The file key of one slot; `None` if the slot's key does not open it.
fn open_slot(
    suite: Suite,
    slot: &Slot<'_>,
    passphrase: Option<&str>,
) -> Result<Option<Secret<32>>, VaultError> {
    let at = slot.data.len().checked_sub(SEALED_KEY).ok_or(VaultError::Damaged)?;
    let (head, sealed) = slot.data.split_at(at);
    let (mut params, salt) = head.split_last_chunk::<SALT>().ok_or(VaultError::Damaged)?;
    let key = match passphrase {
        None => open_slot_key(suite, salt),
        Some(passphrase) => {
            let params = PasswordParams {
                memory_kib: params.try_get_u32().map_err(damaged)?,
                passes: params.try_get_u32().map_err(damaged)?,
                lanes: params.try_get_u32().map_err(damaged)?,
            };
            passphrase_key(passphrase, salt, params)?
        }
    };
    if !params.is_empty() {
        return Err(VaultError::Damaged);
    }
    Ok(unseal(suite, &key, &slot_context(slot.kind, head), sealed).ok())
}

/// What a slot's seal is bound to.
fn slot_context(kind: u8, head: &[u8]) -> Vec<u8> {
    [MAGIC.as_slice(), &VERSION.to_be_bytes(), &[kind], head].concat()
}

/// No secret: anyone who has the file can make it.
fn open_slot_key(suite: Suite, salt: &[u8; SALT]) -> Secret<32> {
    suite.expand(&suite.extract(salt, &[]), label::VAULT_OPEN_SLOT, &[])
}

fn passphrase_key(
    passphrase: &str,
    salt: &[u8; SALT],
    params: PasswordParams,
) -> Result<Secret<32>, VaultError> {
    // NFC is at most three times as long: with this room, nothing is left behind by growing.
    let mut normal = Zeroizing::new(String::with_capacity(3 * passphrase.len()));
    normal.extend(passphrase.nfc());
    hash_password(normal.as_bytes(), salt, params).ok_or(VaultError::Parameters)
}

/// Seals 32 secret bytes under a key that seals nothing else.
fn seal(suite: Suite, key: &Secret<32>, context: &[u8], plain: &Secret<32>) -> Vec<u8> {
    let (seal, siv) = (suite.expand(key, label::VAULT_SEAL, &[]), suite.expand(key, label::VAULT_SIV, &[]));
    seal_record_part(suite, &seal, &siv, Part::Head, context, plain.expose())
}

fn unseal(suite: Suite, key: &Secret<32>, context: &[u8], sealed: &[u8]) -> Result<Secret<32>, OpenError> {
    let key = suite.expand(key, label::VAULT_SEAL, &[]);
    let plain = Zeroizing::new(open_record_part(suite, &key, Part::Head, context, sealed)?);
    if plain.len() == 32 { Ok(secret(&plain)) } else { Err(OpenError::Format) }
}

/// 32 bytes as a secret; callers bring that many.
fn secret(bytes: &[u8]) -> Secret<32> {
    let mut array = Zeroizing::new([0; 32]);
    array.copy_from_slice(bytes);
    Secret::new(*array)
}

fn damaged<E>(_: E) -> VaultError {
    VaultError::Damaged
}
