//! How a schedule stands, as its store says.

use jiff::{Timestamp, ZonedDateTime};
use nexus_core::Result;
use nexus_core::journal::{Request, RunQuery, Store, StoredRun};

use super::from_stored;
use super::scheduled::Scheduled;

/// How a schedule stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduleStatus {
    /// Whether somebody has paused it.
    pub is_paused: bool,
    /// The first of its times that has come and of which nothing has become yet. Where a program fires the
    /// schedule, there is one for a moment only, or while a run waits for the one before.
    pub due: Option<ZonedDateTime>,
    /// Its last run that is recorded, if there is one.
    pub last: Option<StoredRun>,
    /// When it fires next, in its zone; five times, unless it ends before.
    pub next: Vec<ZonedDateTime>,
}

impl Scheduled {
    /// How it stands, as this store says, which another process may own.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub fn status(&self, store: &dyn Store, now: Timestamp) -> Result<ScheduleStatus> {
        let next = self.schedule.after(now).take(5).collect();
        let standing = Standing::of(self, &store.requests()?);
        let followed = standing.after.filter(|_| !standing.is_paused);
        let due = followed.and_then(|after| self.schedule.after(after).next());
        let due = due.filter(|due| due.timestamp() <= now);
        let (is_paused, last) = (standing.is_paused, self.last_run(store)?);
        Ok(ScheduleStatus { is_paused, due, last, next })
    }

    fn last_run(&self, store: &dyn Store) -> Result<Option<StoredRun>> {
        let query = RunQuery { key_prefix: Some(self.prefix()), limit: Some(1), ..RunQuery::all() };
        Ok(store.runs(&query)?.pop())
    }
}

/// What was asked for of a schedule.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub(super) is_paused: bool,
    /// Its times after this one count.
    pub(super) after: Option<Timestamp>,
    /// Firings outside its times: when they were asked for, and the requests' numbers.
    pub(super) fire: Vec<(u64, Timestamp)>,
    /// The requests that say no more than later ones.
    pub(super) outdated: Vec<u64>,
}

impl Standing {
    /// What these requests, in their order, ask for.
    pub(super) fn of(scheduled: &Scheduled, requests: &[(u64, Request)]) -> Self {
        let mut standing = Self::default();
        let mut followed: Option<(u64, Timestamp)> = None;
        // The last pause or resumption; of that, the time.
        let mut switched: Option<(u64, Option<Timestamp>)> = None;
        let of_it = requests.iter().filter(|(_, request)| request.key() == &scheduled.name);
        for (number, request) in of_it {
            let outdated = match request {
                Request::PauseSchedule { .. } => switched.replace((*number, None)).map(|it| it.0),
                Request::ResumeSchedule { after, .. } => {
                    let switched = switched.replace((*number, Some(from_stored(*after))));
                    switched.map(|it| it.0)
                }
                Request::FollowSchedule { after, .. } => {
                    let (new, old) = (Some((*number, from_stored(*after))), followed);
                    let is_later = new.map(|it| it.1) >= old.map(|it| it.1);
                    followed = if is_later { new } else { old };
                    if is_later { old.map(|it| it.0) } else { Some(*number) }
                }
                Request::FireSchedule { at, .. } => {
                    standing.fire.push((*number, from_stored(*at)));
                    None
                }
                _ => None,
            };
            standing.outdated.extend(outdated);
        }
        standing.after = followed.map(|it| it.1);
        match switched {
            Some((_, None)) => standing.is_paused = true,
            // What was done since then says more.
            Some((number, resumed)) if resumed <= standing.after => standing.outdated.push(number),
            Some((_, resumed)) => standing.after = resumed,
            None => {}
        }
        standing
    }
}
