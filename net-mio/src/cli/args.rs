//! The command line: verbs, flags, their help and examples. Parses; does nothing.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use quantumsync_core::id::NodeId;

use super::values::{Addr, parse_duration, parse_node, parse_range, parse_size};

/// A file store spread over machines you control; encrypted here, readable nowhere else.
#[derive(Parser, Debug)]
#[command(name = "quantumsync", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done, 1 failed, 2 usage, 3 not found, 4 no peer reachable,\n\
    5 wrong key, passphrase or network, 6 done, but on fewer peers than wanted.\n\n\
    Example: quantumsync init && quantumsync node &  then  quantumsync store photo.jpg")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Flags of every verb.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// The folder of this user: vault, network keys, node
    #[arg(
        long,
        global = true,
        env = "QUANTUMSYNC_HOME",
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub(crate) home: Option<PathBuf>,
    /// The node to talk to, [NODEID@]HOST:PORT
    #[arg(
        long,
        global = true,
        env = "QUANTUMSYNC_NODE",
        value_name = "ADDR",
        help_heading = "Global options"
    )]
    pub(crate) node: Option<Addr>,
    /// One JSON object a result line on stdout; errors as JSON on stderr
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// Nothing but results and errors
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Verb {
    /// Make the vault and print its 24 words once, or take them back
    #[command(after_help = "Example: quantumsync init --join \"$TOKEN\"")]
    Init(InitArgs),
    /// Run a peer until it is told to stop
    #[command(after_help = "Example: quantumsync node --listen :4270")]
    Node(NodeArgs),
    /// Print a token on one line: for users, or for new nodes
    #[command(after_help = "A token for nodes carries the network's signing key:\n\
        whoever holds it administers the network.\n\nExample: quantumsync invite --node")]
    Invite {
        /// For a new node instead of a user; here `--node` without an address means the same
        #[arg(long)]
        for_node: bool,
    },
    /// Encrypt files here and spread them over the peers
    #[command(visible_alias = "put", after_help = "Example: quantumsync store photo.jpg --ttl 30d")]
    Store(StoreArgs),
    /// Get files back, from the local copy first, else from the peers
    #[command(after_help = "Example: quantumsync get photo.jpg -o copy.jpg")]
    Get(GetArgs),
    /// Delete files from every peer
    #[command(visible_alias = "rm", after_help = "Example: quantumsync delete photo.jpg")]
    Delete(DeleteArgs),
    /// List the files whose keys begin with PREFIX
    #[command(visible_alias = "ls", after_help = "Example: quantumsync list photos/")]
    List {
        /// Only keys that begin so
        #[arg(default_value = "", hide_default_value = true)]
        prefix: String,
    },
    /// Delete everything of this vault
    #[command(after_help = "Example: quantumsync clear --yes")]
    Clear {
        /// Yes, everything
        #[arg(long)]
        yes: bool,
        /// Only the bytes on this node; the next get refills them
        #[arg(long)]
        local: bool,
    },
    /// What the node is and holds
    #[command(after_help = "Example: quantumsync status --json")]
    Status,
    /// Who is in the network, and how they are
    #[command(after_help = "Example: quantumsync peers")]
    Peers,
    /// Let this home's node leave the network, once the others hold what it holds
    #[command(
        after_help = "It ends when nothing is needed of the node any more; the node then stops by itself.\n\
        Until then it may be broken off with Ctrl-C, and the node told to stay with --cancel.\n\n\
        Example: quantumsync leave"
    )]
    Leave {
        /// Stay after all
        #[arg(long)]
        cancel: bool,
    },
    /// Remove a member for good, without asking it
    #[command(
        after_help = "For a member that will not come back: what only it held is lost, and the others no longer \
        wait for it.\n\nExample: quantumsync ban NODEID, as `quantumsync peers` prints it"
    )]
    Ban {
        /// The member's id: 64 hexadecimal digits
        #[arg(value_name = "NODEID", value_parser = parse_node)]
        member: NodeId,
    },
    /// Let the node hash everything that it holds
    #[command(after_help = "Example: quantumsync verify")]
    Verify,
    /// Three peers on this machine: store, loss, recovery, each step said
    #[command(after_help = "Example: quantumsync demo photo.jpg")]
    Demo {
        /// The file to store; 64 MiB are made up if none is given
        file: Option<PathBuf>,
    },
    /// Print completions for a shell
    #[command(after_help = "Example: quantumsync completions bash > /etc/bash_completion.d/quantumsync")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example: quantumsync man | man -l -")]
    Man,
}

