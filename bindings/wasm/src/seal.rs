//! Encrypting a whole file without a network: content in, blobs and at last the record out.

use bytes::Bytes;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{Secret, Suite, seal_piece};
use quantumsync_core::error::OpError;
use quantumsync_core::id::NetworkId;
use quantumsync_core::record::{Kind, Version};
use quantumsync_core::vault::{self, FileDraft, Upload, UploadError, UploadStep, file_record, normalise_key};
use wasm_bindgen::prelude::*;

use crate::errors::{bad_value, failed, internal};
use crate::values::{array, bytes, number, object, secret, token, version_text};
use crate::vault::Vault;

/// One file that is sealed.
#[wasm_bindgen]
pub struct Sealing {
    vault: vault::Vault,
    network: NetworkId,
    key: String,
    since: Version,
    parent: Option<Version>,
    now_ms: u64,
    modified_ms: u64,
    expires: u64,
    upload: Upload,
}

#[wasm_bindgen]
impl Sealing {
    /// Its version is the next one above `replaces`, an empty text for none, of the writer that `device` is.
    #[wasm_bindgen(constructor)]
    pub fn new(
        vault: &Vault,
        token_text: &str,
        key: &str,
        device: &[u8],
        now_ms: f64,
        replaces: &str,
    ) -> Result<Self, JsValue> {
        let (vault, network) = (vault.0.clone(), token(token_text)?.network(Suite::Real));
        let key = normalise_key(key).map_err(|_| failed(OpError::BadKey))?;
        let device: Secret<32> = secret(device)?;
        let parent = if replaces.is_empty() { None } else { Some(version(replaces)?) };
        let keys = vault.keys();
        let writer = keys.writer_tag(&device, &keys.name(Kind::File as u8, &key));
        let since = Version::next(now_ms as u64, parent.unwrap_or(Version::ZERO), writer)
            .ok_or_else(|| failed(OpError::Clock))?;
        let upload = Upload::new(keys, &Config::default());
        let now_ms = now_ms as u64;
        Ok(Self { vault, network, key, since, parent, now_ms, modified_ms: now_ms, expires: 0, upload })
    }

    /// When the content was last modified, if that is not now, and for how long it is wanted, if not for ever.
    pub fn date(&mut self, modified_ms: Option<f64>, ttl_ms: Option<f64>) {
        self.modified_ms = modified_ms.map_or(self.now_ms, |at| at as u64);
        self.expires = ttl_ms.map_or(0, |ttl| self.now_ms.saturating_add(ttl as u64).max(1));
    }

    /// How many bytes of content it takes now.
    pub fn want(&self) -> f64 {
        self.upload.want() as f64
    }

    /// The next bytes of the file, at most as many as it wants.
    pub fn provide(&mut self, data: Vec<u8>) -> Result<(), JsValue> {
        self.upload.provide(Bytes::from(data)).map_err(refused)
    }

    /// The file ends here.
    pub fn finish(&mut self) -> Result<(), JsValue> {
        self.upload.finish().map_err(refused)
    }

    /// The next blob; undefined when there is none before more content comes.
    pub fn poll(&mut self) -> Result<JsValue, JsValue> {
        while let Some(step) = self.upload.poll() {
            match step {
                UploadStep::Seal { slot, dedup_key, payload } => {
                    let piece = seal_piece(Suite::Real, &dedup_key, &payload);
                    self.upload.sealed(slot, piece).map_err(refused)?;
                }
                UploadStep::Piece { slot, id, bytes: blob } => {
                    // It is the caller's from now on.
                    self.upload.stored(slot).map_err(refused)?;
                    return Ok(object! { "type": "blob", "id": id.to_string(), "data": bytes(&blob) });
                }
            }
        }
        Ok(JsValue::UNDEFINED)
    }

    /// The signed record, once the file has ended and every blob was handed out.
    pub fn record(&self) -> Result<JsValue, JsValue> {
        let content = self.upload.result().ok_or_else(|| internal("a record before the last blob"))?;
        let draft = FileDraft {
            key: &self.key,
            since: self.since,
            parent: self.parent,
            modified_ms: self.modified_ms,
            expires: self.expires,
            content: &content,
        };
        let record =
            file_record(self.vault.keys(), &self.network, &draft).map_err(|_| failed(OpError::TooLarge))?;
        Ok(object! {
            "type": "record",
            "key": &self.key,
            "size": number(content.size()),
            "version": version_text(self.since),
            "data": bytes(record.bytes()),
        })
    }
}

/// Too large is the one mistake that a caller can make; the others are of `js/seal.js`.
fn refused(error: UploadError) -> JsValue {
    match error {
        UploadError::TooLarge => failed(OpError::TooLarge),
        UploadError::TooMuch | UploadError::Finished | UploadError::Slot => internal(&error.to_string()),
    }
}

fn version(text: &str) -> Result<Version, JsValue> {
    let wrong = || bad_value("a version is 32 hexadecimal digits");
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits: [u8; 32] = array(&digits.ok_or_else(wrong)?).map_err(|_| wrong())?;
    let bytes = std::array::from_fn(|i| digits[2 * i] << 4 | digits[2 * i + 1]);
    Version::from_bytes(bytes).ok_or_else(wrong)
}
