//! A user's keys. Their secrets leave by the words and, sealed, by a file; nothing else shows them.

use std::ffi::c_char;
use std::ptr;

use quantumsync::home;
use quantumsync_core::crypto::Suite;
use quantumsync_core::vault::Vault;
use zeroize::Zeroizing;

use crate::guard::{guard, guard_or};
use crate::handle;
use crate::memory::{owned_text, qs_buffer};
use crate::pointers::{Out, array, optional_path, optional_text, text};
use crate::result::{Failure, qs_result};
use crate::values::entropy;

/// The keys of one user. Whoever has its 24 words, or its file and passphrase, has everything that is stored with it.
pub struct qs_vault(pub(crate) Vault);

/// A new vault. Write its words down: nothing else brings it back. The caller owns it: qs_vault_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_vault_create(vault: *mut *mut qs_vault) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(vault, ptr::null_mut(), "vault") }?;
        out.set(handle::open(qs_vault(Vault::create(Suite::Real, entropy()?))));
        Ok(())
    })
}

/// The vault of these 24 words. The caller owns it: qs_vault_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_vault_from_words(words: *const c_char, vault: *mut *mut qs_vault) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let (mut out, words) = unsafe { (Out::new(vault, ptr::null_mut(), "vault")?, text(words, "words")?) };
        out.set(handle::open(qs_vault(Vault::from_words(Suite::Real, words)?)));
        Ok(())
    })
}

/// Opens a vault file, such as qs_vault_save or `quantumsync init` has written. `passphrase` may be NULL. Takes a part of a
/// second and 64 MiB if it has one. The caller owns the vault: qs_vault_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_vault_open(
    path: *const c_char,
    passphrase: *const c_char,
    vault: *mut *mut qs_vault,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let (mut out, path, passphrase) = unsafe {
            let out = Out::new(vault, ptr::null_mut(), "vault")?;
            (out, optional_path(path, "path")?, optional_text(passphrase, "passphrase")?)
        };
        let file = home::read_vault(&path.ok_or_else(|| Failure::null("path"))?)?;
        out.set(handle::open(qs_vault(Vault::open(Suite::Real, &file, passphrase)?)));
        Ok(())
    })
}

/// Writes a vault file that only its owner may read, whole or not at all; without a passphrase (NULL), whoever reads it has the
/// vault. An existing file is kept, with QS_EXISTS, unless `replace` is true.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_vault_save(
    vault: *const qs_vault,
    path: *const c_char,
    passphrase: *const c_char,
    replace: bool,
) -> qs_result {
    guard(|| {
        let vault = handle::find(vault, "vault")?;
        // SAFETY: by the rules of the header.
        let (path, passphrase) =
            unsafe { (optional_path(path, "path")?, optional_text(passphrase, "passphrase")?) };
        let path = path.ok_or_else(|| Failure::null("path"))?;
        Ok(home::write_vault(&path, &Zeroizing::new(vault.lock(passphrase)?), replace)?)
    })
}

/// Opens the bytes of a vault file. `passphrase` may be NULL. The caller owns the vault: qs_vault_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_vault_unlock(
    file: *const u8,
    len: usize,
    passphrase: *const c_char,
    vault: *mut *mut qs_vault,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let (mut out, file, passphrase) = unsafe {
            let out = Out::new(vault, ptr::null_mut(), "vault")?;
            (out, array(file, len, "file")?, optional_text(passphrase, "passphrase")?)
        };
        out.set(handle::open(qs_vault(Vault::open(Suite::Real, file, passphrase)?)));
        Ok(())
    })
}

/// The bytes of a vault file. `passphrase` may be NULL. The caller owns them: qs_buffer_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_vault_lock(
    vault: *const qs_vault,
    passphrase: *const c_char,
    file: *mut qs_buffer,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let (mut out, passphrase) =
            unsafe { (Out::new(file, qs_buffer::EMPTY, "file")?, optional_text(passphrase, "passphrase")?) };
        out.set(qs_buffer::new(handle::find(vault, "vault")?.lock(passphrase)?));
        Ok(())
    })
}

/// The 24 words that are this vault. The caller owns the text: qs_string_free, which wipes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_vault_words(vault: *const qs_vault, words: *mut *mut c_char) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(words, ptr::null_mut(), "words") }?;
        out.set(owned_text(&handle::find(vault, "vault")?.0.words()));
        Ok(())
    })
}

/// Whose files these are: the public key that signs them, in 64 hexadecimal digits. The caller owns the text: qs_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_vault_owner(vault: *const qs_vault, owner: *mut *mut c_char) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(owner, ptr::null_mut(), "owner") }?;
        out.set(owned_text(&handle::find(vault, "vault")?.0.owner().to_string()));
        Ok(())
    })
}

/// Frees a vault; NULL is left alone. Clients that were made with it go on. Its secrets are wiped with the last of them.
#[unsafe(no_mangle)]
pub extern "C" fn qs_vault_free(vault: *mut qs_vault) {
    guard_or((), || {
        drop(handle::free(vault));
        Ok(())
    });
}

impl qs_vault {
    fn lock(&self, passphrase: Option<&str>) -> Result<Vec<u8>, Failure> {
        Ok(self.0.lock(passphrase, entropy()?)?)
    }
}
