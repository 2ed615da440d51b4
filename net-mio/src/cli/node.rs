//! `node`: a peer in the foreground, until a signal ends it.

use std::net::SocketAddr;

use quantumsync::node::{Node, NodeOptions, SettingsWanted};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::args::NodeArgs;
use super::context::{Context, dial_address, token};
use super::error::{Class, Failure};
use super::values::Addr;

/// Where a node listens unless it is told otherwise.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4270);

pub(crate) fn run(context: &Context, args: NodeArgs) -> Result<Class, Failure> {
    let settings = &context.settings;
    let listening = |addr: &Addr| {
        addr.to_listen().map_err(|why| Failure::usage("bad_address", why, "an address is HOST:PORT or :PORT"))
    };
    let listen = args.listen.as_ref().or(settings.listen.as_ref());
    let mut options = NodeOptions::new(listen.map(listening).transpose()?.unwrap_or(DEFAULT_LISTEN));
    let advertise = args.advertise.as_ref().or(settings.advertise.as_ref());
    options.advertise = advertise.map(dial_address).transpose()?;
    options.join = token(args.join.as_deref())?;
    options.peers =
        args.peers.iter().map(|addr| Ok((addr.node, dial_address(addr)?))).collect::<Result<_, Failure>>()?;
    options.settings = SettingsWanted {
        replicas: args.replicas.or(settings.replicas),
        gone_after: args.gone_after.or(settings.gone_after),
        linger: settings.linger,
    };
    options.volatile = args.volatile;
    let config = &mut options.config;
    config.quota = args.quota.or(settings.quota).unwrap_or(config.quota);
    config.disk_floor = args.disk_floor.or(settings.disk_floor).unwrap_or(config.disk_floor);

    // Before the node stands: a signal during its start ends it as cleanly as one after.
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| {
        Failure::new(Class::Failed, "signals", format!("cannot wait for signals: {error}"), "")
    })?;
    let node = Node::start(&context.home, options)?;
    let stop = node.stopper();
    let handle = signals.handle();
    let waiter = std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            stop();
        }
    });
    let (addr, id) = (node.addr(), node.id());
    let object = json!({ "event": "listening", "addr": addr.to_string(), "node": id.to_string() });
    let said = context.out.result(&object, &format!("listening on {addr} as {id}"));
    if said.is_err() {
        node.stop();
    }
    let ended = node.wait();
    handle.close();
    // The thread only waits for signals: it cannot have failed.
    let _ = waiter.join();
    said?;
    ended?;
    Ok(Class::Done)
}
