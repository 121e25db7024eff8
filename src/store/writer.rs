//! The one writer: a thread that takes jobs from a queue and commits all that are waiting together.
//!
//! Each job runs in a savepoint of its own, so that a refused job takes nothing with it. A caller gets its answer
//! after the commit that holds its work is on disk, and an error where that commit failed. The batch grows with the
//! load by itself: while one commit is written, the next jobs gather. A lone job waits for nobody.
//!
//! Other processes write to the same file, and SQLite has no queue for them: whoever finds the file held asks again.
//! Its own waiting asks every 100 ms in the end, and a server under load frees the file for moments only; so the
//! command line met it at the wrong moment for seconds, and failed. Who waits here asks every [`ASK_AGAIN`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::StoreError;
use super::definitions::Definitions;
use super::figures::Figures;
use super::file::StoreOptions;
use super::open_files::OpenFiles;
use super::transaction::WriteTransaction;
use crate::clock::{Deadline, Stopwatch};

/// The most jobs in one commit, which bounds how long the file is held.
const BATCH: usize = 128;

/// How long to wait before asking again for a file that another process holds.
const ASK_AGAIN: Duration = Duration::from_millis(1);

/// Tells a caller how its commit went.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Work inside the transaction, or the reason why there is none. Gives back how to answer, once the commit is known.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Answer + Send>;

/// A job, and until when it waits for a file that another process holds. Counted from when it came: where the file stays
/// held, all that wait are told at the same time, and not one after the other.
type Waiting = (Deadline, Job);

#[derive(Debug)]
pub(super) struct Writer {
    busy_timeout: Duration,
    jobs: Mutex<Option<SyncSender<Waiting>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    figures: Arc<Figures>,
    definitions: Arc<Definitions>,
}

impl Writer {
    /// Starts the thread, which owns the connection from now on. Nothing is written while `files` are not in their place.
    pub(super) fn start(
        connection: Connection,
        options: &StoreOptions,
        definitions: Arc<Definitions>,
        files: Arc<OpenFiles>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Waiting>(options.waiting_writes);
        // With a write-ahead log nothing but `BEGIN` has to wait, and that is done here.
        connection
            .busy_timeout(Duration::ZERO)
            .map_err(std::io::Error::other)?;
        let figures = Figures::new();
        let counted = Arc::clone(&figures);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&connection, &receiver, &counted, &files))?;
        Ok(Self {
            figures,
            definitions,
            busy_timeout: options.busy_timeout,
            jobs: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Runs `work` in the next commit, and answers when that is on disk.
    ///
    /// `Err` from `work` undoes what it wrote, and nothing else of the batch.
    pub(super) fn write<T, E>(
        &self,
        work: impl FnOnce(&WriteTransaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = sync_channel(1);
        let definitions = Arc::clone(&self.definitions);
        let job: Job = Box::new(move |connection| {
            let result = connection.map_err(E::from).and_then(|connection| {
                in_savepoint(connection, || {
                    work(&WriteTransaction::new(connection, &definitions))
                })
            });
            Box::new(move |commit| {
                let result = match (result, commit) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(failure)) => Err(failure.into()),
                    (Err(refusal), _) => Err(refusal),
                };
                // A caller that has gone does not want its answer any more.
                let _ = answer.send(result);
            })
        });
        self.enqueue(job)?;
        answered.recv().map_err(|_| StoreError::Closed)?
    }
}

impl Writer {
    /// Nobody waits for a place in the queue: that would be a second queue, without a bound.
    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        let queue = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or(StoreError::Closed)?;
        let waiting = (Deadline::after(self.busy_timeout), job);
        self.figures.waiting.inc();
        queue.try_send(waiting).map_err(|refused| {
            self.figures.waiting.dec();
            match refused {
                TrySendError::Full(_) => StoreError::Crowded,
                TrySendError::Disconnected(_) => StoreError::Closed,
            }
        })
    }
}

impl Drop for Writer {
    /// Lets the queue run empty and waits for the last commit.
    fn drop(&mut self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A writer that panicked has nothing more to commit.
            let _ = thread.join();
        }
    }
}

/// Runs `work` so that `Err` and a panic undo what it wrote, and only that.
fn in_savepoint<T, E: From<StoreError>>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let statement = |sql| -> Result<(), E> {
        connection
            .prepare_cached(sql)
            .and_then(|mut s| s.execute([]))
            .map_err(StoreError::from)?;
        Ok(())
    };
    statement("SAVEPOINT job")?;
    let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreError::Panicked.into()));
    if result.is_err() {
        statement("ROLLBACK TO job")?;
    }
    statement("RELEASE job")?;
    result
}

