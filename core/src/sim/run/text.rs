//! Scripts as text that a person can read and write: a line for each thing, `#` before a remark.
//!
//! First what there is (`nodes 3`, `client 0 n0,n1`), then what happens, each line with the milliseconds after the one before
//! (`+250 cut n0 n1 silent`). What is printed parses to the same script.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::script::{Action, Apart, Device, Kept, Script, Setup, Step, Who};
use super::words::{Parsed, Words};
use crate::crypto::Suite;

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(number) => write!(f, "n{number}"),
            Self::Client(number) => write!(f, "c{number}"),
        }
    }
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "reset",
            Self::Silent => "silent",
            Self::OneWay => "one-way",
        })
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.setup)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "+{} {}", step.after_ms, step.action))
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = Self::default();
        writeln!(f, "seed {}", self.seed)?;
        if self.suite != plain.suite {
            writeln!(f, "suite real")?;
        }
        writeln!(f, "nodes {}", self.nodes)?;
        let mut number = |name: &str, value: u64, usual: u64| match value == usual {
            true => Ok(()),
            false => writeln!(f, "{name} {value}"),
        };
        number("volatile", self.volatile.into(), plain.volatile.into())?;
        number("liars", self.liars.into(), plain.liars.into())?;
        number("replicas", self.replicas.into(), plain.replicas.into())?;
        number("gone-after", self.gone_after_s.into(), plain.gone_after_s.into())?;
        number("linger", self.linger_s.into(), plain.linger_s.into())?;
        number("quota", self.quota, plain.quota)?;
        number("vaults", self.vaults.into(), plain.vaults.into())?;
        number("portion", self.portion.into(), plain.portion.into())?;
        number("bandwidth", self.bandwidth.into(), plain.bandwidth.into())?;
        number("resets", self.resets.into(), plain.resets.into())?;
        number("disk-errors", self.disk_errors.into(), plain.disk_errors.into())?;
        if self.latency_us != plain.latency_us {
            writeln!(f, "latency {} {}", self.latency_us.0, self.latency_us.1)?;
        }
        if self.disk_us != plain.disk_us {
            writeln!(f, "disk {} {}", self.disk_us.0, self.disk_us.1)?;
        }
        if self.jobs_us != plain.jobs_us {
            writeln!(f, "jobs {} {}", self.jobs_us.0, self.jobs_us.1)?;
        }
        if self.torn {
            writeln!(f, "torn")?;
        }
        for device in &self.clients {
            writeln!(f, "client {device}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.vault, Nodes(&self.entry))?;
        self.copy_of.map_or(Ok(()), |other| write!(f, " like c{other}"))
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Tombstone => "tombstone",
            Self::Pins => "pins",
            Self::Pending => "pending",
        })
    }
}

/// Nodes with commas between them, or `none`.
struct Nodes<'a>(&'a [u8]);

