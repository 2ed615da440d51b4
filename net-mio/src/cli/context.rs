//! What most verbs need: the home, its vault opened, a client of its network.

use std::env;
use std::io::{self, IsTerminal as _, Read as _};
use std::net::SocketAddr;
use std::path::Path;

use quantumsync::client::{Client, ClientOptions};
use quantumsync::home::{Home, NetworkFile};
use quantumsync_core::crypto::Suite;
use quantumsync_core::error::VaultError;
use quantumsync_core::id::NodeId;
use quantumsync_core::vault::Vault;
use quantumsync_core::wire::Token;
use zeroize::Zeroizing;

use super::args::Global;
use super::error::Failure;
use super::output::Output;
use super::settings::Settings;
use super::values::Addr;

/// The cryptography of this program.
pub(crate) const SUITE: Suite = Suite::Real;

/// The longest token or list of words that is read from a file or standard input.
const MAX_TEXT: u64 = 4096;

/// The environment of one verb.
pub(crate) struct Context {
    pub(crate) home: Home,
    pub(crate) settings: Settings,
    pub(crate) out: Output,
    node: Option<Addr>,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let home = match &global.home {
            Some(folder) => Home::new(folder),
            None => Home::new(Home::default_folder().ok_or_else(|| {
                Failure::usage(
                    "no_home",
                    "this system names no folder for a home",
                    "name one with --home DIR",
                )
            })?),
        };
        let settings = Settings::load(&home.settings_path())?;
        let node = global.node.clone().or_else(|| settings.node.clone());
        let out = Output { json: global.json, quiet: global.quiet };
        Ok(Self { home, settings, out, node })
    }

    /// A client with this home's vault.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let options = self.options()?;
        let vault = self.vault()?;
        let device = Some(self.home.device_secret()?);
        let seen = Box::new(self.home.seen_disk()?);
        Ok(Client::start(ClientOptions { vault: Some(vault), device, seen, ..options })?)
    }

    /// A client that needs no vault.
    pub(crate) fn client_without_vault(&self) -> Result<Client, Failure> {
        Ok(Client::start(self.options()?)?)
    }

    /// The home's vault, opened.
    fn vault(&self) -> Result<Vault, Failure> {
        let Some(file) = self.home.vault()? else {
            let message = format!("there is no vault in {}", self.home.root().display());
            return Err(Failure::usage("no_vault", message, "make one with: quantumsync init"));
        };
        match Vault::open(SUITE, &file, None) {
            Err(VaultError::NeedsPassphrase) => {}
            opened => return Ok(opened?),
        }
        let passphrase = passphrase("Passphrase: ")?.ok_or(VaultError::NeedsPassphrase)?;
        Ok(Vault::open(SUITE, &file, Some(&passphrase))?)
    }

    /// The network, and where to enter it: the named node, else the home's own if it runs, else those of the token.
    fn options(&self) -> Result<ClientOptions, Failure> {
        let token = match token_of_environment()? {
            Some(token) => token,
            None => self.home.network()?.ok_or(quantumsync::Error::NoNetwork)?.token,
        };
        let own = self.home.node().address()?;
        let mut options = ClientOptions::without_vault(token);
        let mut entry: Vec<(Option<NodeId>, SocketAddr)> = Vec::new();
        if let Some(node) = &self.node {
            entry.push((node.node, dial_address(node)?));
            // Only the named one.
            options.token.peers.clear();
        } else if let Some(own) = own
            && self.home.node().is_running()?
        {
            entry.push((Some(own.node), own.addr));
            options.token.peers.clear();
        }
        if let Some(own) = own
            && entry.iter().any(|(_, addr)| *addr == own.addr)
        {
            options.control = self.home.node().control(SUITE)?;
        }
        if entry.is_empty() && options.token.peers.is_empty() {
            // The home of a network of one whose node is down: dial it all the same, and say that it is not reached.
            entry.extend(own.map(|own| (Some(own.node), own.addr)));
        }
        options.entry = entry;
        Ok(options)
    }
}

/// Where to dial.
pub(crate) fn dial_address(addr: &Addr) -> Result<SocketAddr, Failure> {
    addr.to_dial().map_err(|why| Failure::usage("bad_address", why, "an address is [NODEID@]HOST:PORT"))
}

/// The token of `--join`, of standard input for `-`, or of the environment.
pub(crate) fn token(join: Option<&str>) -> Result<Option<Token>, Failure> {
    match join {
        Some("-") => Ok(Some(parse_token(&read_text(Path::new("-"))?)?)),
        Some(text) => Ok(Some(parse_token(text)?)),
        None => token_of_environment(),
    }
}

fn token_of_environment() -> Result<Option<Token>, Failure> {
    match env::var("QUANTUMSYNC_TOKEN").map(Zeroizing::new) {
        Ok(text) => Ok(Some(parse_token(&text)?)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Ok(Some(parse_token("")?)),
    }
}

fn parse_token(text: &str) -> Result<Token, Failure> {
    Ok(Token::from_text(text.trim()).map_err(quantumsync::Error::Token)?)
}

/// Remembers the network of a user's token, unless the home belongs to another.
pub(crate) fn join_as_user(home: &Home, token: Token) -> Result<(), Failure> {
    if let Some(known) = home.network()? {
        if known.id(SUITE) != token.network(SUITE) {
            return Err(quantumsync::Error::OtherNetwork.into());
        }
        return Ok(());
    }
    Ok(home.save_network(&NetworkFile { token, founder: false })?)
}

/// A short text of a file, or of standard input for `-`.
pub(crate) fn read_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        io::stdin().lock().take(MAX_TEXT).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_TEXT).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::file(path, &error))?;
    Ok(text)
}

/// The passphrase of the environment, or asked for at a terminal; `None` where neither is.
pub(crate) fn passphrase(prompt: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    match env::var("QUANTUMSYNC_PASSPHRASE") {
        Ok(text) => return Ok(Some(Zeroizing::new(text))),
        Err(env::VarError::NotPresent) => {}
        Err(env::VarError::NotUnicode(_)) => {
            let message = "QUANTUMSYNC_PASSPHRASE is not UTF-8";
            return Err(Failure::usage("passphrase", message, "use characters of Unicode"));
        }
    }
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let asked = rpassword::prompt_password(prompt);
    asked.map(|text| Some(Zeroizing::new(text))).map_err(|error| {
        Failure::usage(
            "passphrase",
            format!("cannot ask for the passphrase: {error}"),
            "set QUANTUMSYNC_PASSPHRASE",
        )
    })
}
