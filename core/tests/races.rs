//! Every race that was written down as a script, each a test of its own, so that what it guards can be taken out and missed.

use std::{fs, path::Path};

use quantumsync_core::sim::run::{Script, Watched, run};

macro_rules! scripts {
    ($($name:ident)*) => {
        /// The scripts that are tests here.
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        mod script {
            $(#[test]
            fn $name() {
                super::play(stringify!($name));
            })*
        }
    };
}

scripts! {
    race_1_a_lease_ends_while_the_only_replica_with_the_record_is_down
    race_2_a_client_that_slept_sends_a_record_whose_pieces_have_lapsed
    race_2_a_client_that_slept_sends_what_another_device_has_deleted
    race_3_a_second_pass_over_the_same_pieces_dies
    race_4_a_store_is_overtaken_between_its_pieces_and_its_record
    race_5_a_pin_without_a_record_is_copied_to_a_new_disk
    race_6_a_delete_that_one_disk_knows_is_lost_with_it
    race_7_a_month_of_partition_over_what_was_acknowledged
    race_8_a_hint_comes_after_the_tombstone_has_gone
    race_9_a_disk_is_lost_after_it_was_clean
    race_10_an_acknowledgement_comes_from_a_disk_that_is_gone
    race_11_a_new_disk_reaches_one_of_those_who_knew
    race_12_a_member_does_not_know_that_it_is_a_replica
    race_12_a_member_comes_back_to_one_that_lost_the_others
    race_13_a_reader_whose_entry_missed_a_clear
    race_13_a_new_disk_takes_over_from_one_that_missed_a_clear
    race_14_a_node_joins_while_it_reaches_nobody
    race_15_one_member_leaves_after_another
    race_15_the_only_two_that_hold_a_file_leave
    a_banned_member_holds_the_newest_record
    a_clock_is_a_year_off_while_leases_run
    a_crash_between_the_commit_and_its_acknowledgement
    a_delete_meets_a_store
    a_disk_fills_up_inside_a_batch
    a_member_goes_down_again_and_again_while_it_syncs
    a_partition_with_writes_on_both_sides
    a_store_is_overtaken_by_another_device
    a_sweep_meets_a_put_of_the_same_blob
    a_tombstone_arrives_after_what_is_newer
    an_upload_takes_longer_than_the_lease_over_an_existing_key
    both_ends_of_a_link_dial_at_once
    the_only_old_copy_returns_after_the_tombstone_has_gone
    two_devices_store_one_key_at_once
    two_nodes_join_one_range_during_a_read
    two_uploads_are_relayed_both_ways_at_full_credit
}

#[test]
fn every_race_of_the_folder_is_played() {
    let mut files: Vec<String> = fs::read_dir(folder())
        .expect("the folder of races")
        .filter_map(|file| file.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".txt")?.to_owned()))
        .collect();
    files.sort();
    let mut names = NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(files, names);
}

fn play(name: &str) {
    let text = fs::read_to_string(folder().join(name).with_extension("txt")).expect("a script");
    assert!(text.starts_with('#'), "it says which race it plays");
    let script: Script = text.parse().unwrap_or_else(|bad| panic!("{bad}"));
    assert_eq!(script.to_string().parse().as_ref(), Ok(&script), "what is printed is the same script");
    let report = run(&script, Watched::default());
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
    assert_eq!(report.steps, script.steps.len() as u64, "every step can be done");
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sim/run/scripts/races"))
}
