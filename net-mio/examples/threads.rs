//! A file stored on a running node and got back, with the core, threads and nothing else: `… --example threads -- TOKEN`.
//! Without a token it starts a node to talk to.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::channel;
use std::thread::spawn;
use std::time::{Duration, Instant, SystemTime};

use quantumsync::Home;
use quantumsync::node::{Node, NodeOptions};
use quantumsync_core::Bytes;
use quantumsync_core::client::{Client, ClientEvent, ClientSetup, GetOptions, StoreOptions};
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{Secret, Suite};
use quantumsync_core::driver::{DiskReply, DiskRequest, Input, Machine as _, Output, TableOp};
use quantumsync_core::id::OpId;
use quantumsync_core::time::{self, Now};
use quantumsync_core::vault::Vault;
use quantumsync_core::wire::Token;

type Outcome = Result<Vec<u8>, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let photo = Bytes::from(vec![7; 3_000_000]);
    if let Some(token) = std::env::args().nth(1) {
        return store_and_get(&token, photo);
    }
    let folder = tempfile::tempdir()?;
    let node = Node::start(&Home::new(folder.path()), NodeOptions::new("127.0.0.1:0".parse()?))?;
    store_and_get(&node.token(false).to_text(), photo)?;
    node.stop();
    Ok(node.wait()?)
}

/// Stores a file under a key of a new vault, and gets it back.
pub(crate) fn store_and_get(token: &str, photo: Bytes) -> Result<(), Box<dyn Error>> {
    let (start, vault) = (Instant::now(), Vault::create(Suite::Real, random()?));
    let clock = || now(start);
    let mut client = Client::new(clock(), setup(token, &vault)?);
    let op = client.store(clock(), "photo.jpg", StoreOptions::default());
    drive(&mut client, clock, op, photo.clone())?;
    let mut client = Client::new(clock(), setup(token, &vault)?);
    let op = client.get(clock(), "photo.jpg", GetOptions::default());
    assert_eq!(drive(&mut client, clock, op, Bytes::new())?, photo);
    Ok(())
}

/// Performs what the machine wants until the operation has ended: what a get delivered.
fn drive(client: &mut Client, clock: impl Fn() -> Now, op: OpId, mut content: Bytes) -> Outcome {
    let (inputs, waiting) = channel();
    let (mut links, mut rows, mut got) = (HashMap::new(), BTreeMap::new(), Vec::new());
    loop {
        while let Some(output) = client.poll_output() {
            let inputs = inputs.clone();
            let tell = move |input| drop(inputs.send(input));
            match output {
                Output::Dial { conn, addr } => match TcpStream::connect(addr) {
                    Ok(mut stream) => {
                        links.insert(conn, stream.try_clone()?);
                        tell(Input::Connected { conn, remote: addr, entropy: random()? });
                        spawn(move || {
                            let mut buffer = vec![0; 1 << 16];
                            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                                let bytes = Bytes::copy_from_slice(&buffer[..count]);
                                tell(Input::Received { conn, bytes });
                            }
                            tell(Input::Disconnected { conn });
                        });
                    }
                    Err(_) => tell(Input::DialFailed { conn }),
                },
                Output::Send { conn, bytes } => match (&links[&conn]).write_all(&bytes) {
                    Ok(()) => tell(Input::Sent { conn, bytes: bytes.len() }),
                    Err(_) => drop(links[&conn].shutdown(Shutdown::Both)),
                },
                Output::Close { conn } => drop(links[&conn].shutdown(Shutdown::Both)),
                Output::Job { ticket, job } => {
                    spawn(move || tell(Input::Job { ticket, result: job.run() }));
                }
                Output::Disk { ticket, request } => {
                    let result = Ok(table(&mut rows, request));
                    tell(Input::Disk { ticket, result });
                }
                Output::Event(ClientEvent::NeedData { max, .. }) => {
                    client.provide(clock(), op, content.split_to(content.len().min(max)))?;
                    if content.is_empty() {
                        client.finish(clock(), op)?;
                    }
                }
                Output::Event(ClientEvent::Data { bytes, .. }) => {
                    client.consumed(clock(), op, bytes.len())?;
                    got.extend(bytes);
                }
                Output::Event(ClientEvent::Done { .. }) => return Ok(got),
                Output::Event(ClientEvent::Failed { error, .. }) => return Err(error.into()),
                Output::Event(_) => {}
            }
        }
        let due = client.poll_timeout().map_or(u64::MAX, |at| at.0);
        let left = Duration::from_micros(due.saturating_sub(clock().mono.0));
        let input = waiting.recv_timeout(left).unwrap_or(Input::Timeout);
        client.handle_input(clock(), input)?;
    }
}

/// The table of versions seen, in memory: `Get` and `Apply` are all that a client asks of it.
fn table(rows: &mut BTreeMap<Bytes, Bytes>, request: DiskRequest) -> DiskReply {
    match request {
        DiskRequest::Get { keys } => {
            DiskReply::Values(keys.iter().map(|key| rows.get(key).cloned()).collect())
        }
        DiskRequest::Apply { ops } => {
            for change in ops {
                match change {
                    TableOp::Put { key, value } => rows.insert(key, value),
                    TableOp::Remove { key } => rows.remove(&key),
                };
            }
            DiskReply::Done
        }
        other => unreachable!("a client does not ask for {other:?}"),
    }
}

/// A user of the token's network, on a device that remembers nothing.
fn setup(token: &str, vault: &Vault) -> Result<ClientSetup, Box<dyn Error>> {
    let token = Token::from_text(token)?;
    Ok(ClientSetup {
        suite: Suite::Real,
        config: Config::default(),
        network: token.network(Suite::Real),
        network_key: token.network_key,
        psks: vec![(token.psk_epoch, token.psk)],
        vault: Some(vault.clone()),
        control: None,
        device: Secret::new(random()?),
        entry: token.peers.iter().map(|&(_, addr)| (None, addr)).collect(),
        seed: random()?,
    })
}

/// The time, by the system's clocks.
fn now(start: Instant) -> Now {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Now { mono: time::Instant(start.elapsed().as_micros() as u64), unix_ms: unix.as_millis() as u64 }
}

fn random() -> Result<[u8; 32], getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
