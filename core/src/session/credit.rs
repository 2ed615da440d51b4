//! Credit: how many bytes of each class may be on their way, on both sides of a link.
//!
//! A message is charged whole, with its encoded length, when its first segment is sent.

use crate::config::{Config, limit};
use crate::wire::Class;

/// What the peer may still send us, and what of it waits to be given again.
#[derive(Debug)]
pub(super) struct Granted {
    terminal: Account,
    relay: Account,
}

impl Granted {
    pub(super) fn new(config: &Config) -> Self {
        Self { terminal: Account::new(config.credit_terminal), relay: Account::new(config.credit_relay) }
    }

    /// Charges a message that begins to arrive; `false` if there is no credit for it. `Control` costs nothing.
    #[must_use]
    pub(super) fn charge(&mut self, class: Class, bytes: usize) -> bool {
        let Some(account) = self.account(class) else { return true };
        let Some(left) = account.left.checked_sub(bytes) else { return false };
        account.left = left;
        account.held = account.held.saturating_add(bytes);
        true
    }

    /// Takes back what a message was charged with; returns how much credit to tell the peer of now.
    pub(super) fn release(&mut self, class: Class, bytes: usize) -> u32 {
        let Some(account) = self.account(class) else { return 0 };
        let bytes = bytes.min(account.held);
        account.held -= bytes;
        account.returning += bytes;
        if account.returning < account.batch {
            return 0;
        }
        // A batch is far below 4 GiB unless a driver configures more: then the rest waits for the next one.
        let given = u32::try_from(account.returning).unwrap_or(u32::MAX);
        account.returning -= given as usize;
        account.left += given as usize;
        given
    }

    const fn account(&mut self, class: Class) -> Option<&mut Account> {
        match class {
            Class::Control => None,
            Class::Terminal => Some(&mut self.terminal),
            Class::Relay => Some(&mut self.relay),
        }
    }
}

#[derive(Debug)]
struct Account {
    left: usize,
    held: usize,
    returning: usize,
    batch: usize,
}

impl Account {
    /// Credit goes back in portions of a quarter, so that it costs next to nothing, but never so late that the
    /// peer could not send the largest message.
    fn new(credit: usize) -> Self {
        let batch = credit.saturating_sub(limit::MESSAGE).min(credit / 4).max(1);
        Self { left: credit, held: 0, returning: 0, batch }
    }
}

/// What we may still send to the peer.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    terminal: u64,
    relay: u64,
}

impl Allowance {
    /// Adds credit that the peer gave.
    pub(super) const fn add(&mut self, class: Class, bytes: u32) {
        match class {
            Class::Control => {}
            Class::Terminal => self.terminal = self.terminal.saturating_add(bytes as u64),
            Class::Relay => self.relay = self.relay.saturating_add(bytes as u64),
        }
    }

    /// Pays for a message, if there is enough.
    #[must_use]
    pub(super) fn pay(&mut self, class: Class, bytes: usize) -> bool {
        let account = match class {
            Class::Control => return true,
            Class::Terminal => &mut self.terminal,
            Class::Relay => &mut self.relay,
        };
        match account.checked_sub(bytes as u64) {
            Some(left) => {
                *account = left;
                true
            }
            None => false,
        }
    }
}
