//! The file `network`: what lets this home into its network, and where its members were last seen.

use std::net::SocketAddr;
use std::path::Path;

use data_encoding::HEXLOWER;
use quantumsync_core::crypto::{Secret, Suite};
use quantumsync_core::id::{NetworkId, NodeId};
use quantumsync_core::wire::Token;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::files::{HomeError, replace, try_read};

/// The largest file that is read: keys, and eight addresses of each of 256 members.
const MAX_FILE: u64 = 512 << 10;

/// The network of a home.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkFile {
    /// The keys, and every address known; unlike in a token's text, without a limit on their number.
    pub token: Token,
    /// True in the home that founded the network.
    pub founder: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    founder: bool,
    psk_epoch: u32,
    psk: String,
    network_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_seed: Option<String>,
    peers: Vec<String>,
}

impl Drop for Form {
    fn drop(&mut self) {
        self.psk.zeroize();
        self.signing_seed.zeroize();
    }
}

impl NetworkFile {
    /// The network's identity.
    pub fn id(&self, suite: Suite) -> NetworkId {
        self.token.network(suite)
    }

    pub(super) fn load(path: &Path) -> Result<Option<Self>, HomeError> {
        let Some(bytes) = try_read(path, MAX_FILE)? else { return Ok(None) };
        let bytes = Zeroizing::new(bytes);
        let damaged = |what: &str| HomeError::Damaged { path: path.to_path_buf(), what: what.into() };
        let text = std::str::from_utf8(&bytes).map_err(|_| damaged("not text"))?;
        // The parser's own message would quote the line, which may hold a key.
        let form: Form = toml::from_str(text).map_err(|_| damaged("not the form of this file"))?;
        if form.version != 1 {
            return Err(damaged("of a version that this program does not know"));
        }
        let key = |text: &str| secret(text).ok_or_else(|| damaged("a key is not 64 hexadecimal digits"));
        let peers = form.peers.iter().map(|text| peer(text)).collect::<Option<_>>();
        Ok(Some(Self {
            founder: form.founder,
            token: Token {
                psk_epoch: form.psk_epoch,
                psk: key(&form.psk)?,
                network_key: *key(&form.network_key)?.expose(),
                signing_seed: form.signing_seed.as_deref().map(key).transpose()?,
                peers: peers.ok_or_else(|| damaged("a peer is not NODEID@IP:PORT"))?,
            },
        }))
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), HomeError> {
        let token = &self.token;
        let form = Form {
            version: 1,
            founder: self.founder,
            psk_epoch: token.psk_epoch,
            psk: HEXLOWER.encode(token.psk.expose()),
            network_key: HEXLOWER.encode(&token.network_key),
            signing_seed: token.signing_seed.as_ref().map(|seed| HEXLOWER.encode(seed.expose())),
            peers: token.peers.iter().map(|(node, addr)| format!("{node}@{addr}")).collect(),
        };
        let text = toml::to_string(&form).expect("strings and numbers are always TOML");
        replace(path, Zeroizing::new(text).as_bytes())
    }
}

fn secret(text: &str) -> Option<Secret<32>> {
    let bytes = Zeroizing::new(HEXLOWER.decode(text.as_bytes()).ok()?);
    Some(Secret::new(bytes.as_slice().try_into().ok()?))
}

fn peer(text: &str) -> Option<(NodeId, SocketAddr)> {
    let (node, addr) = text.split_once('@')?;
    Some((NodeId::from_hex(node)?, addr.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> NetworkFile {
        let token = Token {
            psk_epoch: 3,
            psk: Secret::new([1; 32]),
            network_key: [2; 32],
            signing_seed: Some(Secret::new([3; 32])),
            peers: vec![(NodeId([4; 32]), "127.0.0.1:4270".parse().unwrap())],
        };
        NetworkFile { token, founder: true }
    }

    #[test]
    fn the_network_file_reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network");
        assert_eq!(NetworkFile::load(&path).unwrap(), None);
        let mut network = example();
        network.save(&path).unwrap();
        assert_eq!(NetworkFile::load(&path).unwrap(), Some(network.clone()));
        network.token.signing_seed = None;
        network.save(&path).unwrap();
        assert_eq!(NetworkFile::load(&path).unwrap(), Some(network));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_network_file_is_an_error_that_shows_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network");
        example().save(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let cut = text.replace("0101", "01");
        for bad in ["", "psk = \"", &cut, &text.replace("version = 1", "version = 2"), "\u{fffd}\0"] {
            std::fs::write(&path, bad).unwrap();
            let error = NetworkFile::load(&path).unwrap_err().to_string();
            assert!(error.contains("damaged") && !error.contains("0101"), "{error}");
        }
    }
}