impl fmt::Display for Nodes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.0.split_first() else { return f.write_str("none") };
        write!(f, "n{first}")?;
        rest.iter().try_for_each(|node| write!(f, ",n{node}"))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store { client, key, bytes, content, ttl_s } => {
                write!(f, "store c{client} k{key} {bytes} {content}")?;
                if *ttl_s > 0 { write!(f, " {ttl_s}") } else { Ok(()) }
            }
            Self::Get { client, key, fresh: false } => write!(f, "get c{client} k{key}"),
            Self::Get { client, key, fresh: true } => write!(f, "fresh c{client} k{key}"),
            Self::Range { client, key, from, bytes } => write!(f, "range c{client} k{key} {from} {bytes}"),
            Self::Delete { client, key } => write!(f, "delete c{client} k{key}"),
            Self::Clear { client } => write!(f, "clear c{client}"),
            Self::List { client } => write!(f, "list c{client}"),
            Self::Cancel { client } => write!(f, "cancel c{client}"),
            Self::Evict { node, vault } => write!(f, "evict n{node} {vault}"),
            Self::Verify { node } => write!(f, "verify n{node}"),
            Self::Crash { who } => write!(f, "crash {who}"),
            Self::Start { who } => write!(f, "start {who}"),
            Self::Stop { node } => write!(f, "stop n{node}"),
            Self::Lose { who } => write!(f, "lose {who}"),
            Self::Join => write!(f, "join"),
            Self::Device(device) => write!(f, "device {device}"),
            Self::Leave { node } => write!(f, "leave n{node}"),
            Self::Ban { node, by } => write!(f, "ban n{node} n{by}"),
            Self::Pause { who } => write!(f, "pause {who}"),
            Self::Resume { who } => write!(f, "resume {who}"),
            Self::Cut { a, b, how } => write!(f, "cut {a} {b} {how}"),
            Self::Heal { a, b } => write!(f, "heal {a} {b}"),
            Self::HealAll => write!(f, "heal-all"),
            Self::Hold { from, to } => write!(f, "hold {from} {to}"),
            Self::Release { from, to } => write!(f, "release {from} {to}"),
            Self::Reset { a, b } => write!(f, "reset {a} {b}"),
            Self::Slow { who, ms } => write!(f, "slow {who} {ms}"),
            Self::Full { node } => write!(f, "full n{node}"),
            Self::Roomy { node } => write!(f, "roomy n{node}"),
            Self::Fail { node } => write!(f, "fail n{node}"),
            Self::Sound { node } => write!(f, "sound n{node}"),
            Self::Rot { node } => write!(f, "rot n{node}"),
            Self::Misdirect { node, reads } => write!(f, "misdirect n{node} {reads}"),
            Self::Stall { node, ms } => write!(f, "stall n{node} {ms}"),
            Self::Clock { who, ahead_ms } => write!(f, "clock {who} {ahead_ms}"),
            Self::Drift { who, ppm } => write!(f, "drift {who} {ppm}"),
            Self::WallDrift { who, ppm } => write!(f, "wall-drift {who} {ppm}"),
            Self::Sleep { who, ms } => write!(f, "sleep {who} {ms}"),
            Self::Age { ms } => write!(f, "age {ms}"),
            Self::Ended { client: None } => write!(f, "ended"),
            Self::Ended { client: Some(client) } => write!(f, "ended c{client}"),
            Self::Calm => write!(f, "calm"),
            Self::Expect { client, key, file: Some((bytes, content)) } => {
                write!(f, "expect c{client} k{key} {bytes} {content}")
            }
            Self::Expect { client, key, file: None } => write!(f, "expect c{client} k{key} none"),
            Self::Until { client, key, what, nodes } => {
                write!(f, "until c{client} k{key} {what} {}", Nodes(nodes))
            }
            Self::Only { client, key, what, nodes } => {
                write!(f, "only c{client} k{key} {what} {}", Nodes(nodes))
            }
        }
    }
}

/// Why a script does not parse: which line, and what was expected there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadScript {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for BadScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the script: {}", self.line, self.what)
    }
}

impl FromStr for Script {
    type Err = BadScript;

    fn from_str(text: &str) -> Result<Self, BadScript> {
        let mut script = Self { setup: Setup::default(), steps: Vec::new() };
        for (at, line) in text.lines().enumerate() {
            let said = line.split_once('#').map_or(line, |(said, _)| said);
            let mut words = Words::of(said);
            let Some(first) = words.next() else { continue };
            let bad = |what| BadScript { line: at + 1, what };
            match first.strip_prefix('+') {
                Some(after) => {
                    let after_ms = after.parse().map_err(|_| bad("a step begins with + and milliseconds"))?;
                    let action = action(&mut words).map_err(bad)?;
                    script.steps.push(Step { after_ms, action });
                }
                None => setting(first, &mut words, &mut script.setup).map_err(bad)?,
            }
            words.end().map_err(bad)?;
        }
        Ok(script)
    }
}

fn setting(name: &str, words: &mut Words<'_>, setup: &mut Setup) -> Parsed<()> {
    match name {
        "seed" => setup.seed = words.number()?,
        "suite" => {
            setup.suite = match words.next() {
                Some("sim") => Suite::Sim,
                Some("real") => Suite::Real,
                _ => return Err("a suite is `sim` or `real`"),
            }
        }
        "nodes" => setup.nodes = words.number()?,
        "volatile" => setup.volatile = words.number()?,
        "liars" => setup.liars = words.number()?,
        "replicas" => setup.replicas = words.number()?,
        "gone-after" => setup.gone_after_s = words.number()?,
        "linger" => setup.linger_s = words.number()?,
        "quota" => setup.quota = words.number()?,
        "vaults" => setup.vaults = words.number()?,
        "portion" => setup.portion = words.number()?,
        "bandwidth" => setup.bandwidth = words.number()?,
        "resets" => setup.resets = words.number()?,
        "disk-errors" => setup.disk_errors = words.number()?,
        "latency" => setup.latency_us = (words.number()?, words.number()?),
        "disk" => setup.disk_us = (words.number()?, words.number()?),
        "jobs" => setup.jobs_us = (words.number()?, words.number()?),
        "torn" => setup.torn = true,
        "client" => setup.clients.push(words.device()?),
        _ => return Err("no setting and no step is called so"),
    }
    Ok(())
}

