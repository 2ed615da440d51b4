//! The faults that anybody would think of first by which others could abuse a node or a vault.

use super::{Mutation, Place};

/// Each with its kind as its group.
pub(super) const ABUSES: &[Mutation] = &[
    Mutation {
        group: "reuse a key with another body",
        rule: "a piece's key is of its whole body",
        places: &[Place {
            file: "crypto/seal.rs",
            from: "let fingerprint = suite.fingerprint(dedup_key, &bytes);",
            to: "let fingerprint = suite.fingerprint(dedup_key, &bytes[..HEADER]);",
        }],
        tests: &["two_payloads_of_one_length"],
    },
    Mutation {
        group: "reuse a key with another body",
        rule: "the key of a record's part is of its whole content",
        places: &[Place {
            file: "crypto/seal.rs",
            from: "let siv: [u8; SIV] = cut(&suite.hmac(siv_key.expose(), &[&part, header, plain]));",
            to: "let siv: [u8; SIV] = cut(&suite.hmac(siv_key.expose(), &[&part, header]));",
        }],
        tests: &["two_contents_of_one_record_part_share_no_keystream"],
    },
    Mutation {
        group: "reuse a key with another body",
        rule: "two stores of one key at one moment have versions of their own",
        places: &[Place {
            file: "client/seen.rs",
            from: "highest.max(self.highest(name)).max(reserved)",
            to: "highest.max(self.highest(name))",
        }],
        tests: &["stores_of_one_key_at_the_same_moment"],
    },
    Mutation {
        group: "reuse a key with another body",
        rule: "a link takes new keys in time",
        places: &[Place {
            file: "session/noise.rs",
            from: "if self.frames.is_multiple_of(self.rekey_every) {",
            to: "if self.frames == u64::MAX {",
        }],
        tests: &["sides_that_renew_keys_at_different_frames_part"],
    },
    Mutation {
        group: "forget a deadline",
        rule: "a handshake that never ends is ended",
        places: &[Place {
            file: "session/link/mod.rs",
            from: "if self.peer.is_some() || self.deaf { None } else { Some(self.deadline) }",
            to: "None",
        }],
        tests: &["a_handshake_that_never_ends_is_ended"],
    },
    Mutation {
        group: "forget a deadline",
        rule: "a write ends without its replicas",
        places: &[
            Place {
                file: "node/entry.rs",
                from: "let deadline = hub.now.mono + hub.setup.config.bulk_deadline;",
                to: "let deadline = hub.now.mono + hub.setup.config.bulk_deadline * 10_000;",
            },
            Place {
                file: "node/entry.rs",
                from: "let deadline = hub.now.mono + hub.setup.config.request_deadline;\n        let request",
                to: "let deadline = hub.now.mono + hub.setup.config.request_deadline * 10_000;\n        let request",
            },
        ],
        tests: &["a_disk_that_hangs_on_one_replica"],
    },
    Mutation {
        group: "forget a deadline",
        rule: "every command of a client ends",
        places: &[Place {
            file: "client/running/patience.rs",
            from: "if self.check_at.is_some_and(|at| at <= now.mono) {",
            to: "if self.check_at.is_some_and(|at| at < at) {",
        }],
        tests: &["operations_end_while_the_node_that_they_knew"],
    },
    Mutation {
        group: "forget a deadline",
        rule: "an offer of a proof ends",
        places: &[Place {
            file: "node/store/proof.rs",
            from: "filter(|(_, offer)| offer.deadline <= now)",
            to: "filter(|(_, offer)| offer.deadline < offer.deadline)",
        }],
        tests: &["an_offer_that_nobody_settles_is_made_again"],
    },
    Mutation {
        group: "forget a deadline",
        rule: "a node stops without a frozen peer",
        places: &[Place { file: "node/mod.rs", from: "if busy && now.mono < until {", to: "if busy {" }],
        tests: &["a_node_that_stops_does_not_wait_for_a_frozen_peer"],
    },
    Mutation {
        group: "ignore a quota",
        rule: "a client has room for its quota and no more",
        places: &[Place {
            file: "node/store/blob.rs",
            from: "if origin.is_client() && !store.has_quota(&new, blob.len()) {",
            to: "if origin.is_client() && !{ store.has_quota(&new, blob.len()); true } {",
        }],
        tests: &["a_client_has_room_for_its_quota_and_no_more"],
    },
    Mutation {
        group: "ignore a quota",
        rule: "pins that are pulled count, too",
        places: &[Place {
            file: "node/store/quota.rs",
            from: "if new.remove(&held) {",
            to: "if new.remove(&held) && false {",
        }],
        tests: &["pins_that_are_pulled_count_too"],
    },
    Mutation {
        group: "ignore a quota",
        rule: "below the disk's floor nothing is taken but what deletes",
        places: &[Place {
            file: "node/store/record.rs",
            from: "if parts_len(record) > 0 && whole && !self.has_space(record.bytes().len()) {",
            to: "if parts_len(record) > 0 && whole && !{ self.has_space(record.bytes().len()); true } {",
        }],
        tests: &["below_the_disks_floor_nothing_is_taken"],
    },
    Mutation {
        group: "leak a key in an error",
        rule: "a secret is never shown",
        places: &[Place {
            file: "crypto/secret.rs",
            from: "f.write_str(\"Secret(…)\")",
            to: "write!(f, \"Secret({:?})\", self.0)",
        }],
        tests: &["secrets_never_show_in_debug"],
    },
    Mutation {
        group: "leak a key in an error",
        rule: "a wrong word is not named",
        places: &[Place {
            file: "crypto/words.rs",
            from: "format!(\"word {} is not in the list\", index + 1)",
            to: "format!(\"{} is not in the list\", words.split_whitespace().nth(index).unwrap_or_default())",
        }],
        tests: &["a_list_that_is_not_24_words"],
    },
    Mutation {
        group: "leak a key in an error",
        rule: "a step of an upload shows no content",
        places: &[Place {
            file: "vault/upload.rs",
            from: "write!(f, \"Seal {slot}: {} bytes\", payload.len())",
            to: "write!(f, \"Seal {slot}: {payload:?}\")",
        }],
        tests: &["neither_a_vault_nor_a_step_shows_what_it_holds"],
    },
    Mutation {
        group: "leak a key in an error",
        rule: "a signing key shows its public half alone",
        places: &[Place {
            file: "crypto/identity.rs",
            from: "write_hex(f, &self.public[..4])?;",
            to: "write_hex(f, &self.seed.expose()[..])?;",
        }],
        tests: &["nothing_secret_shows_in_debug_output"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "what a member tells of the membership has the network's signature",
        places: &[Place {
            file: "node/membership.rs",
            from: "admission.verify(self.suite, &self.network, &self.network_key).map_err(bad)?;",
            to: "",
        }],
        tests: &["words_that_the_network_did_not_sign_are_a_fault"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "a record from another is checked before it is passed on",
        places: &[Place {
            file: "node/lookup.rs",
            from: "Some((from, record)) if !hub.is_own(&from) => self.check(hub, CHECK, from, record),",
            to: "Some((_, record)) if !record.bytes().is_empty() => self.answer(hub, Some(record)),",
        }],
        tests: &["reads::"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "a floor that comes from another is checked before it is passed on",
        places: &[Place {
            file: "node/lookup.rs",
            from: "return self.check(hub, CHECK_FLOOR, from, floor);",
            to: "let _ = (CHECK_FLOOR, from);\n            self.raise_floor(floor);",
        }],
        tests: &["a_forged_floor_is_not_passed_on_with_a_record"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "rows of a list that come from others are checked",
        places: &[Place {
            file: "node/list.rs",
            from: "*from != own && !self.sound.contains",
            to: "*from == own && !self.sound.contains",
        }],
        tests: &["a_forged_tombstone_hides_no_file"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "a client takes no record that its owner did not sign",
        places: &[Place {
            file: "client/lookup.rs",
            from: "if asked && verify_record(cx.env.suite, &cx.env.network, record, floor).is_ok() {",
            to: "if asked {",
        }],
        tests: &["a_record_that_nobody_signed_is_a_fault"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "a member is gone when nobody hears it, not when one does not",
        places: &[Place {
            file: "node/peers.rs",
            from: "peer.heard_of.map_or(peer.heard, |at| at.max(peer.heard))",
            to: "peer.heard",
        }],
        tests: &["who_can_still_be_heard_by_another_member_is_not_gone"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "a pin that nobody signed is not pulled",
        places: &[Place {
            file: "node/store/admit.rs",
            from: "if !answers.all_verified() {",
            to: "if !{ answers.all_verified(); true } {",
        }],
        tests: &["a_source_whose_pins_nobody_signed_is_at_fault"],
    },
];
