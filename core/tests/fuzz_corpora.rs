//! The inputs that the fuzz targets start from, made of the vectors, so that they stay true when a format changes, and
//! scripts for the machines.
//!
//! `QUANTUMSYNC_REWRITE=1 cargo test -p quantumsync-core --features sim --test fuzz_corpora` writes them anew. Other files in these folders, such as what
//! once made a target fail, are put there by hand and stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use quantumsync_core::crypto::Suite;
use quantumsync_core::sim::run::PROFILES;

/// Name of a file and what is in it.
type Inputs = BTreeMap<String, Vec<u8>>;

#[test]
fn the_corpora_of_the_fuzz_targets_are_made_of_the_vectors() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let rewrite = std::env::var_os("QUANTUMSYNC_REWRITE").is_some();
    let vectors = vectors();
    let corpora = [
        ("cluster", clusters()),
        ("frame", frames(&vectors)),
        ("manifest", manifests(&vectors)),
        ("message", messages(&vectors)),
        ("node", machines()),
        ("path", paths(&vectors)),
        ("record", signed(&vectors)),
        ("session", links()),
        ("token", tokens(&vectors)),
        ("vault_file", vault_files(&vectors)),
    ];
    for (target, inputs) in corpora {
        for (name, bytes) in inputs {
            let path = folder.join(target).join(name);
            if rewrite {
                fs::create_dir_all(folder.join(target)).unwrap();
                fs::write(&path, &bytes).unwrap();
            }
            let found = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(found == bytes, "{}: write it anew as the head of this test says", path.display());
        }
    }
}

/// The handshake's frames, each alone and all in one stream.
fn frames(vectors: &Value) -> Inputs {
    let handshake = &vectors["handshake"];
    let mut inputs = Inputs::new();
    for name in ["messages", "pings", "pongs"] {
        let stream: Vec<u8> = list(&handshake[name]).iter().flat_map(bytes).collect();
        inputs.insert(format!("{name}_byte_by_byte"), [&[0xFF, 0xFF, 1][..], &stream].concat());
        inputs.insert(format!("{name}_at_once"), [&[0xFF, 0xFF, 0xFF][..], &stream].concat());
    }
    // Plaintexts of frames, which is what segments are read off.
    let segment = |stream: u8, flags: u8, part: &[u8]| {
        [&[0, 0, 0, stream, flags, 0, part.len() as u8][..], part].concat()
    };
    let whole = segment(1, 3, b"\0\0\0\x05hello");
    let two = [segment(1, 1, b"\0\0\0\x05he"), segment(2, 3, b"\0\0\0\0")].concat();
    for (name, plain) in [("one_segment", whole), ("two_streams", two)] {
        let len = u16::try_from(plain.len()).unwrap().to_be_bytes();
        inputs.insert(name.into(), [&[0xFF, 0xFF, 16][..], &len, &plain].concat());
    }
    inputs.insert("over_the_limit".into(), vec![0, 4, 1, 0, 4, 1, 2, 3, 4, 0, 5, 1, 2, 3, 4, 5]);
    inputs.insert("empty_frames".into(), vec![0, 4, 3, 0, 0, 0, 0, 0, 0]);
    inputs
}

fn messages(vectors: &Value) -> Inputs {
    let messages = vectors["messages"].as_object().unwrap();
    messages.iter().map(|(name, value)| (name.clone(), bytes(value))).collect()
}

fn signed(vectors: &Value) -> Inputs {
    let (records, network) = (&vectors["records"], &vectors["network"]);
    let mut inputs = Inputs::new();
    for name in ["tombstone", "floor", "granted_tombstone", "file_epoch_5_tombstone", "pin", "granted_pin"] {
        inputs.insert(name.into(), bytes(&records[name]));
    }
    for name in ["empty", "inline", "tree"] {
        inputs.insert(format!("{name}_file"), bytes(&records[name]["record"]));
    }
    for name in ["admission", "admission_with_unknown_field", "removal", "settings"] {
        inputs.insert(name.into(), bytes(&network[name]));
    }
    // Header and parts, to be signed by the target.
    let header = bytes(&records["tombstone"]);
    let signature = header.len() - 64;
    inputs.insert("header_with_parts".into(), [&header[..signature], b"\x04head and body"].concat());
    inputs
}

