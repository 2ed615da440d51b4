//! Reading the record of one name: what the peers answer is checked against the vault's keys and against what was seen.

use super::context::{Context, Stop, refused};
use super::seen::FLOOR_NAME;
use crate::error::{OpError, PeerFault};
use crate::id::{Name, OwnerId};
use crate::record::{Floor, Kind, Record, Version, verify_record};
use crate::wire::Response;

/// A checked answer.
#[derive(Debug)]
pub(super) struct Found {
    /// The newest record, a tombstone too.
    pub(super) record: Option<Record>,
    /// Everything of the owner that is not above this is dead.
    pub(super) floor: Version,
}

impl Found {
    /// The record, if there is something under the name now.
    pub(super) fn living(&self, unix_ms: u64) -> Option<&Record> {
        self.record.as_ref().filter(|record| is_living(record, self.floor, unix_ms))
    }

    /// The version of the record, dead or alive.
    pub(super) fn version(&self) -> Version {
        self.record.as_ref().map_or(Version::ZERO, |record| record.header().version)
    }

    /// A record that is older than one that was seen is not accepted, unless the floor has killed both.
    pub(super) fn check_seen(&self, seen: Version) -> Result<(), OpError> {
        let version = self.version();
        if self.record.is_some() && version < seen && version > self.floor {
            Err(OpError::Rollback)
        } else {
            Ok(())
        }
    }
}

/// True if there is something under this record's name at this time.
pub(super) fn is_living(record: &Record, floor: Version, unix_ms: u64) -> bool {
    let header = record.header();
    let expired = header.expires != 0 && header.expires <= unix_ms;
    !header.is_tombstone() && header.version > floor && !expired
}

/// Checks an answer to `GetRecord`: form, owner, name, signatures. `true` with it if a quorum agreed.
pub(super) fn check(cx: &Context<'_>, name: &Name, response: Response) -> Result<(Found, bool), Stop> {
    let (record, floor, fresh) = match response {
        Response::Record { record, floor, fresh } => (record, floor, fresh),
        Response::Error(error) => return Err(refused(&error).into()),
        _ => return Err(PeerFault::UnexpectedAnswer.into()),
    };
    let owner = cx.owner()?;
    let floor = floor.map(|floor| check_floor(cx, &owner, &floor)).transpose()?;
    if let Some(record) = &record {
        check_record(cx, &owner, name, record, floor.as_ref())?;
    }
    let floor = floor.map_or(Version::ZERO, |floor| floor.version);
    let floor = floor.max(cx.effects.seen.highest(&FLOOR_NAME));
    Ok((Found { record, floor }, fresh))
}

/// Checks the record that came with `Stale`: a newer one of the name, or the floor. Its version, of which ours must be above.
pub(super) fn check_current(cx: &Context<'_>, name: &Name, current: &Record) -> Result<Version, Stop> {
    let owner = cx.owner()?;
    if current.header().kind == Kind::Floor {
        return Ok(check_floor(cx, &owner, current)?.version.max(current.header().version));
    }
    check_record(cx, &owner, name, current, None)?;
    Ok(current.header().version)
}

fn check_record(
    cx: &Context<'_>,
    owner: &OwnerId,
    name: &Name,
    record: &Record,
    floor: Option<&Floor>,
) -> Result<(), PeerFault> {
    let header = record.header();
    let asked = header.owner == *owner && header.name == *name && header.kind == Kind::File;
    if asked && verify_record(cx.env.suite, &cx.env.network, record, floor).is_ok() {
        Ok(())
    } else {
        Err(PeerFault::WrongContent)
    }
}

/// The floor that this record of the owner tells.
pub(super) fn check_floor(cx: &Context<'_>, owner: &OwnerId, record: &Record) -> Result<Floor, PeerFault> {
    let header = record.header();
    let asked = header.owner == *owner && header.kind == Kind::Floor && header.name == FLOOR_NAME;
    match header.floor {
        Some(floor) if asked && verify_record(cx.env.suite, &cx.env.network, record, None).is_ok() => {
            Ok(floor)
        }
        _ => Err(PeerFault::WrongContent),
    }
}
