//! `init`: the vault, its words, and the network that its user belongs to.

use serde_json::json;

use quantumsync_core::vault::Vault;
use zeroize::Zeroizing;

use super::args::InitArgs;
use super::context::{Context, SUITE, join_as_user, passphrase, read_text, token};
use super::error::{Class, Failure};

pub(crate) fn run(context: &Context, args: &InitArgs) -> Result<Class, Failure> {
    if args.restore.as_deref() == args.join.as_deref().map(std::path::Path::new) && args.restore.is_some() {
        let message = "standard input cannot be both the words and the token";
        return Err(Failure::usage(
            "stdin_twice",
            message,
            "give one of them as a file or in QUANTUMSYNC_TOKEN",
        ));
    }
    let token = token(args.join.as_deref())?;
    let has_vault = context.home.vault()?.is_some();
    if has_vault && (token.is_none() || args.restore.is_some()) {
        let message =
            format!("there is a vault in {} already, and it is kept", context.home.root().display());
        return Err(Failure::new(Class::Failed, "exists", message, "use another home: --home DIR"));
    }
    if let Some(token) = token {
        join_as_user(&context.home, token)?;
    }
    if has_vault {
        context.out.result(&json!({ "joined": true }), "joined the network with the vault that was here")?;
        return Ok(Class::Done);
    }
    let vault = match &args.restore {
        Some(path) => Vault::from_words(SUITE, &read_text(path)?)?,
        None => Vault::create(SUITE, entropy()?),
    };
    let passphrase = if args.no_passphrase { None } else { Some(new_passphrase()?) };
    let file = vault.lock(passphrase.as_ref().map(|text| text.as_str()), entropy()?)?;
    context.home.create_vault(&file)?;
    let owner = vault.owner().to_string();
    if args.restore.is_some() {
        context.out.result(&json!({ "owner": owner }), "the vault is back")?;
        return Ok(Class::Done);
    }
    let words = vault.words();
    context.out.note("These 24 words are the vault. Write them down: they are not shown again, and\nwithout them and without this home nobody can read what was stored.\n");
    context.out.result(&json!({ "owner": owner, "words": words.as_str() }), &words)?;
    Ok(Class::Done)
}

/// A passphrase, asked twice if it is asked.
fn new_passphrase() -> Result<Zeroizing<String>, Failure> {
    let missing = || {
        let message = "no passphrase for the new vault";
        Failure::usage("no_passphrase", message, "set QUANTUMSYNC_PASSPHRASE, or choose --no-passphrase")
    };
    let first = passphrase("New passphrase: ")?.ok_or_else(missing)?;
    if first.is_empty() {
        return Err(missing());
    }
    if std::env::var_os("QUANTUMSYNC_PASSPHRASE").is_none() && passphrase("Again: ")?.as_ref() != Some(&first)
    {
        return Err(Failure::usage("passphrase", "the two passphrases differ", "try again"));
    }
    Ok(first)
}

/// Random bytes of the operating system.
pub(super) fn entropy<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = format!("the operating system gives no random bytes: {error}");
        Failure::new(Class::Failed, "entropy", message, "check the operating system")
    })?;
    Ok(bytes)
}
