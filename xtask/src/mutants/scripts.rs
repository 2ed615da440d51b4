//! Traces against which a user's device guards, too, or a node by more than one rule: they are out together, and the
//! simulator must notice when it plays the trace.

use super::{Mutation, Place};

/// An entry node takes what was signed half a lease ago.
const TAKES_PAST: Place = Place {
    file: "node/store/record.rs",
    from: "if is_past { Err(ErrorCode::Past) } else { Ok(()) }",
    to: "Ok(())",
};
/// A client sends what it signed half a lease ago.
const SENDS_PAST: Place = Place {
    file: "client/store.rs",
    from: "cx.ask_until(request, good_until(self.pass_began))",
    to: "cx.ask(request)",
};

/// By the number of the trace.
pub(super) const SCRIPTS: &[Mutation] = &[
    Mutation {
        group: "race 2a",
        rule: "nobody sends or takes what was signed half a lease ago, nor what was promised away",
        places: &[
            TAKES_PAST,
            SENDS_PAST,
            Place {
                file: "node/store/record.rs",
                from: "known.is_promised(&header.owner, &header.name, &live.object)",
                to: "live.bytes == u64::MAX",
            },
        ],
        tests: &["script::race_2_a_client_that_slept_sends_a_record"],
    },
    Mutation {
        group: "race 2b",
        rule: "nobody sends or takes what was signed half a lease ago",
        places: &[TAKES_PAST, SENDS_PAST],
        tests: &["script::race_2_a_client_that_slept_sends_what"],
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
            Place {
                file: "node/store/known.rs",
                from: "if known.own(pin).is_some() {",
                to: "if known.own(pin).is_some_and(|own| own.since == body.since) {",
            },
            Place {
                file: "node/store/rows.rs",
                from: "if !row.expired && header.live",
                to: "if header.version >= since && !row.expired && header.live",
            },
        ],
        tests: &["script::race_3_"],
    },
];