fn action(words: &mut Words<'_>) -> Parsed<Action> {
    Ok(match words.next().unwrap_or_default() {
        "store" => Action::Store {
            client: words.client()?,
            key: words.key()?,
            bytes: words.number()?,
            content: words.number()?,
            ttl_s: words.number_or(0)?,
        },
        "get" => Action::Get { client: words.client()?, key: words.key()?, fresh: false },
        "fresh" => Action::Get { client: words.client()?, key: words.key()?, fresh: true },
        "range" => Action::Range {
            client: words.client()?,
            key: words.key()?,
            from: words.number()?,
            bytes: words.number()?,
        },
        "delete" => Action::Delete { client: words.client()?, key: words.key()? },
        "clear" => Action::Clear { client: words.client()? },
        "list" => Action::List { client: words.client()? },
        "cancel" => Action::Cancel { client: words.client()? },
        "evict" => Action::Evict { node: words.node()?, vault: words.number()? },
        "verify" => Action::Verify { node: words.node()? },
        "crash" => Action::Crash { who: words.who()? },
        "start" => Action::Start { who: words.who()? },
        "stop" => Action::Stop { node: words.node()? },
        "lose" => Action::Lose { who: words.who()? },
        "join" => Action::Join,
        "device" => Action::Device(words.device()?),
        "leave" => Action::Leave { node: words.node()? },
        "ban" => Action::Ban { node: words.node()?, by: words.node()? },
        "pause" => Action::Pause { who: words.who()? },
        "resume" => Action::Resume { who: words.who()? },
        "cut" => Action::Cut { a: words.who()?, b: words.who()?, how: words.apart()? },
        "heal" => Action::Heal { a: words.who()?, b: words.who()? },
        "heal-all" => Action::HealAll,
        "hold" => Action::Hold { from: words.who()?, to: words.who()? },
        "release" => Action::Release { from: words.who()?, to: words.who()? },
        "reset" => Action::Reset { a: words.who()?, b: words.who()? },
        "slow" => Action::Slow { who: words.who()?, ms: words.number()? },
        "full" => Action::Full { node: words.node()? },
        "roomy" => Action::Roomy { node: words.node()? },
        "fail" => Action::Fail { node: words.node()? },
        "sound" => Action::Sound { node: words.node()? },
        "rot" => Action::Rot { node: words.node()? },
        "misdirect" => Action::Misdirect { node: words.node()?, reads: words.number()? },
        "stall" => Action::Stall { node: words.node()?, ms: words.number()? },
        "clock" => Action::Clock { who: words.who()?, ahead_ms: words.number()? },
        "drift" => Action::Drift { who: words.who()?, ppm: words.number()? },
        "wall-drift" => Action::WallDrift { who: words.who()?, ppm: words.number()? },
        "sleep" => Action::Sleep { who: words.who()?, ms: words.number()? },
        "age" => Action::Age { ms: words.number()? },
        "ended" => Action::Ended { client: words.client_or_all()? },
        "calm" => Action::Calm,
        "expect" => Action::Expect { client: words.client()?, key: words.key()?, file: words.file()? },
        "until" => Action::Until {
            client: words.client()?,
            key: words.key()?,
            what: words.kept()?,
            nodes: words.nodes()?,
        },
        "only" => Action::Only {
            client: words.client()?,
            key: words.key()?,
            what: words.kept()?,
            nodes: words.nodes()?,
        },
        _ => return Err("no step is called so"),
    })
}

impl From<BadScript> for String {
    fn from(bad: BadScript) -> Self {
        bad.to_string()
    }
}
