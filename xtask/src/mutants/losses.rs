//! The faults that anybody would think of first by which data is lost, comes back or is believed to be kept.

use super::{Mutation, Place};

/// Each with its kind as its group.
pub(super) const LOSSES: &[Mutation] = &[
    Mutation {
        group: "acknowledge before commit",
        rule: "a record is on disk before it is acknowledged",
        places: &[Place {
            file: "node/store/record.rs",
            from: "self.gather(op, vec![Effect::apply(changes)], move |store, _| {",
            to: "drop(changes);\n        self.gather(op, vec![], move |store, _| {",
        }],
        tests: &["crash_points::a_crash_at_any_point"],
    },
    Mutation {
        group: "acknowledge before commit",
        rule: "a blob is on disk before it is acknowledged",
        places: &[Place {
            file: "node/store/blob.rs",
            from: "self.attempt(effect.into_iter().collect(), move |store, result| match result {\n            Ok(_) => store.reply(op, stored),",
            to: "drop(effect);\n        self.attempt(vec![], move |store, result| match result {\n            Ok(_) => store.reply(op, stored),",
        }],
        tests: &["crash_points::a_crash_at_any_point"],
    },
    Mutation {
        group: "acknowledge before commit",
        rule: "a yes of `Have` is a pin on disk",
        places: &[Place {
            file: "node/store/blob.rs",
            from: "let effect = (!changes.is_empty()).then(|| Effect::apply(changes));\n        self.gather(op, effect.into_iter().collect(), move |store, _| store.have_step(op, pass));",
            to: "drop(changes);\n        self.gather(op, vec![], move |store, _| store.have_step(op, pass));",
        }],
        tests: &["a_yes_of_have_is_a_pin_that_survives_a_crash"],
    },
    Mutation {
        group: "acknowledge before commit",
        rule: "a client is answered when W copies are durable, not before",
        places: &[Place {
            file: "node/tally.rs",
            from: "self.copies(hub) >= self.wanted",
            to: "self.copies(hub) >= self.wanted.min(1)",
        }],
        tests: &["votes::"],
    },
    Mutation {
        group: "acknowledge before commit",
        rule: "a promise is on disk before it is given",
        places: &[Place {
            file: "node/store/check.rs",
            from: "let apply = (!changes.is_empty()).then(|| Effect::apply(changes));",
            to: "let apply = (changes.len() > limit::CHECK_PINS).then(|| Effect::apply(changes));",
        }],
        tests: &["promises::"],
    },
    Mutation {
        group: "acknowledge before commit",
        rule: "a ban is on disk before it is acknowledged",
        places: &[Place {
            file: "node/held.rs",
            from: "self.standing.rests_on.max(self.saved_membership)",
            to: "0",
        }],
        tests: &["a_ban_is_acknowledged_when"],
    },
    Mutation {
        group: "skip the hash check",
        rule: "a blob that is put has the hash of its pin",
        places: &[Place {
            file: "node/store/blob.rs",
            from: "if !answers.hash_is(&id) || !answers.all_verified() {",
            to: "if !{ answers.hash_is(&id); true } || !answers.all_verified() {",
        }],
        tests: &["a_blob_whose_hash_length_or_signature_is_wrong"],
    },
    Mutation {
        group: "skip the hash check",
        rule: "a blob that is read has the hash of its name",
        places: &[Place {
            file: "node/store/blob.rs",
            from: "let sound = answers.hash_is(&id);",
            to: "let sound = answers.hash_is(&id) || true;",
        }],
        tests: &["a_damaged_copy_is_never_answered"],
    },
    Mutation {
        group: "skip the hash check",
        rule: "a blob from a peer is checked before it is passed on",
        places: &[Place { file: "node/read.rs", from: "Ok(_) => {", to: "Ok(_) | Err(_) => {" }],
        tests: &["bytes_that_are_not_those_of_the_id"],
    },
    Mutation {
        group: "other rules",
        rule: "what was not checked is no fault of who sent it",
        places: &[Place {
            file: "node/read.rs",
            from: "Err(failure) => self.failed(failure.code()),",
            to: "Err(failure) => {\n                self.failed(failure.code());\n                hub.distrust(&source);\n            }",
        }],
        tests: &["what_this_node_could_not_check"],
    },
    Mutation {
        group: "skip the hash check",
        rule: "a blob from a peer is checked before it is kept",
        places: &[Place {
            file: "node/store/blob.rs",
            from: "if !answers.hash_is(&id) {\n                    return store.refuse(op, ErrorCode::Invalid);\n                }\n                let is_pinned",
            to: "if { answers.hash_is(&id); false } {\n                    return store.refuse(op, ErrorCode::Invalid);\n                }\n                let is_pinned",
        }],
        tests: &["a_blob_fetched_from_a_peer"],
    },
    Mutation {
        group: "skip the hash check",
        rule: "a client opens no bytes but those of the id",
        places: &[Place {
            file: "crypto/seal.rs",
            from: "if suite.blob_id(&blob) != *id {",
            to: "if suite.blob_id(&blob) != *id && blob.is_empty() {",
        }],
        tests: &["a_wrong_blob_is_asked_for_again_on_another_link"],
    },
    Mutation {
        group: "accept a lower version",
        rule: "a record is replaced only by one of higher order",
        places: &[Place {
            file: "node/store/record.rs",
            from: "Ordering::Less => return Err(Refusal::stale(held)),",
            to: "Ordering::Less => {}",
        }],
        tests: &["a_record_is_replaced_only_by_one_of_higher_order", "script::a_tombstone_arrives"],
    },
    Mutation {
        group: "accept a lower version",
        rule: "a vault takes no record older than one that it has seen",
        places: &[Place {
            file: "client/lookup.rs",
            from: "if self.record.is_some() && version < seen && version > self.floor {",
            to: "if self.record.is_some() && version < seen && version > self.floor && seen.ms() == 0 {",
        }],
        tests: &["an_older_record_than_was_seen_is_not_accepted"],
    },
    Mutation {
        group: "accept a lower version",
        rule: "what was seen is never written lower",
        places: &[Place {
            file: "client/seen.rs",
            from: "row.highest = row.highest.max(*version);",
            to: "row.highest = *version;",
        }],
        tests: &["what_rises_during_a_write_is_not_lowered"],
    },
    Mutation {
        group: "accept a lower version",
        rule: "of two words about a member the higher serial wins",
        places: &[Place {
            file: "record/membership.rs",
            from: "known.rank() >= word.rank()",
            to: "known.rank() == word.rank()",
        }],
        tests: &["the_higher_serial_wins"],
    },
    Mutation {
        group: "accept a lower version",
        rule: "a newer record that comes while an older one is checked is told",
        places: &[Place {
            file: "node/lookup.rs",
            from: "checked.for_each(|(from, _)| *from = hub.own);",
            to: "drop(checked); return self.answer(hub, Some(record));",
        }],
        tests: &["a_newer_record_that_comes_while_an_older_one_is_checked"],
    },
    Mutation {
        group: "accept a lower version",
        rule: "a record that comes while the quarantine is looked through is told",
        places: &[Place {
            file: "node/lookup.rs",
            from: "Stage::InQuarantine if !self.found.is_empty() => return self.conclude(hub),",
            to: "",
        }],
        tests: &["what_comes_while_the_quarantine_is_looked_through"],
    },
    Mutation {
        group: "accept a lower version",
        rule: "the newest of the answers is given",
        places: &[Place {
            file: "node/lookup.rs",
            from: ".max_by_key(|(from, record)| (record.order(), record.is_complete(), hub.is_own(from)))",
            to: ".min_by_key(|(from, record)| (record.order(), record.is_complete(), hub.is_own(from)))",
        }],
        tests: &["a_read_with_one_replica_that_is_behind"],
    },
    Mutation {
        group: "let a lower version kill a pin",
        rule: "only a record at or above a pin's `since` kills it",
        places: &[Place {
            file: "node/store/rows.rs",
            from: "} else if header.version >= since {",
            to: "} else if header.version <= since || header.version >= since {",
        }],
        tests: &["a_new_version_removes_the_old_ones_pins_and_no_others"],
    },
    Mutation {
        group: "let a lower version kill a pin",
        rule: "a floor kills only what is not above it",
        places: &[Place {
            file: "node/store/rows.rs",
            from: "is_some_and(|floor| version <= floor.version)",
            to: "is_some_and(|floor| version <= floor.version || version > floor.version)",
        }],
        tests: &["a_floor_removes_all_records_and_pins_not_above_it"],
    },
    Mutation {
        group: "let a lower version kill a pin",
        rule: "what a record lists lives although the record is not newer than the pin",
        places: &[Place {
            file: "node/store/rows.rs",
            from: "    if !row.expired && header.live",
            to: "    if row.expired && header.live",
        }],
        tests: &["a_record_confirms_the_pins_that_it_lists"],
    },
    Mutation {
        group: "re-sign without a new `Have`",
        rule: "a store that was overtaken pins everything anew",
        places: &[Place {
            file: "client/store.rs",
            from: "let Some(Content::Tree { root, .. }) = &self.content else {",
            to: "let Some(Content::Tree { root, .. }) = self.content.as_ref().filter(|_| false) else {",
        }],
        tests: &["a_store_that_another_device_overtook", "script::a_store_is_overtaken"],
    },
    Mutation {
        group: "re-sign without a new `Have`",
        rule: "pins that were refused half-way are all made anew",
        places: &[Place {
            file: "client/store.rs",
            from: "        self.pass_is_mixed = true;\n        Ok(())",
            to: "        Ok(())",
        }],
        tests: &["a_pin_below_the_floor_moves_the_whole_store"],
    },
    Mutation {
        group: "re-sign without a new `Have`",
        rule: "a record is sent while its pass is good",
        places: &[Place {
            file: "client/store.rs",
            from: "cx.ask_until(request, good_until(self.pass_began))",
            to: "cx.ask(request)",
        }],
        tests: &["a_record_that_slept_for_half_a_lease"],
    },
    Mutation {
        group: "drop a tombstone early",
        rule: "a tombstone stays for its time",
        places: &[Place {
            file: "node/store/tombstone.rs",
            from: "let is_old = age_ms >= millis(self.config.tombstone_after);",
            to: "let is_old = age_ms < u64::MAX;",
        }],
        tests: &["a_tombstone_goes_when_it_is_old"],
    },
    Mutation {
        group: "drop a tombstone early",
        rule: "a tombstone goes only when all members are clean, twice",
        places: &[Place {
            file: "node/store/tombstone.rs",
            from: "Some(row) if clean && row.settled_ms == 0 => {",
            to: "Some(row) if clean && row.settled_ms == 1 => {",
        }],
        tests: &["a_tombstone_goes_when_it_is_old"],
    },
    Mutation {
        group: "drop a tombstone early",
        rule: "the two answers are half a day apart",
        places: &[Place {
            file: "node/store/tombstone.rs",
            from: "now_ms.saturating_sub(row.settled_ms) >= apart_ms",
            to: "now_ms.saturating_sub(row.settled_ms) < u64::MAX",
        }],
        tests: &["two_restarts_do_not_bring_the_two_answers_closer"],
    },
    Mutation {
        group: "drop a tombstone early",
        rule: "dead pins keep their tombstone",
        places: &[Place {
            file: "node/store/tombstone.rs",
            from: "clean: !(dead_pins || other || doubtful)",
            to: "clean: !(other || doubtful)",
        }],
        tests: &["who_holds_an_older_record_or_pins_that_are_dead"],
    },
    Mutation {
        group: "drop a tombstone early",
        rule: "an older record, a hint too, keeps its tombstone",
        places: &[Place {
            file: "node/store/tombstone.rs",
            from: "clean: !(dead_pins || other || doubtful)",
            to: "clean: !(dead_pins || doubtful)",
        }],
        tests: &["who_holds_an_older_record_or_pins_that_are_dead"],
    },
    Mutation {
        group: "drop a tombstone early",
        rule: "a tombstone that travels keeps its age",
        places: &[Place {
            file: "node/store/record.rs",
            from: "self.aged(age_ms)",
            to: "self.aged(age_ms.min(0))",
        }],
        tests: &["a_pulled_tombstone_keeps_its_age"],
    },
    Mutation {
        group: "count a `Syncing` peer",
        rule: "who lacks something at a position has no vote there",
        places: &[Place { file: "node/placement.rs", from: "&& !self.is_syncing_at(position);", to: ";" }],
        tests: &["a_new_disk_under_an_old_name_counts_for_nothing"],
    },
    Mutation {
        group: "count a `Syncing` peer",
        rule: "a member that was out is Syncing until it has taken over",
        places: &[
            Place {
                file: "node/syncing.rs",
                from: "let syncing = !history.is_empty() && history.borders(&self.view).iter().any(lacking);",
                to: "let syncing = history.is_empty() && history.borders(&self.view).iter().any(lacking);",
            },
            Place { file: "node/placement.rs", from: "&& !self.is_syncing_at(position);", to: ";" },
        ],
        tests: &["a_member_that_was_out_counts_again_only_when"],
    },
    Mutation {
        group: "count a `Syncing` peer",
        rule: "a joining node counts only when it knows the members, and is asked nothing before",
        places: &[
            Place {
                file: "node/syncing.rs",
                from: "!self.members.joined || self.standing.history.lacks",
                to: "self.standing.history.lacks",
            },
            Place {
                file: "node/mod.rs",
                from: "while self.hub.members.joined\n                && ",
                to: "while ",
            },
        ],
        tests: &["race_14_"],
    },
    Mutation {
        group: "count a `Syncing` peer",
        rule: "a disk that was lost counts for nothing of what was on it",
        places: &[
            Place { file: "node/syncing.rs", from: "past.same_disk = false;", to: "past.same_disk = true;" },
            Place {
                file: "node/syncing.rs",
                from: "let same_disk = told.epoch > self.disk_epoch;",
                to: "let same_disk = told.epoch > 0;",
            },
        ],
        tests: &["race_11_a_new_disk"],
    },
];
