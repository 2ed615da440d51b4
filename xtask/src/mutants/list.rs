//! The mutations: which rule, where it stands, what it becomes, who must notice.

use super::Mutation;

pub(super) const MUTATIONS: &[Mutation] = &[Mutation {
    rule: "a proof kills only when it is durable on W of the record's replicas",
    file: "node/store/mod.rs",
    from: "self.offer_settled(offer, copies >= wanted);",
    to: "self.offer_settled(offer, copies >= wanted.min(1));",
    tests: "a_proof_that_only_one_replica_holds_kills_no_pin_until_a_majority_has_it",
}];
