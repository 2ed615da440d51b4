//! The rules that the traces of the race scripts name. Where several rules guard against one trace, they are out together.

use super::{Mutation, Place};

const A_PIN_CHANGES: Place = Place {
    file: "node/store/known.rs",
    from: "if known.own(pin).is_some() {",
    to: "if known.own(pin).is_some_and(|own| own.since == body.since) {",
};

const A_PINS_AGE_COUNTS: Place = Place {
    file: "node/store/rows.rs",
    from: "if !row.expired && header.live",
    to: "if header.version >= since && !row.expired && header.live",
};

/// By the number of the trace.
pub(super) const RACES: &[Mutation] = &[
    Mutation {
        group: "race 1",
        rule: "a lease ends only when every replica has promised",
        places: &[Place {
            file: "node/check.rs",
            from: "filter(|(_, count)| **count == self.judges.len())",
            to: "filter(|(_, count)| **count * 2 > self.judges.len())",
        }],
        tests: &["race_1_a_pin_does_not_lapse", "script::race_1_a_lease_ends_while"],
    },
    Mutation {
        group: "race 1",
        rule: "who is out of the placement has a word in the end of a lease",
        places: &[Place {
            file: "node/check.rs",
            from: "let mut judges = hub.members.view(|_| false).replicas(&position);",
            to: "let mut judges = replicas.clone();",
        }],
        tests: &["race_1_a_pin_does_not_lapse"],
    },
    Mutation {
        group: "race 2a",
        rule: "what was signed half a lease ago is refused, and so is what was promised away",
        places: &[
            Place {
                file: "node/store/record.rs",
                from: "if is_past { Err(ErrorCode::Past) } else { Ok(()) }",
                to: "Ok(())",
            },
            Place {
                file: "node/store/record.rs",
                from: "known.is_promised(&header.owner, &header.name, &live.object)",
                to: "live.bytes == u64::MAX",
            },
        ],
        tests: &[
            "race_2_a_record_signed_half_a_lease_ago",
            "script::race_2_a_client_that_slept_sends_a_record",
        ],
    },
    Mutation {
        group: "race 2a",
        rule: "a promised object is refused in every record",
        places: &[Place {
            file: "node/store/record.rs",
            from: "known.is_promised(&header.owner, &header.name, &live.object)",
            to: "live.bytes == u64::MAX",
        }],
        tests: &["race_2_a_lapse_is_a_promise"],
    },
    Mutation {
        group: "race 2b",
        rule: "what was signed half a lease ago is refused by the entry node",
        places: &[Place {
            file: "node/store/record.rs",
            from: "if is_past { Err(ErrorCode::Past) } else { Ok(()) }",
            to: "Ok(())",
        }],
        tests: &[
            "race_2_a_retry_after_the_tombstone_was_dropped",
            "script::race_2_a_client_that_slept_sends_what",
        ],
    },
    Mutation {
        group: "race 3",
        rule: "a pin is never changed, and what a record lists is wanted whatever the pin's age",
        places: &[A_PIN_CHANGES, A_PINS_AGE_COUNTS],
        tests: &["race_3_a_second_pass"],
    },
    Mutation {
        group: "race 3",
        rule: "each pass has an object id of its own, and a pin is never changed",
        places: &[
            Place {
                file: "crypto/keys.rs",
                from: "self.suite.hmac(self.read.object_id.expose(), &[name.as_bytes(), since])",
                to: "self.suite.hmac(self.read.object_id.expose(), &[name.as_bytes()])",
            },
            A_PIN_CHANGES,
            A_PINS_AGE_COUNTS,
        ],
        tests: &["script::race_3_"],
    },
    Mutation {
        group: "race 4",
        rule: "the record carries the version that its pins were signed under",
        places: &[Place {
            file: "client/store.rs",
            from: "since: self.placer.reservation().since,\n            parent",
            to: "since: cx.next_version(&self.name, self.placer.reservation().since, cx.now.unix_ms)?,\n            parent",
        }],
        tests: &["race_4_a_record_carries_exactly", "script::race_4_"],
    },
    Mutation {
        group: "race 5",
        rule: "the age of a lease travels with its pin",
        places: &[Place {
            file: "node/store/known.rs",
            from: "let lease_ms = self.aged(lease_age_ms);",
            to: "let lease_ms = self.aged(lease_age_ms.min(0));",
        }],
        tests: &["race_5_the_age_of_a_lease", "script::race_5_"],
    },
    Mutation {
        group: "race 6",
        rule: "a proof kills only when it is durable on W of the record's replicas",
        places: &[Place {
            file: "node/store/mod.rs",
            from: "self.offer_settled(offer, copies >= wanted);",
            to: "self.offer_settled(offer, copies >= wanted.min(1));",
        }],
        tests: &["race_6_a_proof_on_one_disk", "script::race_6_"],
    },
    Mutation {
        group: "race 7",
        rule: "only who was removed comes back as new",
        places: &[Place {
            file: "node/placement.rs",
            from: "if let Some(placement) = noted.clone() {",
            to: "if let Some(placement) = noted.clone() {\n            self.store.quarantine_all(self.now);",
        }],
        tests: &["race_7_what_was_acknowledged", "script::race_7_"],
    },
    Mutation {
        group: "race 8",
        rule: "a tombstone goes only when every member has said that nothing older is left",
        places: &[Place {
            file: "node/forget.rs",
            from: "let members: alloc::vec::Vec<_> = hub.members.ids().collect();",
            to: "let members: alloc::vec::Vec<_> =\n            hub.members.ids().filter(|node| hub.is_own(node) || hub.is_responsive(node)).collect();",
        }],
        tests: &["race_8_a_hint_does_not_outlive", "script::race_8_"],
    },
    Mutation {
        group: "race 9",
        rule: "a tombstone goes only when every member has said so on its present disk",
        places: &[Place {
            file: "node/forget.rs",
            from: "let members: alloc::vec::Vec<_> = hub.members.ids().collect();",
            to: "let members: alloc::vec::Vec<_> =\n            hub.members.ids().filter(|node| hub.is_own(node) || hub.is_responsive(node)).collect();",
        }],
        tests: &["race_9_a_member_on_a_new_disk", "script::race_9_"],
    },
    Mutation {
        group: "race 9",
        rule: "who is Syncing says of no tombstone that nothing older is left",
        places: &[Place {
            file: "node/serve.rs",
            from: "Request::Forget { .. } if self.hub.is_syncing() => {",
            to: "Request::Forget { .. } if self.is_stopping() => {",
        }],
        tests: &["race_9_a_member_that_is_syncing"],
    },
    Mutation {
        group: "race 10",
        rule: "an acknowledgement is void when disk or link are others",
        places: &[Place {
            file: "node/tally.rs",
            from: "*epoch == hub.epoch(node) && covers(vote, set)",
            to: "*epoch <= hub.epoch(node) && covers(vote, set)",
        }],
        tests: &["race_10_an_acknowledgement", "script::race_10_"],
    },
    Mutation {
        group: "race 11",
        rule: "so many of the previous set are asked that a majority's word is among theirs",
        places: &[Place {
            file: "node/syncing.rs",
            from: "let wanted = (set.len() + 1).saturating_sub(usize::from(past.sets.quorum()));",
            to: "let wanted = 1;",
        }],
        tests: &["race_11_a_new_disk_that", "script::race_11_"],
    },
    Mutation {
        group: "race 11",
        rule: "who is gone counts for the majority",
        places: &[Place {
            file: "node/membership.rs",
            from: "View::new(self.suite, self.replicas(), placed, counted.len())",
            to: "View::new(self.suite, self.replicas(), placed.clone(), placed.count())",
        }],
        tests: &["a_lone_member_puts_the_others_out_and_never_comes_to_a_majority"],
    },
    Mutation {
        group: "race 12",
        rule: "same set or no vote: a replica answers for its set, a reader counts those of its own, all go by what anyone hears",
        places: &[
            Place {
                file: "node/placement.rs",
                from: "&& self.view.is_replica(&self.own, position)\n            && !self.is_syncing_at(position);",
                to: ";",
            },
            Place {
                file: "node/ballot.rs",
                from: "let agreed = vote.filter(|vote| ballot.agrees(&self.view, suite, response, vote));",
                to: "let agreed = vote;",
            },
            Place {
                file: "node/placement.rs",
                from: "None if heard.is_some_and(|(_, ms)| u128::from(*ms) < reach.as_millis()) => {",
                to: "None if heard.is_some_and(|(_, ms)| u128::from(*ms) > u128::MAX / 2) => {",
            },
        ],
        tests: &["race_12_a_member_that_does_not_know", "script::race_12_a_member_does_not"],
    },
    Mutation {
        group: "race 13",
        rule: "a reader heeds the floors that others know",
        places: &[Place {
            file: "node/lookup.rs",
            from: "Some(floor) => self.floors.push((from, floor)),",
            to: "Some(_) => {}",
        }],
        tests: &["race_13_a_reader_learns_of_a_floor", "script::race_13_a_reader"],
    },
    Mutation {
        group: "race 12",
        rule: "who was out learns of the placements without it before it counts",
        places: &[Place {
            file: "node/syncing.rs",
            from: "!is_forgotten && self.insert(past)",
            to: "is_forgotten && self.insert(past)",
        }],
        tests: &["race_12_who_comes_back_learns", "script::race_12_a_member_comes_back"],
    },
    Mutation {
        group: "race 13",
        rule: "floors are taken over from others",
        places: &[Place {
            file: "node/pull.rs",
            from: "stage: Stage::Rows(PullPart::Floors), after: None };\n        let resume",
            to: "stage: Stage::Rows(PullPart::Records), after: None };\n        let resume",
        }],
        tests: &["script::race_13_a_new_disk"],
    },
    Mutation {
        group: "race 14",
        rule: "who has not taken the membership from a member counts nothing",
        places: &[Place {
            file: "node/membership.rs",
            from: "digest, joined: founder }",
            to: "digest, joined: founder || true }",
        }],
        tests: &["race_14_a_node_that_never_reached", "script::race_14_"],
    },
    Mutation {
        group: "race 15",
        rule: "who left counts as reconciled",
        places: &[Place {
            file: "node/membership.rs",
            from: "is_some_and(|removal| !removal.banned)",
            to: "is_some_and(|removal| !removal.banned && removal.serial == u64::MAX)",
        }],
        tests: &["race_15_who_was_away_while_two", "script::race_15_one"],
    },
    Mutation {
        group: "race 15",
        rule: "a leave ends only when nobody is Syncing and nothing is left to hand on",
        places: &[Place {
            file: "node/leave.rs",
            from: "if self.others_suffice() && self.unsettled().next().is_none() && self.strays_left() == 0 {",
            to: "if self.now.mono < until {",
        }],
        tests: &["race_15_the_only_two_that_hold_something"],
    },
];
