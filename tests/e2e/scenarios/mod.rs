//! What is shown. Each scenario has a namespace of its own and leaves nothing
//! running.

mod chain;
mod external;
mod faults;
mod folders;
mod permissions;
mod preview;
mod refusals;
mod scale;
mod signatures;
mod speed;
mod tenants;
mod upgrade;

use crate::cluster::Cluster;

type Scenario = fn(&mut Cluster, bool);

pub const ALL: &[(&str, Scenario)] = &[
    ("a_commit_becomes_objects_in_the_api_server", chain::commit),
    (
        "a_bad_commit_is_told_and_leaves_the_last_good_bundle",
        chain::bad_commit,
    ),
    (
        "flux_verifies_what_identities_copies_and_vaults_signed",
        signatures::verified,
    ),
    ("folders_of_aso_become_ready_in_order", folders::in_order),
    (
        "a_bundle_of_one_folder_gives_way_and_nothing_is_deleted_in_azure",
        folders::from_one,
    ),
    ("the_preview_service_knows_the_cluster", preview::cluster),
    (
        "an_external_artifact_is_applied_and_chained",
        external::chained,
    ),
    ("drift_of_what_we_made_is_healed", external::drift),
    (
        "the_storage_survives_a_restart_with_and_without_its_volume",
        external::restart,
    ),
    (
        "specs_that_cannot_work_are_refused_by_the_api_server",
        refusals::cel,
    ),
    ("the_samples_are_accepted", refusals::samples),
    (
        "what_only_the_controller_can_see_ends_as_stalled",
        refusals::stalled,
    ),
    (
        "a_tenant_cannot_reach_another_namespace",
        permissions::tenants,
    ),
    (
        "external_artifacts_of_ours_are_written_by_us_alone",
        permissions::admission,
    ),
    ("the_crd_is_applied_over_itself", upgrade::crd),
    (
        "source_controller_restarts_with_an_empty_storage",
        faults::empty_storage,
    ),
    ("a_source_that_lies_is_not_believed", faults::lying_source),
    ("the_registry_is_down_and_comes_back", faults::registry_down),
    (
        "others_write_the_object_at_the_same_time",
        faults::conflicts,
    ),
    ("suspended_it_stops_and_goes_on", faults::suspended),
    ("each_shard_has_its_objects", scale::shards),
    ("the_api_server_restarts", faults::api_server),
    (
        "a_leader_that_hangs_writes_nothing_afterwards",
        faults::lease,
    ),
    ("killed_at_random_it_converges", faults::killed),
    ("many_objects_rest_when_nothing_changes", scale::steady),
    (
        "a_change_is_published_about_as_fast_as_by_hand",
        speed::ratio,
    ),
    (
        "a_hostile_tenant_does_not_keep_another_waiting",
        tenants::hostile,
    ),
    (
        "the_shipped_permissions_are_those_that_are_used",
        permissions::minimal,
    ),
    ("each_permission_is_missed", permissions::each_verb),
];