/// `pieces u16 ‖ longest u8 ‖ range u32 × 2 ‖ changes of nodes`; the other inputs are nodes themselves.
fn manifests(vectors: &Value) -> Inputs {
    let tree = |pieces: u16, longest: u8, changes: &[u8]| {
        let range = [0, 0, 0, 5, 0, 0, 0, 200];
        [&(pieces - 1).to_be_bytes()[..], &[longest - 1], &range, changes].concat()
    };
    let node = bytes(&vectors["tree"]["node_blob"]);
    let root = &vectors["tree"]["root"];
    let number = |name: &str| root[name].as_u64().unwrap();
    let mut raw = (number("pieces") as u32).to_be_bytes().to_vec();
    raw.extend(number("length").to_be_bytes());
    raw.push(number("level") as u8);
    let level = u8::try_from(number("level")).unwrap();
    // The node as it is before it is sealed: level, count, and children that name what they like.
    let children = u16::try_from(number("pieces")).unwrap();
    let mut payload = [&[level][..], &children.to_be_bytes()].concat();
    for at in 0..children {
        payload.extend([at as u8; 64]);
        let piece = vectors["tree"]["piece_lengths"][usize::from(at)].as_u64().unwrap();
        payload.extend(piece.to_be_bytes());
    }
    [
        ("one_piece", tree(1, 20, &[])),
        ("one_node", tree(200, 9, &[])),
        ("two_levels", tree(266, 3, &[])),
        ("a_wrong_level", tree(10, 9, &[0, 0, 0, 1, 0, 0, 0, 0, 0])),
        ("a_wrong_count", tree(10, 9, &[0, 0, 2, 1, 0, 0, 0, 0, 0])),
        ("a_wrong_length", tree(10, 9, &[0, 0, 74, 3, 0, 0, 0, 0, 0])),
        ("a_child_of_another_id", tree(10, 9, &[0, 0, 3, 1, 0, 0, 0, 0, 0])),
        ("a_root_of_more_pieces", tree(10, 9, &[0, 0, 0, 0, 1])),
        ("a_longer_node", tree(10, 9, &[0, 255, 255, 200, 0, 0, 0, 0, 0])),
        ("a_node_of_the_vectors", [raw.clone(), payload].concat()),
        ("a_sealed_node_as_payload", [raw, node].concat()),
    ]
    .map(|(name, bytes)| (name.into(), bytes))
    .into()
}

fn tokens(vectors: &Value) -> Inputs {
    let text = |name: &str| vectors["network"][name].as_str().unwrap().to_owned();
    let content = |name: &str| {
        let coded = text(name)[3..].to_ascii_uppercase();
        let decoded = data_encoding::BASE32_NOPAD.decode(coded.as_bytes()).unwrap();
        decoded[..decoded.len() - 4].to_vec()
    };
    [
        ("client_token", text("client_token").into()),
        ("node_token", text("node_token").into()),
        ("in_capitals", text("client_token").to_ascii_uppercase().into()),
        ("content_of_client_token", content("client_token")),
        ("content_of_node_token", content("node_token")),
        ("nothing_after_the_prefix", b"qs1".to_vec()),
    ]
    .map(|(name, bytes)| (name.into(), bytes))
    .into()
}

