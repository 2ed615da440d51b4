//! `cargo xtask speed`: how fast a file is stored and got from each language, beside the program, on one node and in one run; and
//! what a step of the state machine costs in each.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::process::{Outcome, cargo, output, project, run, target_dir};
use crate::suite::Report;
use crate::{c, npm, python};

/// The size of the file, unless it is said.
pub(crate) const MIB: &str = "1024";
/// Each takes its turn so often; its best counts, for what disturbs a run only ever slows it down.
const ROUNDS: u32 = 3;

/// That the benchmarks run is for every day; what they say is for whoever asks.
pub(crate) fn run_all(wanted: &dyn Fn(&str) -> bool) -> Vec<Report> {
    let name = "speed: the benchmarks of every language run";
    if wanted(name) { vec![Report::of(name, || compare("8").map(|()| (1, 0)))] } else { Vec::new() }
}

pub(crate) fn compare(mib: &str) -> Outcome {
    let mib: u32 = mib.parse().map_err(|_| format!("{mib} is no number of MiB"))?;
    run(cargo().args(["build", "--release", "--locked", "--package", "quantumsync", "--bins"]))?;
    let bench =
        |language: &str, name: &str| project().join("bindings").join(language).join("bench").join(name);
    let (c_transfer, c_step) = (c::bench("transfer.c")?, c::bench("step.c")?);
    let (python, npm) = (python::installed()?, npm::installed()?);
    let javascript = |name: &str| {
        let copy = npm.join(name);
        fs::copy(bench("wasm", name), &copy).map_err(|error| format!("cannot copy {name}: {error}"))?;
        Ok::<_, String>(copy)
    };
    let place = Place::new(mib)?;
    let token = &place.token;
    println!("{}", output(&mut Command::new(c_step))?.trim());
    println!("{}", output(Command::new(&python).arg(bench("python", "step.py")))?.trim());
    println!("{}", output(Command::new("node").arg(javascript("step.js")?).arg(token))?.trim());

    let transfer = javascript("transfer.js")?;
    let mut rows: [Row; 4] = ["program", "C", "Python", "JavaScript"].map(Row::new);
    for _ in 0..ROUNDS {
        rows[0].took(place.program()?);
        rows[1].took(place.timed(&mut Command::new(&c_transfer))?);
        rows[2].took(place.timed(Command::new(&python).arg(bench("python", "transfer.py")))?);
        rows[3].took(place.timed(Command::new("node").arg(&transfer))?);
    }
    println!(
        "{:12}{:>14}{:>14}{:>22}",
        format!("{mib} MiB"),
        "store MiB/s",
        "get MiB/s",
        "share of the program"
    );
    for row in &rows {
        let (store, get) = (f64::from(mib) / row.store, f64::from(mib) / row.get);
        let shares = format!("{:.2}, {:.2}", rows[0].store / row.store, rows[0].get / row.get);
        println!("{:12}{store:>14.0}{get:>14.0}{shares:>22}", row.name);
    }
    Ok(())
}

/// The best of what one language took, in seconds.
struct Row {
    name: &'static str,
    store: f64,
    get: f64,
}

impl Row {
    const fn new(name: &'static str) -> Self {
        Self { name, store: f64::INFINITY, get: f64::INFINITY }
    }

    fn took(&mut self, (store, get): (f64, f64)) {
        self.store = self.store.min(store);
        self.get = self.get.min(get);
    }
}

/// A node with its disk, a user of it, and the file; gone at the end.
struct Place {
    folder: PathBuf,
    node: Child,
    token: String,
}

impl Place {
    fn new(mib: u32) -> Outcome<Self> {
        let folder = target_dir().join("speed");
        let _ = fs::remove_dir_all(&folder);
        let failed = |error| format!("cannot write below {}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(failed)?;
        write_noise(&folder.join("file"), mib).map_err(failed)?;
        let mut node = Self::command(&folder.join("node"))
            .args(["node", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the node: {error}"))?;
        // What it says when it listens.
        let mut line = String::new();
        let said = BufReader::new(node.stdout.take().expect("its output is piped")).read_line(&mut line);
        said.map_err(|error| format!("the node says nothing: {error}"))?;
        let mut place = Self { folder, node, token: String::new() };
        let invited = output(Self::command(&place.folder.join("node")).arg("invite"))?;
        let invited: Value =
            serde_json::from_str(&invited).map_err(|error| format!("invite gave no JSON: {error}"))?;
        place.token = invited["token"].as_str().ok_or("invite gave no token")?.into();
        Ok(place)
    }

    fn command(home: &Path) -> Command {
        let mut command = Command::new(target_dir().join("release/quantumsync"));
        command.arg("--home").arg(home).arg("--json").stdin(Stdio::null());
        command
    }

    /// The program as a user of that node, with keys of its own.
    fn program(&self) -> Outcome<(f64, f64)> {
        let home = self.folder.join("user");
        let _ = fs::remove_dir_all(&home);
        output(Self::command(&home).args(["init", "--no-passphrase", "--join", &self.token]))?;
        let timed = |arguments: &[&Path]| {
            let start = Instant::now();
            output(Self::command(&home).args(arguments))?;
            Ok::<_, String>(start.elapsed().as_secs_f64())
        };
        let (file, copy) = (self.folder.join("file"), self.folder.join("copy"));
        let store = timed(&["store".as_ref(), &file])?;
        let get = timed(&["get".as_ref(), "file".as_ref(), "-o".as_ref(), &copy])?;
        timed(&["delete".as_ref(), "file".as_ref()])?;
        self.compare()?;
        Ok((store, get))
    }

    /// A program that stores, gets and deletes the file with keys of its own, and says how long the first two took.
    fn timed(&self, program: &mut Command) -> Outcome<(f64, f64)> {
        let said =
            output(program.arg(self.folder.join("file")).arg(self.folder.join("copy")).arg(&self.token))?;
        self.compare()?;
        let (store, get) = said.trim().split_once(' ').ok_or_else(|| format!("it said {said:?}"))?;
        let seconds = |text: &str| text.parse::<f64>().map_err(|error| format!("{text:?}: {error}"));
        Ok((seconds(store)?, seconds(get)?))
    }

    fn compare(&self) -> Outcome {
        let (file, copy) = (self.folder.join("file"), self.folder.join("copy"));
        run(Command::new("cmp").arg(file).arg(&copy))?;
        fs::remove_file(&copy).map_err(|error| format!("cannot remove {}: {error}", copy.display()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// So many MiB that are never the same twice: nothing is to be found again.
fn write_noise(path: &Path, mib: u32) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let mut state = 1u64;
    let mut block = vec![0u8; 1 << 20];
    for _ in 0..mib {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    file.sync_all()
}
