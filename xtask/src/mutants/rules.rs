//! What else is a rule: where it stands, what it becomes, who must notice.

use super::{Mutation, Place};

/// What else is a rule.
pub(super) const RULES: &[Mutation] = &[
    Mutation {
        group: "other rules",
        rule: "a vote for another set does not count",
        places: &[Place {
            file: "node/ballot.rs",
            from: "let agreed = vote.filter(|vote| ballot.agrees(&self.view, suite, response, vote));",
            to: "let agreed = vote;",
        }],
        tests: &["a_vote_for_another_set_does_not_count"],
    },
    Mutation {
        group: "other rules",
        rule: "that a file was deleted or has expired only a quorum says",
        places: &[Place {
            file: "client/get.rs",
            from: "self.options.fresh || found.living(cx.now.unix_ms).is_none()",
            to: "self.options.fresh || found.record.is_none()",
        }],
        tests: &["that_a_file_was_deleted_or_has_expired_only_a_quorum"],
    },
    Mutation {
        group: "other rules",
        rule: "the room for what a store has asked for is kept",
        places: &[Place {
            file: "vault/upload.rs",
            from: "self.want().max(self.promised)",
            to: "self.want()",
        }],
        tests: &["what_was_promised_is_taken_whatever_is_sealed"],
    },
    Mutation {
        group: "other rules",
        rule: "views are compared with whoever votes otherwise",
        places: &[Place {
            file: "node/ballot.rs",
            from: "if expected != agreed && !refused {",
            to: "if expected != agreed && refused {",
        }],
        tests: &["a_copy_on_a_member_without_a_vote_does_not_count_and_its_view_is_compared"],
    },
    Mutation {
        group: "other rules",
        rule: "an entry node that is no replica keeps a hint of a degraded write",
        places: &[Place {
            file: "node/entry.rs",
            from: "self.origin, Keep::Hint, self.request",
            to: "self.origin, Keep::Nothing, self.request",
        }],
        tests: &["an_entry_node_that_is_no_replica_keeps"],
    },
    Mutation {
        group: "other rules",
        rule: "a write is tried again while only votes are missing",
        places: &[Place {
            file: "node/entry.rs",
            from: "again < self.deadline && self.tally.may_agree(hub)",
            to: "again > self.deadline && self.tally.may_agree(hub)",
        }],
        tests: &["a_write_counts_in_full_once_the_views_agree"],
    },
    Mutation {
        group: "other rules",
        rule: "nobody waits for a dial to a member that was silent for long",
        places: &[Place { file: "node/calls.rs", from: " && !self.peers.is_silent(self.now, &to)", to: "" }],
        tests: &["a_minority_answers_at_once"],
    },
    Mutation {
        group: "other rules",
        rule: "who has only just started waits for its first dials",
        places: &[Place {
            file: "node/peers.rs",
            from: "peer.dial.is_some()) || self.is_untried(node)",
            to: "peer.dial.is_some()) && !self.is_untried(node)",
        }],
        tests: &["a_node_that_has_just_started"],
    },
    Mutation {
        group: "other rules",
        rule: "a floor needs W of every shard's replicas",
        places: &[Place {
            file: "node/tally.rs",
            from: "self.sets.iter().map(count).min()",
            to: "self.sets.iter().map(count).max()",
        }],
        tests: &["a_floor_needs_a_majority_of_every_shard"],
    },
    Mutation {
        group: "other rules",
        rule: "a read repairs replicas that are behind",
        places: &[Place {
            file: "node/lookup.rs",
            from: "if is_behind && record.is_complete()",
            to: "if !is_behind && record.is_complete()",
        }],
        tests: &["a_replica_that_misses_a_record_gets_it_from_a_read"],
    },
    Mutation {
        group: "other rules",
        rule: "answers about an earlier part of a list are ignored",
        places: &[Place {
            file: "node/list.rs",
            from: "if answer.slot != self.asked {",
            to: "if answer.slot > self.asked {",
        }],
        tests: &["late_answers_about_an_earlier_part_of_a_list"],
    },
    Mutation {
        group: "other rules",
        rule: "only answers with a vote make a read certain",
        places: &[Place {
            file: "node/lookup.rs",
            from: "if answer.vote.is_some() {",
            to: "if answer.slot == ASK {",
        }],
        tests: &["an_answer_without_a_vote_makes_no_read_certain"],
    },
    Mutation {
        group: "other rules",
        rule: "that nothing is there only a quorum can say",
        places: &[Place {
            file: "client/get.rs",
            from: "(self.options.fresh || found.living(cx.now.unix_ms).is_none())",
            to: "self.options.fresh",
        }],
        tests: &["that_a_file_is_not_there_only_a_quorum_can_say"],
    },
    Mutation {
        group: "other rules",
        rule: "a delete without a quorum deletes what others may have",
        places: &[Place {
            file: "client/delete.rs",
            from: "if fresh && found.living",
            to: "if found.living",
        }],
        tests: &["that_a_file_is_not_there_only_a_quorum_can_say"],
    },
    Mutation {
        group: "other rules",
        rule: "a silent entry node is asked whether it lives",
        places: &[Place {
            file: "client/running/patience.rs",
            from: "Some(ping) => self.link.send(&ping),",
            to: "Some(_) => {}",
        }],
        tests: &["a_silent_entry_node_is_asked_whether_it_lives"],
    },
    Mutation {
        group: "other rules",
        rule: "a page that goes on has brought something",
        places: &[Place {
            file: "node/pull.rs",
            from: "!rows.is_empty() && last.is_some_and(|last| last <= next)",
            to: "last.is_none_or(|last| last <= next)",
        }],
        tests: &["a_source_whose_pages_never_end_is_at_fault"],
    },
    Mutation {
        group: "other rules",
        rule: "rows of a page rise",
        places: &[Place {
            file: "node/pull.rs",
            from: "last.is_some_and(|last| last >= *row)",
            to: "last.is_some_and(|last| last > *row)",
        }],
        tests: &["a_source_whose_rows_are_out_of_order_is_at_fault"],
    },
    Mutation {
        group: "other rules",
        rule: "who places the members otherwise pulls nothing",
        places: &[Place {
            file: "node/serve.rs",
            from: "*placement != self.hub.placement_digest()",
            to: "*placement == [0; 32]",
        }],
        tests: &["who_places_the_members_otherwise_is_told_nothing"],
    },
    Mutation {
        group: "other rules",
        rule: "what was dropped by hand is left alone for a while",
        places: &[Place {
            file: "node/store/missing.rs",
            from: "< millis(self.config.evicted_for)",
            to: "< millis(self.config.evicted_for).min(0)",
        }],
        tests: &["what_was_evicted_is_left_alone_for_an_hour"],
    },
    Mutation {
        group: "other rules",
        rule: "a dead pin is answered with the record that killed it",
        places: &[Place {
            file: "node/store/admit.rs",
            from: "admission.add(*killer);",
            to: "drop(killer);",
        }],
        tests: &["a_pulled_pin_that_is_dead_here_is_answered_with_what_killed_it"],
    },
    Mutation {
        group: "other rules",
        rule: "a stub that has come to belong here is kept for itself",
        places: &[Place {
            file: "node/store/dead.rs",
            from: "proof.row.proof_only && !any_pins && !self.is_replica_of_record(&proof.owner, &proof.name)",
            to: "proof.row.proof_only && !any_pins",
        }],
        tests: &["a_stub_that_came_to_belong_here_stays_when_its_last_pin_goes"],
    },
    Mutation {
        group: "other rules",
        rule: "a link goes only when the one in its place is open on both sides",
        places: &[Place {
            file: "node/links.rs",
            from: ".map(|by| by.proved && by.peer().is_some())",
            to: ".map(|_| true)",
        }],
        tests: &["between_two_nodes_one_link_stays"],
    },
    Mutation {
        group: "other rules",
        rule: "no member is pulled from more often than it is meant to",
        places: &[Place {
            file: "node/repair.rs",
            from: "now.max(begun + not_before)",
            to: "now.max(begun)",
        }],
        tests: &["nothing_is_pulled_again_and_again_because_a_link_comes_and_goes"],
    },
    Mutation {
        group: "other rules",
        rule: "a lease ends only when every replica has promised",
        places: &[Place {
            file: "node/check.rs",
            from: "filter(|(_, count)| **count == self.judges.len())",
            to: "filter(|(_, count)| **count > 0 || self.judges.is_empty())",
        }],
        tests: &["an_upload_that_was_given_up_is_forgotten_only_when_every_replica_has_promised"],
    },
    Mutation {
        group: "other rules",
        rule: "a record that was not checked in time makes nothing else certain",
        places: &[
            Place {
                file: "node/lookup.rs",
                from: "self.votes.clear();\n                let own = self.found.iter()",
                to: "let own = self.found.iter()",
            },
            Place {
                file: "node/lookup.rs",
                from: ".cloned();\n                self.reply(hub, newest, false)",
                to: ".cloned();\n                let fresh = self.votes.len() >= self.wanted;\n                self.reply(hub, newest, fresh)",
            },
        ],
        tests: &["a_read_whose_own_disk_stalls"],
    },
    Mutation {
        group: "other rules",
        rule: "promises are asked for only when nobody knows of anything",
        places: &[Place {
            file: "node/check.rs",
            from: "let nobody_knows = self.unknown_to_all(OVER);",
            to: "let nobody_knows = self.asked[OVER as usize].clone();",
        }],
        tests: &["a_replica_that_was_alone_for_longer_than_a_lease"],
    },
    Mutation {
        group: "other rules",
        rule: "the lease of a pin keeps its age",
        places: &[
            Place { file: "node/store/state.rs", from: "base_ms: BEGINNING_MS,", to: "base_ms: 0," },
            Place { file: "node/store/state.rs", from: ".unwrap_or(BEGINNING_MS)", to: ".unwrap_or(0)" },
        ],
        tests: &["a_pending_pin_keeps_the_age_of_its_lease_when_it_comes_to_a_new_disk"],
    },
    Mutation {
        group: "other rules",
        rule: "a blob lingers from its last unpinning",
        places: &[Place {
            file: "node/store/linger.rs",
            from: "last.is_none_or(|last| last <= now_ms)",
            to: "last.is_none_or(|last| last > 0)",
        }],
        tests: &["a_blob_that_loses_its_last_pin_twice_lingers_from_the_second_time"],
    },
    Mutation {
        group: "other rules",
        rule: "what a member missed it asks for, and is told, when it is back",
        places: &[
            Place {
                file: "node/check.rs",
                from: "PinState::Dead(record) => self.take(hub, record),",
                to: "PinState::Dead(_) => {}",
            },
            Place {
                file: "node/pull.rs",
                from: "for record in kept.killers {",
                to: "for record in kept.killers.into_iter().filter(|_| false) {",
            },
        ],
        tests: &["a_holder_that_missed_a_delete_asks_for_it_when_it_is_back"],
    },
    Mutation {
        group: "other rules",
        rule: "a record that came meanwhile keeps its pins from lapsing, as what it confirmed and as what it lists",
        places: &[
            Place {
                file: "node/store/lapse.rs",
                from: "filter(|_| is_open)",
                to: "filter(|_| is_open == is_open)",
            },
            Place {
                file: "node/store/lapse.rs",
                from: "row.is_some_and(|row| row.status == PinStatus::Pending && row.since",
                to: "row.is_some_and(|row| row.since",
            },
        ],
        tests: &["a_record_that_comes_while_a_lease_is_being_ended_keeps_its_pins"],
    },
    Mutation {
        group: "other rules",
        rule: "a quarantine goes on after a crash",
        places: &[Place {
            file: "node/store/state.rs",
            from: "            if quarantine {",
            to: "            if !quarantine {",
        }],
        tests: &["a_crash_in_the_middle_does_not_end_a_quarantine_half_way"],
    },
    Mutation {
        group: "other rules",
        rule: "strays are dropped only when all members of their set can be reached and have confirmed",
        places: &[
            Place {
                file: "node/strays.rs",
                from: "self.members.iter().all(|(node, epoch, confirmed)| *confirmed && *epoch == hub.epoch(node))",
                to: "self.members.iter().any(|(node, epoch, confirmed)| *confirmed && *epoch == hub.epoch(node))",
            },
            Place {
                file: "node/hand_on.rs",
                from: "if self.failed {",
                to: "if self.failed && self.open > 0 {",
            },
            Place {
                file: "node/strays.rs",
                from: "!hub.is_own(node) && hub.is_responsive(node)",
                to: "!hub.is_own(node)",
            },
        ],
        tests: &["strays_go_only_when_every_member_of_the_set_has_confirmed"],
    },
    Mutation {
        group: "other rules",
        rule: "who was silent for long is caught up with, though the link stood",
        places: &[Place {
            file: "node/peers.rs",
            from: "was_silent && peer.link.is_some()",
            to: "was_silent && peer.link.is_none()",
        }],
        tests: &["who_was_silent_for_long_is_caught_up_with_though_the_link_stood"],
    },
    Mutation {
        group: "other rules",
        rule: "a pull that begins anew from its beginning has missed nothing",
        places: &[Place {
            file: "node/pull.rs",
            from: "resume.is_some_and(|resume| resume != beginning)",
            to: "resume.is_some()",
        }],
        tests: &["a_network_says_soon_that_it_is_in_sync"],
    },
    Mutation {
        group: "other rules",
        rule: "who has just started waits for so many that they may know more than the rest",
        places: &[Place {
            file: "node/repair.rs",
            from: "!few || self.peers.is_untried(node)",
            to: "few && self.peers.is_untried(node)",
        }],
        tests: &["who_starts_again_waits_for_one_that_is_dead"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "nodes that never were are not waited for",
        places: &[Place {
            file: "node/placement.rs",
            from: "&& past.members.iter().all(|member| known(&member.node))",
            to: "&& past.members.iter().all(|member| known(&member.node) || true)",
        }],
        tests: &["members_that_never_were_are_not_waited_for"],
    },
    Mutation {
        group: "trust hearsay",
        rule: "one word of a member raises the epoch by so much at most",
        places: &[Place {
            file: "node/placement.rs",
            from: "self.epoch.max(highest.min(self.epoch.saturating_add(EPOCH_STEP)))",
            to: "self.epoch.max(highest)",
        }],
        tests: &["numbers_at_the_end_of_their_range_stop_nobody"],
    },
    Mutation {
        group: "forget a deadline",
        rule: "who lets nothing be taken over counts as one that is away",
        places: &[Place {
            file: "node/repair.rs",
            from: "fruitless.is_none_or(|since| self.now.mono.since(since) < patience)",
            to: "fruitless.is_none_or(|since| since <= self.now.mono || self.now.mono.since(since) < patience)",
        }],
        tests: &["who_is_there_and_lets_nothing_be_taken_over"],
    },
    Mutation {
        group: "other rules",
        rule: "proofs and views wait for room on their link",
        places: &[Place {
            file: "node/serve.rs",
            from: "| Request::Prove { .. } => self.admit_read(caller, request),",
            to: "| Request::Prove { .. } => self.read(caller, request),",
        }],
        tests: &["one_link_has_proofs_made_of_a_window_at_a_time"],
    },
    Mutation {
        group: "forget a deadline",
        rule: "who reads nothing loses the link",
        places: &[Place {
            file: "node/links.rs",
            from: "link.stuck.is_some_and(|at| now.mono >= at + self.config.bulk_deadline)",
            to: "link.stuck.is_some_and(|at| now.mono < at)",
        }],
        tests: &["who_reads_nothing_of_what_was_asked_for_loses_the_link"],
    },
    Mutation {
        group: "forget a deadline",
        rule: "who has left goes when another one shows that it knows",
        places: &[Place {
            file: "node/gossip.rs",
            from: "is_some_and(|own| page.removals.contains(own))",
            to: "is_some_and(|own| !page.removals.contains(own) && page.removals.contains(own))",
        }],
        tests: &["who_never_hears_an_answer_to_its_farewell"],
    },
    Mutation {
        group: "other rules",
        rule: "what begins while the entry node restarts waits for it",
        places: &[Place {
            file: "client/running/mod.rs",
            from: "|| self.was_there_just_now(now)",
            to: "|| (self.lost_at.is_none() && self.was_there_just_now(now))",
        }],
        tests: &["what_begins_while_the_node_restarts_waits_for_it"],
    },
    Mutation {
        group: "other rules",
        rule: "a replica that holds the proof of an expired file only takes it over as a record",
        places: &[Place {
            file: "node/store/record.rs",
            from: "!whole || (!held.proof_only && (held.expired",
            to: "!whole || ((held.expired || !held.proof_only) && (held.expired",
        }],
        tests: &["an_expired_record_of_which_the_proof_is_held"],
    },
];
