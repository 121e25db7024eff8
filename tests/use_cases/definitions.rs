//! What is registered is kept in memory, and never answered from there once it has changed: also by another process, also
//! within a change that is undone.

use oauthctl::domain::client::ClientId;
use oauthctl::domain::registration::Registered;
use oauthctl::store::{Store, StoreError};

use crate::support::{World, store_options};

fn is_enabled(store: &Store, id: &ClientId) -> bool {
    store.read(|tx| is_enabled_in(tx, id)).unwrap()
}

fn is_enabled_in(tx: &oauthctl::store::ReadTransaction<'_>, id: &ClientId) -> Result<bool, StoreError> {
    let Some(Registered::Client(client)) = tx.registered(id)? else {
        panic!("the client is registered")
    };
    let by_key = tx.client_record(client.key)?.unwrap();
    assert_eq!(by_key.enabled, client.enabled);
    Ok(client.enabled)
}

#[test]
fn a_change_by_another_process_is_seen_by_the_next_question() {
    let world = World::new();
    let id: ClientId = world.shop().id.parse().unwrap();
    let here = Store::open(store_options(world.path())).unwrap();
    let there = Store::open(store_options(world.path())).unwrap();
    assert!(is_enabled(&here, &id));
    let key = here.read(|tx| tx.client(&id)).unwrap().unwrap().key;
    for enabled in [false, true, false] {
        there
            .write::<_, StoreError>(move |tx| tx.set_client_enabled(key, enabled))
            .unwrap();
        assert_eq!(is_enabled(&here, &id), enabled);
        assert_eq!(is_enabled(&there, &id), enabled);
    }
}

#[test]
fn a_question_that_began_before_a_change_is_answered_as_it_was() {
    let world = World::new();
    let id: ClientId = world.shop().id.parse().unwrap();
    let store = Store::open(store_options(world.path())).unwrap();
    let key = store.read(|tx| tx.client(&id)).unwrap().unwrap().key;
    let inside = store.read(|tx| {
        assert!(is_enabled_in(tx, &id)?);
        store.write::<_, StoreError>(move |tx| tx.set_client_enabled(key, false))?;
        // Another one, meanwhile, fills the memory with the new state.
        assert!(!is_enabled(&store, &id));
        is_enabled_in(tx, &id)
    });
    assert!(inside.unwrap(), "one snapshot shows one state");
    assert!(!is_enabled(&store, &id));
}

#[test]
fn what_a_change_does_is_seen_within_it_and_forgotten_with_it() {
    let world = World::new();
    let id: ClientId = world.shop().id.parse().unwrap();
    let store = Store::open(store_options(world.path())).unwrap();
    let key = store.read(|tx| tx.client(&id)).unwrap().unwrap().key;
    assert!(is_enabled(&store, &id));
    for _ in 0..2 {
        let (asked, undone) = (id.clone(), StoreError::Busy);
        let told = store.write(move |tx| {
            assert!(is_enabled_in(tx, &asked)?);
            tx.set_client_enabled(key, false)?;
            assert!(!is_enabled_in(tx, &asked)?);
            Err::<(), _>(undone)
        });
        assert!(matches!(told, Err(StoreError::Busy)));
        assert!(is_enabled(&store, &id));
    }
    // The change that stays has the number that those which were undone had.
    let asked = id.clone();
    store
        .write::<_, StoreError>(move |tx| {
            tx.set_client_enabled(key, false)?;
            assert!(!is_enabled_in(tx, &asked)?);
            Ok(())
        })
        .unwrap();
    assert!(!is_enabled(&store, &id));
}

#[test]
fn who_is_not_registered_is_looked_for_each_time() {
    let world = World::new();
    let store = Store::open(store_options(world.path())).unwrap();
    let id: ClientId = "later".parse().unwrap();
    assert!(store.read(|tx| tx.registered(&id)).unwrap().is_none());
    world.client("later", |_| {});
    assert!(is_enabled(&store, &id));
}

/// Puts an older state back into the file that is open, as `.restore` of the `sqlite3` shell does.
fn put_back(copy: &std::path::Path, world: &World) {
    let copy = rusqlite::Connection::open(copy).unwrap();
    let mut there = world.connection();
    let backup = rusqlite::backup::Backup::new(&copy, &mut there).unwrap();
    backup
        .run_to_completion(1000, std::time::Duration::from_millis(1), None)
        .unwrap();
}

#[test]
fn what_was_read_before_an_older_state_was_put_back_is_forgotten() {
    let world = World::new();
    let id: ClientId = world.shop().id.parse().unwrap();
    let store = Store::open(store_options(world.path())).unwrap();
    let key = store.read(|tx| tx.client(&id)).unwrap().unwrap().key;
    let set = |enabled| {
        store
            .write::<_, StoreError>(move |tx| tx.set_client_enabled(key, enabled))
            .unwrap();
    };
    let copy = world.path().with_extension("copy");
    world
        .connection()
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    for enabled in [false, true] {
        set(enabled);
    }
    assert!(is_enabled(&store, &id));
    put_back(&copy, &world);
    // As many changes as there were before.
    for enabled in [true, false] {
        set(enabled);
    }
    assert!(!is_enabled(&store, &id));
}
