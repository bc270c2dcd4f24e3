use jiff::SignedDuration;

use super::*;
use crate::domain::fixture;

fn at(seconds: i64) -> Timestamp {
    fixture::now() + SignedDuration::from_secs(seconds)
}

fn tell(world: &mut World, state: WatchState, seconds: i64) -> Changed {
    let kind = Kind::Pod;
    let at = at(seconds);
    world.apply(Observation::Watch { kind, state, at }, at)
}

fn error() -> WatchState {
    WatchState::Error {
        why: "connection refused".to_owned(),
    }
}

fn stale(since: i64) -> WatchState {
    WatchState::Stale {
        since: at(since),
        why: "connection refused".to_owned(),
    }
}

/// E7: each failure is news of an old loss.
#[test]
fn the_age_of_what_is_stale_begins_with_the_first_loss_until_it_lives_again() {
    let mut world = fixture::world();
    tell(&mut world, stale(10), 10);
    let again = tell(&mut world, stale(20), 20);
    assert_eq!(*world.watch(Kind::Pod), stale(10));
    assert!(!again.visible, "nothing that is shown has changed");
    tell(&mut world, WatchState::Live, 30);
    tell(&mut world, stale(40), 40);
    assert_eq!(*world.watch(Kind::Pod), stale(40));
}

/// E8, F29: connecting again in an outage takes nothing away.
#[test]
fn a_watch_that_begins_anew_and_fails_leaves_what_was_known() {
    let mut world = fixture::world();
    tell(&mut world, stale(10), 10);
    tell(&mut world, WatchState::Loading, 15);
    tell(&mut world, error(), 20);
    assert_eq!(*world.watch(Kind::Pod), stale(10));
    tell(&mut world, WatchState::Live, 30);
    tell(&mut world, error(), 40);
    assert_eq!(*world.watch(Kind::Pod), stale(40), "it was live until then");

    let mut fresh = World::default();
    tell(&mut fresh, error(), 20);
    assert_eq!(*fresh.watch(Kind::Pod), error(), "nothing was ever known");
    let forbidden = WatchState::Forbidden {
        missing: "list pods".to_owned(),
    };
    tell(&mut world, forbidden.clone(), 50);
    assert_eq!(*world.watch(Kind::Pod), forbidden, "a refusal is an answer");
}
