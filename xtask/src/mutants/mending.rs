//! The rules by which what rotted or was missed comes back, and by which votes are asked for again, or not waited for.

use super::{Mutation, Place};

/// Where each stands, what it becomes, who must notice.
pub(super) const MENDING: &[Mutation] = &[
    Mutation {
        group: "other rules",
        rule: "a record's row that rotted is noticed",
        places: &[Place {
            file: "node/store/rows.rs",
            from: "if value.get(CHECK)? != sound {",
            to: "if value.get(CHECK)?.is_empty() && sound.is_empty() {",
        }],
        tests: &["a_replica_whose_record_rotted_has_no_word"],
    },
    Mutation {
        group: "other rules",
        rule: "who has lost a record has no vote where it lies",
        places: &[Place {
            file: "node/placement.rs",
            from: "&& !self.store.is_in_doubt(position)\n            ",
            to: "",
        }],
        tests: &["a_replica_whose_record_rotted_has_no_word"],
    },
    Mutation {
        group: "other rules",
        rule: "nothing is kept for a name whose row rotted before the others were asked",
        places: &[Place {
            file: "node/store/record.rs",
            from: "keep.is_durable() && store.must_be_mended(&owner, &name)",
            to: "keep.is_durable() && !store.must_be_mended(&owner, &name)",
        }],
        tests: &["a_replica_whose_record_rotted_has_no_word"],
    },
    Mutation {
        group: "other rules",
        rule: "a row that rotted is mended from as many as a lost disk",
        places: &[Place {
            file: "node/mend.rs",
            from: "self.votes.len() >= self.witnesses.wanted)",
            to: "!self.votes.is_empty())",
        }],
        tests: &["a_replica_whose_record_rotted_has_no_word"],
    },
    Mutation {
        group: "other rules",
        rule: "a row of no name puts the disk in doubt",
        places: &[Place {
            file: "node/mend.rs",
            from: "Damage::Row(key) => return self.distrust_disk(key),",
            to: "Damage::Row(_) => return,",
        }],
        tests: &["a_row_that_belongs_to_no_name"],
    },
    Mutation {
        group: "other rules",
        rule: "what was looked up before a change of the view is no vote",
        places: &[Place {
            file: "node/ballot.rs",
            from: "self.vote(position).filter(|_| word == self.word())",
            to: "self.vote(position)",
        }],
        tests: &["what_was_looked_up_before_a_change"],
    },
    Mutation {
        group: "other rules",
        rule: "a member that keeps a copy nowhere does not count",
        places: &[Place {
            file: "node/entry.rs",
            from: "Ok(Response::Stored { copies: 1.., .. }) => {",
            to: "Ok(Response::Stored { .. }) => {",
        }],
        tests: &["a_copy_that_a_member_says_to_have_nowhere"],
    },
    Mutation {
        group: "other rules",
        rule: "what a client has is asked again while views differ",
        places: &[Place {
            file: "node/have.rs",
            from: "&& self.round < MOST_ROUNDS",
            to: "&& self.round > MOST_ROUNDS",
        }],
        tests: &["a_have_counts_in_full_once_the_views_agree"],
    },
    Mutation {
        group: "other rules",
        rule: "a read does not wait for who is Syncing",
        places: &[Place {
            file: "node/ballot.rs",
            from: "self.told(node).is_none_or(|told| !told.syncing) ||",
            to: "true ||",
        }],
        tests: &["a_read_does_not_wait_for_votes_that_will_not_come"],
    },
    Mutation {
        group: "other rules",
        rule: "a floor lies on every member and is no stray",
        places: &[Place {
            file: "node/store/status.rs",
            from: "} else if name != keys::FLOOR_NAME {",
            to: "} else {",
        }],
        tests: &["a_floor_lies_on_every_member"],
    },
    Mutation {
        group: "other rules",
        rule: "what was told of the free space is asked again for records, too",
        places: &[Place {
            file: "node/store/record.rs",
            from: "if parts_len(&record) > 0 { store.ask_space() } else { None }",
            to: "None",
        }],
        tests: &["below_the_disks_floor_nothing_is_taken"],
    },
    Mutation {
        group: "ignore a quota",
        rule: "a blob takes room before it is on the disk",
        places: &[
            Place {
                file: "node/store/blob.rs",
                from: "self.charge(&new, len);\n        self.attempt",
                to: "self.attempt",
            },
            Place {
                file: "node/store/blob.rs",
                from: "Ok(_) => store.reply(op, stored),\n            Err(error) => {\n                store.discharge(&new, len);",
                to: "Ok(_) => {\n                store.charge(&new, len);\n                store.reply(op, stored)\n            }\n            Err(error) => {",
            },
        ],
        tests: &["blobs_that_come_at_once_share"],
    },
    Mutation {
        group: "other rules",
        rule: "a blob that the disk refused takes no room",
        places: &[Place { file: "node/store/blob.rs", from: "store.discharge(&new, len);", to: "" }],
        tests: &["blobs_that_come_at_once_share"],
    },
    Mutation {
        group: "other rules",
        rule: "a leave needs so many others that they can acknowledge",
        // A node that nobody has heard of waits for that, too.
        places: &[
            Place { file: "node/leave.rs", from: "self.others_suffice() && ", to: "" },
            Place {
                file: "node/leave.rs",
                from: "self.standing.leave = Some(Leave::Told);",
                to: "self.standing.leave = Some(Leave::Done { until: self.now.mono + LAST_WORD });",
            },
        ],
        tests: &["who_reaches_nobody_does_not_leave"],
    },
    Mutation {
        group: "other rules",
        rule: "who has signed that it has left takes nothing any more",
        places: &[Place {
            file: "node/serve.rs",
            from: "if self.hub.has_said_farewell() =>",
            to: "if self.hub.has_said_farewell() && self.is_stopping() =>",
        }],
        tests: &["who_has_signed_that_it_has_left"],
    },
    Mutation {
        group: "other rules",
        rule: "of members that are out, only those are believed who are nearer to them",
        places: &[Place {
            file: "node/placement.rs",
            from: "theirs.saturating_add(hearsay) <= own",
            to: "theirs.saturating_add(hearsay) <= own.max(theirs.saturating_add(hearsay))",
        }],
        tests: &["members_that_disagree_who_leaves"],
    },
    Mutation {
        group: "other rules",
        rule: "where placements were left out, everything is taken over from every member",
        places: &[Place { file: "node/syncing.rs", from: "roll.everyone()", to: "Vec::new()" }],
        tests: &["who_has_left_out_a_placement"],
    },
    Mutation {
        group: "other rules",
        rule: "a stub takes no whole record's place",
        places: &[Place {
            file: "node/store/record.rs",
            from: "if whole && record.is_stub() && !is_spent",
            to: "if whole && !whole && record.is_stub() && !is_spent",
        }],
        tests: &["a_stub_takes_the_place_of_no_record"],
    },
];
