//! Opening a whole sealed file without a network: its record and then its blobs in, content out.

use bytes::Bytes;
use quantumsync_core::client::FileMeta;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{Suite, open_piece};
use quantumsync_core::error::OpError;
use quantumsync_core::record::{Record, verify_record};
use quantumsync_core::vault::{self, Download, DownloadStep, HeadContent, open_body, open_head};
use wasm_bindgen::prelude::*;

use crate::errors::failed;
use crate::values::{bytes, file_info, number, object, token};
use crate::vault::Vault;

/// A sealed file whose record was checked and opened.
#[wasm_bindgen]
pub struct Opened {
    info: FileMeta,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Inline(Bytes),
    Tree(vault::Root),
}

/// One pass over the content of a sealed file.
#[wasm_bindgen]
pub struct Reading {
    inline: Option<Bytes>,
    download: Option<Download>,
}

#[wasm_bindgen]
impl Opened {
    /// Checks the record: the signature for the token's network, the vault, and the key, if one is expected.
    #[wasm_bindgen(constructor)]
    pub fn new(
        vault: &Vault,
        token_text: &str,
        record: Vec<u8>,
        key: Option<String>,
    ) -> Result<Self, JsValue> {
        let network = token(token_text)?.network(Suite::Real);
        let key =
            key.map(|key| vault::normalise_key(&key)).transpose().map_err(|_| failed(OpError::BadKey))?;
        let record = Record::parse(Suite::Real, record.into()).map_err(|_| failed(OpError::Damaged))?;
        verify_record(Suite::Real, &network, &record, None).map_err(|_| failed(OpError::Damaged))?;
        let keys = vault.0.keys();
        let head = open_head(keys, &record, key.as_deref()).map_err(|error| failed(OpError::from(error)))?;
        let content = match &head.content {
            HeadContent::Tree { root, .. } => Content::Tree(root.clone()),
            HeadContent::Inline => Content::Inline(
                open_body(keys, &record, &head).map_err(|error| failed(OpError::from(error)))?,
            ),
        };
        let header = record.header();
        let info = FileMeta {
            key: head.key,
            size: head.size,
            modified_ms: head.modified_ms,
            version: header.version,
            expires: header.expires,
        };
        Ok(Self { info, content })
    }

    /// What is known of the file.
    pub fn info(&self) -> JsValue {
        file_info(self.info.clone())
    }

    /// Begins to read it.
    pub fn read(&self) -> Result<Reading, JsValue> {
        Ok(match self.content.clone() {
            Content::Inline(body) => Reading { inline: Some(body), download: None },
            Content::Tree(root) => {
                let download = Download::new(root, 0, self.info.size, &Config::default());
                Reading { inline: None, download: Some(download.map_err(|_| failed(OpError::Damaged))?) }
            }
        })
    }
}

#[wasm_bindgen]
impl Reading {
    /// `fetch`, to be answered with `fetched`; the next `data`; `done`; or undefined until an answer comes.
    pub fn poll(&mut self) -> Result<JsValue, JsValue> {
        let Some(download) = &mut self.download else {
            let body = self.inline.take().filter(|body| !body.is_empty());
            return Ok(body.map_or_else(|| object! { "type": "done" }, |body| data(&body)));
        };
        while let Some(step) = download.poll() {
            match step {
                DownloadStep::Fetch { slot, id, len } => {
                    let id = id.to_string();
                    return Ok(object! { "type": "fetch", "slot": number(slot), "id": id, "length": len });
                }
                DownloadStep::Open { slot, id, key, blob, plain_len } => {
                    let opened = open_piece(Suite::Real, &id, &key, blob, plain_len);
                    download.opened(slot, opened).map_err(|_| failed(OpError::Damaged))?;
                }
                DownloadStep::Data { bytes: piece, .. } => {
                    // It is the caller's from now on.
                    download.consumed(piece.len());
                    return Ok(data(&piece));
                }
                DownloadStep::Done => return Ok(object! { "type": "done" }),
            }
        }
        Ok(JsValue::UNDEFINED)
    }

    /// A blob came.
    pub fn fetched(&mut self, slot: f64, blob: Vec<u8>) -> Result<(), JsValue> {
        let Some(download) = &mut self.download else { return Ok(()) };
        download.fetched(slot as u64, blob.into()).map_err(|_| failed(OpError::Damaged))
    }
}

fn data(content: &[u8]) -> JsValue {
    object! { "type": "data", "data": bytes(content) }
}