fn run(connection: &Connection, jobs: &Receiver<Waiting>, figures: &Figures, files: &OpenFiles) {
    while let Ok(first) = jobs.recv() {
        figures.waiting.dec();
        commit_together(connection, first, jobs, figures, files);
    }
}

/// Begins a transaction that may write, once no other process has one, on the files that are at the path.
fn begin(connection: &Connection, until: Deadline, files: &OpenFiles) -> Result<(), StoreError> {
    begin_once_free(connection, until)?;
    // Now, and not before: there may have been long to wait.
    files.are_in_place().inspect_err(|_| {
        // There is nothing in it yet.
        let _ = connection.execute_batch("ROLLBACK");
    })
}

fn begin_once_free(connection: &Connection, until: Deadline) -> Result<(), StoreError> {
    loop {
        match connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(StoreError::from)
        {
            Err(StoreError::Busy) if until.remaining().is_some() => std::thread::sleep(ASK_AGAIN),
            begun => return begun,
        }
    }
}

fn commit_together(
    connection: &Connection,
    (until, first): Waiting,
    jobs: &Receiver<Waiting>,
    figures: &Figures,
    files: &OpenFiles,
) {
    if let Err(error) = begin(connection, until, files) {
        figures.failed.inc();
        let answer = first(Err(error));
        answer(Ok(()));
        return;
    }
    let mut answers = vec![first(Ok(connection))];
    // A full disk or a failed write makes SQLite roll the whole transaction back: then nothing more may run in it.
    while answers.len() < BATCH
        && !connection.is_autocommit()
        && let Ok((_, job)) = jobs.try_recv()
    {
        figures.waiting.dec();
        answers.push(job(Ok(connection)));
    }
    #[expect(clippy::cast_precision_loss, reason = "a batch has at most 128 jobs")]
    figures.batch.observe(answers.len() as f64);
    let watch = Stopwatch::start();
    let commit = connection.execute_batch("COMMIT");
    match commit {
        Ok(()) => figures.commit.observe(watch.elapsed().as_secs_f64()),
        Err(_) => figures.failed.inc(),
    }
    if commit.is_err() && !connection.is_autocommit() {
        // Nothing of the batch may stay behind in the connection.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for answer in answers {
        answer(
            commit
                .as_ref()
                .copied()
                .map_err(|error| StoreError::CommitFailed(error.to_string())),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// How many jobs may wait.
    const PLACES: usize = 20;

    fn writer() -> (tempfile::TempDir, Writer, Connection) {
        writer_with(Duration::ZERO)
    }

    fn writer_with(busy_timeout: Duration) -> (tempfile::TempDir, Writer, Connection) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER PRIMARY KEY); CREATE TABLE u (n INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED); PRAGMA foreign_keys = ON")
            .unwrap();
        let reader = Connection::open(&path).unwrap();
        let files = Arc::new(OpenFiles::at(&path));
        let options = StoreOptions {
            path,
            busy_timeout,
            readers: 1,
            waiting_writes: PLACES,
        };
        (
            directory,
            Writer::start(connection, &options, Arc::default(), files).unwrap(),
            reader,
        )
    }

    fn insert(n: i64) -> impl FnOnce(&WriteTransaction<'_>) -> Result<i64, StoreError> + Send + 'static {
        move |tx| {
            tx.connection().execute("INSERT INTO t VALUES (?1)", [n])?;
            Ok(n)
        }
    }

    fn rows(reader: &Connection) -> i64 {
        reader
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn an_answer_comes_after_its_commit() {
        let (_directory, writer, reader) = writer();
        for n in 1..=20 {
            writer.write(insert(n)).unwrap();
            assert_eq!(rows(&reader), n);
        }
    }

    #[test]
    fn what_it_does_can_be_seen() {
        let (_directory, writer, reader) = writer();
        for n in 1..=3 {
            writer.write(insert(n)).unwrap();
        }
        reader.execute_batch("BEGIN IMMEDIATE").unwrap();
        writer.write(insert(4)).unwrap_err();
        let figures = writer.figures();
        assert_eq!(figures.waiting.get(), 0);
        assert_eq!((figures.batch.get_sample_count(), figures.failed.get()), (3, 1));
        assert!((figures.batch.get_sample_sum() - 3.0).abs() < 0.001);
        assert_eq!(figures.commit.get_sample_count(), 3);
    }

    #[test]
    fn threads_at_once_all_get_their_own_answer() {
        let (_directory, writer, reader) = writer();
        let writer = Arc::new(writer);
        let threads: Vec<_> = (0..16)
            .map(|thread| {
                let writer = Arc::clone(&writer);
                std::thread::spawn(move || {
                    for n in 0..25 {
                        assert_eq!(writer.write(insert(thread * 100 + n)).unwrap(), thread * 100 + n);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(rows(&reader), 400);
    }

    #[test]
    fn a_refusal_and_a_panic_undo_their_own_work_only() {
        let (_directory, writer, reader) = writer();
        writer.write(insert(1)).unwrap();
        let refused = writer.write(|tx| {
            insert(2)(tx)?;
            Err::<(), _>(StoreError::Busy)
        });
        assert!(matches!(refused, Err(StoreError::Busy)));
        let panicked = writer.write(|tx| -> Result<(), StoreError> {
            insert(3)(tx)?;
            panic!("a fault on purpose")
        });
        assert!(matches!(panicked, Err(StoreError::Panicked)));
        writer.write(insert(4)).unwrap();
        assert_eq!(rows(&reader), 2);
    }

    #[test]
    fn a_commit_that_fails_fails_its_jobs_and_leaves_nothing_behind() {
        let (_directory, writer, reader) = writer();
        // The foreign key is checked at COMMIT, so the statement succeeds and the commit does not.
        let failed = writer.write(|tx| {
            insert(1)(tx)?;
            tx.connection().execute("INSERT INTO u VALUES (99)", [])?;
            Ok::<_, StoreError>(())
        });
        assert!(matches!(failed, Err(StoreError::CommitFailed(_))), "{failed:?}");
        assert_eq!(rows(&reader), 0);
        writer.write(insert(2)).unwrap();
        assert_eq!(rows(&reader), 1);
    }

    #[test]
    fn a_file_that_another_process_holds_is_reported_as_busy() {
        let (_directory, writer, reader) = writer();
        reader.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(writer.write(insert(1)), Err(StoreError::Busy)));
        reader.execute_batch("ROLLBACK").unwrap();
        writer.write(insert(1)).unwrap();
    }

    #[test]
    fn a_file_that_another_process_holds_is_waited_for() {
        let (_directory, writer, other) = writer_with(Duration::from_secs(60));
        for n in 1..=20 {
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            std::thread::scope(|scope| {
                let written = scope.spawn(|| writer.write(insert(n)));
                std::thread::yield_now();
                other.execute_batch("ROLLBACK").unwrap();
                assert_eq!(written.join().unwrap().unwrap(), n);
            });
        }
        assert_eq!(rows(&other), 20);
    }

    #[test]
    fn while_the_file_is_held_all_are_told_together_and_not_one_after_the_other() {
        let busy_timeout = Duration::from_millis(300);
        let (_directory, writer, holder) = writer_with(busy_timeout);
        let (jobs, writer) = (12, Arc::new(writer));
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        let watch = Stopwatch::start();
        std::thread::scope(|scope| {
            for n in 0..jobs {
                let writer = &writer;
                scope.spawn(move || assert!(matches!(writer.write(insert(n)), Err(StoreError::Busy))));
            }
        });
        // One after the other they would take twelve times as long. This is the bound that was promised, not a speed.
        assert!(watch.elapsed() < busy_timeout * 6, "{:?}", watch.elapsed());
        holder.execute_batch("COMMIT").unwrap();
        assert_eq!(writer.write(insert(1)).unwrap(), 1);
    }

    type Work = Box<dyn FnOnce(&WriteTransaction<'_>) -> Result<i64, StoreError> + Send>;

    /// Has threads write while the writer is held up by a first job, each once the one before waits in the queue; then
    /// lets it go on. What each was told. `meanwhile` runs while all wait.
    fn together(writer: &Writer, works: Vec<Work>, meanwhile: impl FnOnce()) -> Vec<Result<i64, StoreError>> {
        let (begun, has_begun) = sync_channel(1);
        let (go_on, may_go_on) = sync_channel::<()>(1);
        std::thread::scope(|scope| {
            let first = scope.spawn(move || {
                writer.write(move |_| {
                    begun.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    Ok::<_, StoreError>(())
                })
            });
            has_begun.recv().unwrap();
            let threads: Vec<_> = (1..)
                .zip(works)
                .map(|(waiting, work)| {
                    let thread = scope.spawn(move || writer.write(work));
                    while writer.figures().waiting.get() < waiting {
                        std::thread::yield_now();
                    }
                    thread
                })
                .collect();
            meanwhile();
            go_on.send(()).unwrap();
            // It is of the same batch, and told the same.
            let _ = first.join().unwrap();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn inserting(numbers: impl Iterator<Item = i64>) -> Vec<Work> {
        numbers.map(|n| Box::new(insert(n)) as Work).collect()
    }

    #[test]
    fn all_that_wait_are_committed_together_and_in_order() {
        let (_directory, writer, reader) = writer();
        let order = Arc::new(Mutex::new(Vec::new()));
        let works = (0..8)
            .map(|n| {
                let order = Arc::clone(&order);
                let work: Work = Box::new(move |tx| {
                    order.lock().unwrap().push(n);
                    insert(n)(tx)
                });
                work
            })
            .collect();
        let told = together(&writer, works, || {
            assert_eq!(rows(&reader), 0);
        });
        assert!(told.iter().all(Result::is_ok), "{told:?}");
        assert_eq!(*order.lock().unwrap(), (0..8).collect::<Vec<_>>());
        let figures = writer.figures();
        assert_eq!(figures.batch.get_sample_count(), 1);
        // With the job that held the others up.
        assert!((figures.batch.get_sample_sum() - 9.0).abs() < 0.001);
        assert_eq!(rows(&reader), 8);
    }

    #[test]
    fn of_a_batch_the_refused_alone_write_nothing() {
        let (_directory, writer, reader) = writer();
        let works = (0..9)
            .map(|n| {
                let work: Work = Box::new(move |tx| {
                    insert(n)(tx)?;
                    match n % 3 {
                        0 => Ok(n),
                        1 => Err(StoreError::ReadOnly),
                        _ => panic!("a fault on purpose"),
                    }
                });
                work
            })
            .collect();
        let told = together(&writer, works, || ());
        for (n, told) in (0..).zip(told) {
            match n % 3 {
                0 => assert_eq!(told.unwrap(), n),
                1 => assert!(matches!(told, Err(StoreError::ReadOnly)), "{told:?}"),
                _ => assert!(matches!(told, Err(StoreError::Panicked)), "{told:?}"),
            }
        }
        assert_eq!(writer.figures().batch.get_sample_count(), 1);
        assert_eq!(rows(&reader), 3);
    }

    #[test]
    fn a_commit_that_fails_fails_all_of_its_batch() {
        let (_directory, writer, reader) = writer();
        let mut works = inserting(0..6);
        // Its own statements succeed; the foreign key is checked at COMMIT.
        works.push(Box::new(|tx| {
            tx.connection().execute("INSERT INTO u VALUES (99)", [])?;
            Ok(6)
        }));
        // One that was refused by itself is told its own reason.
        works.push(Box::new(|_| Err(StoreError::ReadOnly)));
        works.extend(inserting(7..9));
        let told = together(&writer, works, || ());
        for (n, told) in told.into_iter().enumerate() {
            let is_as_expected = match n {
                7 => matches!(told, Err(StoreError::ReadOnly)),
                _ => matches!(told, Err(StoreError::CommitFailed(_))),
            };
            assert!(is_as_expected, "{n}: {told:?}");
        }
        assert_eq!(rows(&reader), 0);
        assert_eq!(writer.figures().failed.get(), 1);
        writer.write(insert(1)).unwrap();
        assert_eq!(rows(&reader), 1);
    }

    #[test]
    fn beyond_the_places_in_the_queue_it_is_said_at_once() {
        let (_directory, writer, reader) = writer();
        let places = i64::try_from(PLACES).unwrap();
        let told = together(&writer, inserting(0..places), || {
            for _ in 0..3 {
                assert!(matches!(writer.write(insert(99)), Err(StoreError::Crowded)));
            }
            assert_eq!(writer.figures().waiting.get(), places);
        });
        assert!(told.iter().all(Result::is_ok), "{told:?}");
        writer.write(insert(99)).unwrap();
        assert_eq!(rows(&reader), places + 1);
    }
}
