//! The rule over everything that it can be asked, and the order of store and sweep over random histories.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const NOW: i64 = 1_000_000;
const TIMES: Times = Times {
    young: 1000,
    trash: 5000,
};
/// Missing, of now, as old as a young file may be, as old as trash may be, and of a clock that was far ahead.
const CHANGES: [Option<i64>; 5] = [
    None,
    Some(NOW),
    Some(NOW - 1000),
    Some(NOW - 5000),
    Some(NOW + 5000),
];
const REFERENCES: [Option<Reference>; 6] = [
    None,
    Some(Reference::Package),
    Some(Reference::Delivery),
    Some(Reference::Session),
    Some(Reference::Release),
    Some(Reference::CatalogPackage),
];

fn everything() -> impl Iterator<Item = Found> {
    let pairs = || {
        CHANGES
            .into_iter()
            .flat_map(|bytes| CHANGES.map(|list| Pair { bytes, list }))
    };
    pairs().flat_map(move |place| pairs().map(move |trash| Found { place, trash }))
}

fn youngest(pair: Pair) -> i64 {
    let ages = [pair.bytes, pair.list].into_iter().flatten();
    ages.map(|at| (NOW - at).abs()).min().unwrap_or(i64::MAX)
}

#[test]
fn what_is_referred_to_never_goes_and_comes_back() {
    for found in everything() {
        for reference in REFERENCES.into_iter().flatten() {
            let next = judge(&found, Some(reference), NOW, TIMES);
            let expected = found.is_trashed().then_some(Move::Back(reference));
            assert_eq!(next, expected, "{found:?}");
        }
    }
}

#[test]
fn what_nobody_refers_to_goes_after_its_time_and_never_before() {
    for found in everything() {
        let next = judge(&found, None, NOW, TIMES);
        let in_place = found.place != Pair::default();
        match next {
            Some(Move::ToTrash(reason)) => {
                assert!(youngest(found.place) >= TIMES.young, "{found:?}");
                let alone = found.place.bytes.is_none();
                assert_eq!(reason == Reason::ListAlone, alone, "{found:?}");
            }
            Some(Move::Remove) => {
                assert!(
                    !in_place && youngest(found.trash) >= TIMES.trash,
                    "{found:?}"
                );
            }
            Some(Move::Back(_)) => panic!("nobody wants it back: {found:?}"),
            None if in_place => assert!(youngest(found.place) < TIMES.young, "{found:?}"),
            None => assert!(
                !found.is_trashed() || youngest(found.trash) < TIMES.trash,
                "{found:?}"
            ),
        }
    }
}

/// Numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A store with one folder, and everybody who uses it. Times are numbers of steps.
#[derive(Default)]
struct World {
    now: i64,
    place: BTreeMap<u64, i64>,
    trash: BTreeMap<u64, i64>,
    /// Rows that refer to a digest.
    rows: BTreeSet<u64>,
    /// Those that an older database has brought back: their bytes may be in the trash until the next sweep.
    old: BTreeSet<u64>,
    /// Digests that are in their place for a row that is not committed. Each has the folder's shared lock.
    storing: Vec<u64>,
    trashed: usize,
    back: usize,
}

impl World {
    fn step(&mut self, random: &mut Random) {
        self.now += 1;
        let digest = random.below(4);
        match random.below(8) {
            0 | 1 => {
                self.place.insert(digest, self.now);
                self.storing.push(digest);
            }
            2 | 3 if !self.storing.is_empty() => {
                let committed = self.storing.swap_remove(0);
                self.rows.insert(committed);
                self.old.remove(&committed);
            }
            // A storing process is killed.
            4 => drop(self.storing.pop()),
            // A package is refused or removed.
            5 => drop((self.rows.remove(&digest), self.old.remove(&digest))),
            // An older database is put back.
            6 if random.below(4) == 0 && self.trash.contains_key(&digest) => {
                self.rows.insert(digest);
                self.old.insert(digest);
            }
            _ if self.storing.is_empty() => {
                // Killed after so many moves.
                let moves = random.below(6);
                for digest in (0..4).take(usize::try_from(moves).expect("few")) {
                    self.sweep(digest);
                }
            }
            _ => {}
        }
    }

    fn sweep(&mut self, digest: u64) {
        let pair = |at: Option<&i64>| Pair {
            bytes: at.copied(),
            list: at.copied(),
        };
        let found = Found {
            place: pair(self.place.get(&digest)),
            trash: pair(self.trash.get(&digest)),
        };
        let reference = self.rows.contains(&digest).then_some(Reference::Package);
        let times = Times { young: 0, trash: 5 };
        match judge(&found, reference, self.now, times) {
            Some(Move::ToTrash(_)) => {
                self.place.remove(&digest);
                self.trash.insert(digest, self.now);
                self.trashed += 1;
            }
            Some(Move::Back(_)) => {
                self.trash.remove(&digest);
                self.place.entry(digest).or_insert(self.now);
                self.old.remove(&digest);
                self.back += 1;
            }
            Some(Move::Remove) => drop(self.trash.remove(&digest)),
            None => {}
        }
    }
}

#[test]
fn no_history_of_stores_kills_and_sweeps_leaves_a_row_without_bytes() {
    let seed = std::env::var("SLIPWAY_TEST_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| slipway_runtime::clock::unix_millis().unsigned_abs());
    let (mut trashed, mut back) = (0, 0);
    for history in 0..200 {
        let mut random = Random(seed + history);
        let mut world = World::default();
        for step in 0..500 {
            world.step(&mut random);
            let missing = world.rows.iter().find(|digest| {
                let in_trash = world.old.contains(digest) && world.trash.contains_key(digest);
                !world.place.contains_key(digest) && !in_trash
            });
            assert_eq!(missing, None, "SLIPWAY_TEST_SEED={seed}, step {step}");
        }
        // When all is quiet, nothing is left but what is referred to.
        world.storing.clear();
        for _ in 0..3 {
            world.now += 10;
            (0..4).for_each(|digest| world.sweep(digest));
        }
        assert_eq!(
            world.place.keys().copied().collect::<BTreeSet<_>>(),
            world.rows
        );
        assert!(world.trash.is_empty(), "SLIPWAY_TEST_SEED={seed}");
        trashed += world.trashed;
        back += world.back;
    }
    assert!(trashed > 100 && back > 10, "{trashed} trashed, {back} back");
}
