//! Every behaviour at once against one node: its peak memory is printed, and its honest user notices nothing.

use std::thread;

use crate::impostors::{Grave, answers_for_the_dead};
use crate::target::Target;
use crate::{before_open, content, flow, members, messages, pulls, standing};

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the honest would share the attackers' only address")]
fn all_attacks_at_once_leave_the_honest_user_undisturbed() {
    let target = Target::with(2).crowded();
    let liar = members::admit_replica(&target);
    let grave = Grave::of_one(&target);
    let attacks: &[fn(&Target)] = &[
        before_open::garbage_instead_of_a_handshake,
        before_open::garbage_after_the_handshake,
        before_open::too_many_bytes_before_the_link_is_open,
        before_open::claims_without_proof,
        before_open::handshakes_sent_back_and_again,
        before_open::stalled_handshakes,
        before_open::half_open_links_up_to_the_limit,
        content::old_records_and_tombstones_again,
        content::records_of_another_network_and_forged_ones,
        content::forged_pins,
        content::claims_to_have_what_one_has_not,
        content::writes_for_another_owner,
        content::control_by_those_who_are_not_at_home,
        flow::more_requests_than_announced,
        flow::as_many_requests_as_allowed,
        flow::more_bytes_than_credit_was_given_for,
        flow::messages_and_segments_past_their_limits,
        flow::streams_that_never_end,
        flow::answers_that_are_never_read,
        flow::clients_up_to_the_limit_of_an_address,
        flow::uploads_at_full_speed,
        members::claims_to_anothers_place,
        members::words_that_the_network_did_not_sign,
        messages::unknown_kinds,
        messages::answers_that_nobody_waits_for,
        messages::words_after_the_goodbye,
        messages::mutations_of_every_message,
        pulls::floods_of_questions,
        pulls::pages_that_are_none,
        pulls::rows_out_of_time_and_place,
        standing::lies_about_others,
        standing::words_that_are_over,
    ];
    target.withstand(|target| {
        thread::scope(|scope| {
            attacks.iter().for_each(|attack| drop(scope.spawn(|| attack(target))));
            scope.spawn(|| members::lies_about_blobs(target, liar));
            scope.spawn(|| answers_for_the_dead(target, &grave));
        });
    });
    match target.peak_memory() {
        Some(peak) => println!("peak memory of the node under all attacks: {} MiB", peak >> 10),
        None => println!("this system does not tell the peak memory of a process"),
    }
    assert!(target.log().len() < 600, "a flood of faults is no flood of lines");
}