fn vault_files(vectors: &Value) -> Inputs {
    let files = &vectors["vault_files"];
    let (open, locked) = (bytes(&files["open"]), bytes(&files["locked"]));
    // Where the cost of the first slot stands: after magic, version, number of slots, kind and length.
    let costing = |memory_kib: u32, passes: u32| {
        let mut file = locked.clone();
        file[14..18].copy_from_slice(&memory_kib.to_be_bytes());
        file[18..22].copy_from_slice(&passes.to_be_bytes());
        checked(file)
    };
    let mut without_slots = open.clone();
    without_slots[10] = 0;
    let mut unknown_slot = open.clone();
    unknown_slot[11] = 2;
    [
        ("opens_without_passphrase", open.clone()),
        ("needs_a_passphrase", locked.clone()),
        ("a_cheap_passphrase", costing(8, 1)),
        ("memory_past_all_bounds", costing(u32::MAX, 1)),
        ("passes_past_all_bounds", costing(8, u32::MAX)),
        ("without_slots", checked(without_slots)),
        ("a_slot_of_another_kind", checked(unknown_slot)),
        ("cut", open[..open.len() - 40].to_vec()),
    ]
    .map(|(name, bytes)| (name.into(), bytes))
    .into()
}

/// With a right checksum.
fn checked(mut file: Vec<u8>) -> Vec<u8> {
    file.truncate(file.len() - 32);
    let sum = Suite::Real.hash(&[&file]);
    file.extend(sum);
    file
}

/// `depth u8 ‖ width u8 ‖ path`.
fn paths(vectors: &Value) -> Inputs {
    let hex = vectors["paths"][1]["path"].as_str().unwrap();
    let (a, b) = (&hex[..2], &hex[2..4]);
    [
        ("as_it_is_by_default", [2, 2], format!("{a}/{b}/{hex}")),
        ("without_folders", [0, 0], hex.into()),
        ("of_another_depth", [1, 2], format!("{a}/{b}/{hex}")),
        ("in_capitals", [2, 2], format!("{a}/{b}/{hex}").to_ascii_uppercase()),
        ("out_of_the_folder", [2, 2], format!("../{b}/{hex}")),
        ("too_many_digits", [33, 2], hex.into()),
        (
            "all_digits_as_folders",
            [64, 1],
            hex.chars().map(|digit| format!("{digit}/")).collect::<String>() + hex,
        ),
    ]
    .map(|(name, [depth, width], path)| (name.into(), [&[depth, width][..], path.as_bytes()].concat()))
    .into()
}

/// Scripts for two ends of a link: a node's or a client's (0, 1), then operations with their arguments.
fn links() -> Inputs {
    let open = "t0R0T0r0t0R0T0r0t0R0";
    [
        ("a_node_opens", format!("0{open}")),
        ("a_client_opens", format!("1{open}")),
        ("a_client_asks", format!("1{open}p0g0b0t0R0A0A0A0T0r0l0L0")),
        ("two_nodes_ask_each_other", format!("0{open}p0P0g0B0t0T0R0r0a0a0A0A0t0T0R0r0l0L0k0K0")),
        ("more_than_there_is_credit_for", format!("1{open}b~b~b~b~t0R0K0k0t0R0k~t0R0L0T0r0t0R0")),
        ("new_keys_after_some_frames", format!("0{open}p0t0R0A0T0r0p0t0R0A0T0r0p0t0R0A0T0r0p0t0R0")),
        ("byte_by_byte", format!("1t0{}T0r0t0R0T0r0", "R!".repeat(4))),
        ("a_frame_is_altered", format!("0{open}p0t0X1R0T0r0")),
        ("a_handshake_is_altered", "1t0X1R0T0r0".into()),
        ("bytes_are_lost", format!("0{open}p0p0t0Z1R0T0r0")),
        ("an_answer_that_nobody_asked_for", format!("0{open}i0t0R0T0r0")),
        ("closed_while_messages_wait", format!("1{open}p0b~g0c0t0R0T0r0")),
        ("closed_by_both", format!("0{open}p0P0c0C0t0T0R0r0")),
        ("never_opened_in_time", "0t0o~o~R0".into()),
    ]
    .map(|(name, script)| (name.into(), script.into_bytes()))
    .into()
}

