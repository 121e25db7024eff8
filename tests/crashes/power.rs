//! Power cuts: load with everything written down, then what a disk would hold at moments of it, opened again.
//!
//! What was acknowledged before a moment must be there. That this can fail is proved by disks that forget flushes: on
//! those something must be lost, and is.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use crate::caller::Caller;
use crate::disk::{Disk, Flushes};
use crate::holds::{Depth, Verdict, verify};
use crate::journal::{self, Call, Entry};
use crate::load::{self, Record};
use crate::random::{Random, rounds, seed};
use crate::site::Site;

/// Deeds in one run of load. The log is written back into the database after 1000 pages, so that this is among it.
const DEEDS: usize = 120;

/// A run of load that was written down.
struct Run {
    site: Site,
    base: Vec<(PathBuf, Vec<u8>)>,
    entries: Vec<Entry>,
    record: Record,
}

impl Run {
    fn of(seed: u64) -> Option<Self> {
        let journal = NamedTempFile::new().unwrap();
        let site = Site::furnished().journaled(journal.path())?;
        let base = vec![(site.database(), fs::read(site.database()).unwrap())];
        let server = site.serve().unwrap();
        let record = load::run(&site, &server, 4, seed, DEEDS);
        let ended = server.stop();
        assert!(ended.status.success(), "{ended:?}");
        let entries = journal::read(journal.path());
        assert!(entries.len() > DEEDS, "{}", entries.len());
        Some(Self {
            site,
            base,
            entries,
            record,
        })
    }

    /// Cuts the power after the entry at `index`, opens what is left, and holds it against what was acknowledged by then.
    fn cut(&self, flushes: Flushes, index: usize, random: &mut Random) -> Result<Verdict, String> {
        let mut disk = Disk::with(self.site.path(), &self.base, flushes);
        for entry in &self.entries[..=index] {
            disk.follow(entry);
        }
        let left = Site::empty();
        for (path, content) in disk.after_power_cut(random) {
            left.write(path.file_name().unwrap().to_str().unwrap(), &content);
        }
        let server = left
            .serve()
            .map_err(|ran| format!("it does not start: {ran:?}"))?;
        let cut = self.entries[index].end;
        let about = format!("cut after {cut} bytes, {} changes pending", disk.pending());
        // A damaged database makes the server fail in ways that the checks do not expect.
        catch_unwind(AssertUnwindSafe(|| {
            let verdict = verify(&Caller::of(&server), &self.record, cut, Depth::ToTheEnd);
            drop(server);
            left.assert_sound(&about);
            verdict
        }))
        .map_err(|_| format!("the checks did not come to their end: {about}"))
    }

    /// Where the power is cut: anywhere, and as often right after a flush ended, when answers are on their way.
    fn place(&self, random: &mut Random) -> usize {
        let from = random.below(self.entries.len());
        if random.once_in(2) {
            return from;
        }
        let after = self.entries[from..]
            .iter()
            .position(|entry| matches!(entry.call, Call::SyncEnded(_)));
        from + after.unwrap_or_default()
    }
}

#[test]
fn what_was_acknowledged_outlives_a_power_cut() {
    let seed = seed();
    let mut random = Random::new(seed);
    let Some(mut run) = Run::of(seed) else {
        return;
    };
    let (cuts, mut held) = (rounds(8), 0);
    for number in 1..=cuts {
        // Codes that nobody exchanged live for ten minutes.
        if number.is_multiple_of(50) {
            run = Run::of(random.next()).unwrap();
        }
        let index = run.place(&mut random);
        let verdict = run.cut(Flushes::Kept, index, &mut random).unwrap();
        if !verdict.broken.is_empty() {
            for entry in &run.entries[index.saturating_sub(20)..=index] {
                let call = format!("{:?}", entry.call);
                eprintln!(
                    "{} {} {}",
                    entry.end,
                    entry.path.display(),
                    &call[..call.len().min(60)]
                );
            }
        }
        verdict.assert(&format!("seed {seed}, cut after entry {index}"));
        held += verdict.held;
    }
    eprintln!(
        "seed {seed}: {cuts} power cuts in {} calls on the files, {} answers acknowledged in all, {held} things held against \
         the store",
        run.entries.len(),
        run.record.acknowledged()
    );
}

/// Loses something with disks that forget flushes: so these tests can fail.
#[test]
fn a_disk_that_forgets_flushes_is_found_out() {
    let seed = seed();
    let mut random = Random::new(seed);
    let Some(run) = Run::of(seed) else {
        return;
    };
    for flushes in [Flushes::LogForgotten, Flushes::AllForgotten] {
        let mut tries = 0;
        let lost = loop {
            assert!(
                tries < 60,
                "seed {seed}: nothing was lost with {flushes:?} in {tries} cuts"
            );
            tries += 1;
            let index = run.place(&mut random);
            match run.cut(flushes, index, &mut random) {
                Ok(verdict) if verdict.broken.is_empty() => {}
                Ok(verdict) => break verdict.broken.join("\n"),
                Err(error) => break error,
            }
        };
        let first = lost.lines().next().unwrap();
        eprintln!(
            "seed {seed}: {flushes:?} is found out at cut {tries}: {}",
            first.split(';').next().unwrap()
        );
    }
}

/// A file that was made is on the disk once the directory is: before the first answer, that has to be.
#[test]
fn a_new_database_is_there_after_what_was_acknowledged_first() {
    let journal = NamedTempFile::new().unwrap();
    let Some(site) = Site::empty().journaled(journal.path()) else {
        return;
    };
    let seed = seed();
    let mut random = Random::new(seed);
    let ran = site.run(&["scope", "define", "mail", "--folder", "mail"]);
    assert!(ran.status.success(), "{ran:?}");
    let entries = journal::read(journal.path());
    let mut gone = 0;
    let cuts = rounds(10);
    for round in 0..cuts {
        // Every other one after its end, which is when it was acknowledged.
        let last = entries.len() - 1;
        let index = if round.is_multiple_of(2) {
            last
        } else {
            random.below(last)
        };
        let mut disk = Disk::with(site.path(), &[], Flushes::Kept);
        for entry in &entries[..=index] {
            disk.follow(entry);
        }
        let left = Site::empty();
        for (path, content) in disk.after_power_cut(&mut random) {
            left.write(path.file_name().unwrap().to_str().unwrap(), &content);
        }
        let told = left.run(&["scope", "list", "-o", "id"]);
        assert!(
            told.status.success(),
            "seed {seed}, after entry {index}: {told:?}"
        );
        let is_there = told.stdout == "mail\n";
        assert!(
            is_there || index < last,
            "seed {seed}: an acknowledged scope is lost"
        );
        gone += usize::from(!is_there);
        left.assert_sound(&format!("seed {seed}, after entry {index}"));
    }
    eprintln!(
        "seed {seed}: {cuts} power cuts of a first command; {gone} before it was acknowledged lost it, as they may"
    );
}
