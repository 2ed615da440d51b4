//! A user's keys. Their secrets leave by `words` and, sealed, by `lock`; nothing else shows them.

use quantumsync_core::crypto::Suite;
use quantumsync_core::vault;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::errors::no_vault;
use crate::values::array;

/// The keys of one user.
#[wasm_bindgen]
pub struct Vault(pub(crate) vault::Vault);

#[wasm_bindgen]
impl Vault {
    /// A new vault from 32 bytes of randomness.
    pub fn create(entropy: Vec<u8>) -> Result<Self, JsValue> {
        let entropy = Zeroizing::new(entropy);
        Ok(Self(vault::Vault::create(Suite::Real, array(&entropy)?)))
    }

    /// The vault of these 24 words.
    #[wasm_bindgen(js_name = fromWords)]
    pub fn from_words(words: String) -> Result<Self, JsValue> {
        let words = Zeroizing::new(words);
        vault::Vault::from_words(Suite::Real, &words).map(Self).map_err(no_vault)
    }

    /// Opens the bytes of a vault file.
    pub fn unlock(file: &[u8], passphrase: Option<String>) -> Result<Self, JsValue> {
        let passphrase = passphrase.map(Zeroizing::new);
        let opened = vault::Vault::open(Suite::Real, file, passphrase.as_deref().map(String::as_str));
        opened.map(Self).map_err(no_vault)
    }

    /// The bytes of a vault file, from 64 bytes of randomness.
    pub fn lock(&self, passphrase: Option<String>, entropy: Vec<u8>) -> Result<Vec<u8>, JsValue> {
        let (passphrase, entropy) = (passphrase.map(Zeroizing::new), Zeroizing::new(entropy));
        self.0.lock(passphrase.as_deref().map(String::as_str), array(&entropy)?).map_err(no_vault)
    }

    /// The 24 words that are this vault.
    pub fn words(&self) -> String {
        self.0.words().to_string()
    }

    /// Another handle on the same keys, for who takes one for good.
    pub fn share(&self) -> Self {
        Self(self.0.clone())
    }

    /// Whose files these are: a public key in hexadecimal digits.
    pub fn owner(&self) -> String {
        self.0.owner().to_string()
    }
}
