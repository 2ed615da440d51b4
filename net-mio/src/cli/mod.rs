//! The `quantumsync` command: reads the command line, calls the library, says what came of it.

mod args;
mod context;
mod control;
mod demo;
mod error;
mod get;
mod health;
mod init;
mod keys;
mod log;
mod node;
mod output;
mod settings;
mod signals;
mod store;
mod values;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use self::args::{Cli, Global, Verb};
use self::context::Context;
use self::error::{Class, Failure};
use self::output::Output;

/// Runs the command of this process.
pub(crate) fn main() -> ExitCode {
    let arguments = args::arguments();
    let json = arguments.iter().any(|argument| argument == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) if json && error.use_stderr() => {
            let text = error.to_string();
            let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let failure = Failure::usage("usage", message, "see quantumsync --help");
            Output { json, quiet: false }.failure(&failure);
            return ExitCode::from(Class::Usage as u8);
        }
        Err(error) => {
            // Help and version go to stdout with status 0, errors to stderr with 2; nothing to do if they are closed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Class::Usage as u8));
        }
    };
    log::to_stderr(json);
    let out = output(&cli.global);
    match run(cli) {
        Ok(class) => ExitCode::from(class as u8),
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.class as u8)
        }
    }
}

fn output(global: &Global) -> Output {
    Output { json: global.json, quiet: global.quiet }
}

fn run(cli: Cli) -> Result<Class, Failure> {
    let context = || Context::new(&cli.global);
    match cli.verb {
        Verb::Init(args) => init::run(&context()?, &args),
        Verb::Node(args) => node::run(&context()?, args),
        Verb::Invite { for_node } => control::invite(&context()?, for_node),
        Verb::Store(args) => store::run(&context()?, &args),
        Verb::Get(args) => get::run(&context()?, &args),
        Verb::Delete(args) => keys::delete(&context()?, &args),
        Verb::List { prefix } => keys::list(&context()?, &prefix),
        Verb::Clear { yes, local } => keys::clear(&context()?, yes, local),
        Verb::Status => health::status(&context()?),
        Verb::Peers => health::peers(&context()?),
        Verb::Leave { cancel } => control::leave(&context()?, cancel),
        Verb::Ban { member } => control::ban(&context()?, member),
        Verb::Verify => health::verify(&context()?),
        Verb::Demo { file } => demo::run(output(&cli.global), file.as_deref()),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "quantumsync", &mut std::io::stdout());
            Ok(Class::Done)
        }
        Verb::Man => man(),
    }
}

/// The manual page of the command, followed by one of each verb.
fn man() -> Result<Class, Failure> {
    let command = Cli::command();
    let mut out = std::io::stdout().lock();
    clap_mangen::Man::new(command.clone()).render(&mut out).map_err(Failure::stdout)?;
    for verb in command.get_subcommands() {
        let name = format!("quantumsync-{}", verb.get_name());
        clap_mangen::Man::new(verb.clone().name(name)).render(&mut out).map_err(Failure::stdout)?;
    }
    Ok(Class::Done)
}
