//! `settings.toml` of a home: below the environment and the flags.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::error::Failure;
use super::values::{Addr, parse_duration, parse_size};

/// What may stand there. A name that is not here is an error: a mistyped setting must not be ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// The node to talk to.
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) node: Option<Addr>,
    /// Where this home's node listens.
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) listen: Option<Addr>,
    /// The address that it tells others.
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) advertise: Option<Addr>,
    /// Copies of everything, for a new network.
    pub(crate) replicas: Option<u8>,
    /// Silence after which a peer's copies are made elsewhere, for a new network.
    #[serde(default, deserialize_with = "duration")]
    pub(crate) gone_after: Option<Duration>,
    /// How long a blob outlives its last pin, for a new network.
    #[serde(default, deserialize_with = "duration")]
    pub(crate) linger: Option<Duration>,
    /// Bytes that each user may store through this home's node.
    #[serde(default, deserialize_with = "size")]
    pub(crate) quota: Option<u64>,
    /// Free space of its disk below which it takes no more files.
    #[serde(default, deserialize_with = "size")]
    pub(crate) disk_floor: Option<u64>,
}

impl Settings {
    /// Reads the file; what is not there is not set.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::file(path, &error)),
        };
        let settings: Self = toml::from_str(&text).map_err(|error| {
            let message = format!("{}: {}", path.display(), error.message());
            Failure::usage("settings_file", message, "correct the file, or move it away")
        })?;
        if settings.replicas.is_some_and(|replicas| !(1..=16).contains(&replicas)) {
            let message = format!("{}: replicas is a number from 1 to 16", path.display());
            return Err(Failure::usage("settings_file", message, "correct the file"));
        }
        Ok(settings)
    }
}

fn parsed<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Addr>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    parse_duration(&text).map(Some).map_err(serde::de::Error::custom)
}

fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(from)?;
    parse_size(&text).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_mistyped_ones_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        assert!(Settings::load(&path).unwrap().node.is_none());
        let all = "listen = ':4270'\nreplicas = 2\ngone-after = '1h'\nlinger = '1s'\nquota = '20G'\ndisk-floor = '0'\n";
        std::fs::write(&path, all).unwrap();
        let settings = Settings::load(&path).unwrap();
        assert_eq!(settings.replicas, Some(2));
        assert_eq!(settings.gone_after, Some(Duration::from_secs(3600)));
        assert_eq!(settings.linger, Some(Duration::from_secs(1)));
        assert_eq!((settings.quota, settings.disk_floor), (Some(20 << 30), Some(0)));
        let bad =
            ["lingre = '1s'", "linger = 1", "linger = '1'", "replicas = 17", "node = 'x'", "quota = 'x'"];
        for bad in bad.into_iter().chain(["quota = 1", "disk-floor = '-1'", "="]) {
            std::fs::write(&path, bad).unwrap();
            let failure = Settings::load(&path).unwrap_err();
            assert_eq!((failure.code, failure.class as u8), ("settings_file", 2), "{bad}");
        }
    }
}