#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Take the vault of these 24 words back, from a file or from stdin
    #[arg(long, value_name = "FILE|-")]
    pub(crate) restore: Option<PathBuf>,
    /// Leave the vault open to whoever can read its file
    #[arg(long)]
    pub(crate) no_passphrase: bool,
    /// Be a user of this network; - reads the token from stdin (else QUANTUMSYNC_TOKEN)
    #[arg(long, value_name = "TOKEN|-")]
    pub(crate) join: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct NodeArgs {
    /// Where to listen [default: 127.0.0.1:4270]; :PORT means all interfaces, port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<Addr>,
    /// The address to tell other peers instead
    #[arg(long, value_name = "ADDR")]
    pub(crate) advertise: Option<Addr>,
    /// Join this network; - reads the token from stdin (else QUANTUMSYNC_TOKEN); without one a new network is founded
    #[arg(long, value_name = "TOKEN|-")]
    pub(crate) join: Option<String>,
    /// More nodes to begin with
    #[arg(long = "peer", value_name = "ADDR")]
    pub(crate) peers: Vec<Addr>,
    /// Copies of everything in this network [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) replicas: Option<u8>,
    /// Silence after which a peer's copies are made elsewhere [default: 15m]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) gone_after: Option<Duration>,
    /// Bytes that each user may store through this node [default: any number]: 500M 20G 2T, in powers of 1024
    #[arg(long, env = "QUANTUMSYNC_QUOTA", value_name = "SIZE", value_parser = parse_size)]
    pub(crate) quota: Option<u64>,
    /// Free space of this node's disk below which it takes no more files [default: 64M]
    #[arg(long, env = "QUANTUMSYNC_DISK_FLOOR", value_name = "SIZE", value_parser = parse_size)]
    pub(crate) disk_floor: Option<u64>,
    /// Keep everything in memory only
    #[arg(long)]
    pub(crate) volatile: bool,
}

#[derive(Args, Debug)]
pub(crate) struct StoreArgs {
    /// Files; folders, whose files' keys are the folder's name and their path in it; or - for stdin
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub(crate) paths: Vec<PathBuf>,
    /// The key, for one file or stdin [default: the file's name]
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Delete it after this time: 15s 10m 2h 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
}

#[derive(Args, Debug)]
pub(crate) struct GetArgs {
    /// Which files
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// Where to write the one file; - is stdout
    #[arg(short, long, value_name = "FILE|-", conflicts_with = "into")]
    pub(crate) output: Option<PathBuf>,
    /// Write the files below this folder, with folders for the slashes of their keys
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
    /// Only these bytes, both ends included; without TO up to the end
    #[arg(long, value_name = "FROM-TO", value_parser = parse_range)]
    pub(crate) range: Option<(u64, Option<u64>)>,
    /// Fail rather than give a version that may not be the newest
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Replace existing files
    #[arg(long, short)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    /// Which files
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<String>,
    /// Only the bytes on this node; the next get refills them
    #[arg(long)]
    pub(crate) local: bool,
}

/// The arguments of this process, with `invite --node` told apart from the global `--node ADDR`: an address follows only
/// the latter, and none begins with a dash.
pub(crate) fn arguments() -> Vec<OsString> {
    tell_node_flags_apart(std::env::args_os().collect())
}

fn tell_node_flags_apart(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if let Some(verb) = arguments.iter().position(|argument| argument == "invite") {
        for index in verb + 1..arguments.len() {
            let alone = arguments.get(index + 1).is_none_or(|next| next.as_encoded_bytes().starts_with(b"-"));
            if arguments[index] == "--node" && alone {
                arguments[index] = "--for-node".into();
            }
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_every_verb_has_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        for verb in command.get_subcommands() {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example: quantumsync "), "{} has no example", verb.get_name());
        }
    }

    #[test]
    fn invite_takes_node_as_its_own_flag_and_as_an_address() {
        let parse = |text: &str| {
            let words = text.split(' ').map(OsString::from).collect();
            let cli = Cli::try_parse_from(tell_node_flags_apart(words)).unwrap();
            let Verb::Invite { for_node } = cli.verb else { panic!("another verb") };
            (cli.global.node.is_some(), for_node)
        };
        assert_eq!(parse("quantumsync invite"), (false, false));
        assert_eq!(parse("quantumsync invite --node"), (false, true));
        assert_eq!(parse("quantumsync invite --node --json"), (false, true));
        assert_eq!(parse("quantumsync invite --node 127.0.0.1:1"), (true, false));
        assert_eq!(parse("quantumsync --node 127.0.0.1:1 invite --node"), (true, true));
    }

    #[test]
    fn ban_takes_a_member_beside_the_address_of_a_node() {
        let id = "ab".repeat(32);
        let cli = Cli::try_parse_from(["quantumsync", "--node", "127.0.0.1:1", "ban", &id]).unwrap();
        assert!(matches!(cli.verb, Verb::Ban { member } if Some(member) == NodeId::from_hex(&id)));
        assert!(cli.global.node.is_some());
    }
}