/// Scripts for a node or a client (0, 1).
fn machines() -> Inputs {
    let disk = "e0".repeat(6);
    let link = "r/".repeat(5);
    let node = format!("0{disk}");
    let work = "j0e0e0".repeat(4);
    // Requests by their number in the target, which is the argument of `m`.
    let asking = |who: char, requests: &[u8]| {
        let mut script = format!("{node}n{who}{link}").into_bytes();
        for request in requests {
            script.extend([b'm', *request, b'r', b'/']);
            script.extend(work.as_bytes());
            script.extend(b"s/");
        }
        script
    };
    let user = |command: char, rest: &[u8]| [format!("1c{command}d0{link}").as_bytes(), rest].concat();
    [
        ("a_client_stores_a_blob_and_its_record", asking('0', &[0, 1, 3, 2, 6, 7])),
        ("a_client_deletes", asking('0', &[1, 3, 25, 6, 5, 7])),
        ("a_home_asks_everything", asking('1', &[8, 9, 10, 11, 12, 13, 34, 14])),
        ("a_member_pulls_and_checks", asking('2', &[15, 16, 17, 38, 59, 80, 18, 19, 40, 20])),
        ("a_client_asks_what_it_may_not", asking('0', &[9, 12, 13, 16, 17])),
        ("nobody_who_speaks_the_protocol", format!("{node}N0g?{}x0", "x".repeat(120)).into_bytes()),
        ("more_links_than_there_may_be", (node.clone() + &"n0N0n1n2".repeat(3)).into_bytes()),
        ("what_comes_is_altered", format!("{node}n0r/r/z0r/r/").into_bytes()),
        ("the_disk_fails", format!("{node}n0{link}E0E1E2m\x01r/j0E0E1m\x03r/j0E2").into_bytes()),
        ("the_disk_fails_for_good", b"0e0E3T0T0".to_vec()),
        ("the_driver_breaks_the_contract", format!("{node}n0{link}u0u1u2u3u4u5u6u7u8u9u:u;").into_bytes()),
        ("more_is_reported_sent_than_was_given_to_a_link_that_waits", b"0n0u\x04".to_vec()),
        ("long_silence", format!("{node}n2{link}{}", "T0e0j0".repeat(12)).into_bytes()),
        ("a_client_stores", user('0', &b"f~f8r/a1a1j0e0r/s/".repeat(4))),
        ("a_client_gets", user('3', &b"a1a2r/j0w0".repeat(4))),
        ("a_client_lists", user('8', &b"a1r/j0w0".repeat(3))),
        ("a_client_clears", user('7', &b"a1r/j0a2r/".repeat(3))),
        ("nobody_can_be_dialled", b"1c0c3c6D0T0D0T0D0T0".to_vec()),
        ("an_answer_of_another_kind", user('9', b"a\xF0r/a\xC1r/")),
        ("cancelled", user('0', b"f~C0r/")),
    ]
    .map(|(name, script)| (name.into(), script))
    .into()
}

/// Choices for a script of each profile: few, and many.
fn clusters() -> Inputs {
    let choices = |profile: u8, count: u32| {
        let mut state = u32::from(profile);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        core::iter::once(profile).chain((0..count).map(|_| next())).collect()
    };
    let mut inputs = Inputs::from([("nothing_happens".into(), Vec::new())]);
    for (number, profile) in (0..).zip(PROFILES) {
        inputs.insert(format!("{}_a_few_steps", profile.name), choices(number, 40));
        inputs.insert(format!("{}_many_steps", profile.name), choices(number, 300));
    }
    inputs
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/vectors.json")).expect("it is JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("it is a list")
}

fn bytes(value: &Value) -> Vec<u8> {
    let hex = value.as_str().expect("it is a text");
    data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("it is hexadecimal")
}
