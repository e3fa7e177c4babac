//! What is read when, in which order results come, and how much is alive at a time.

use super::*;

#[test]
fn nothing_is_read_before_it_is_asked_for_and_never_more_than_the_window() {
    for (size, in_flight) in [(1, 1), (1, 4), (7, 1), (7, 3)] {
        let pulls = Cell::new(0_u64);
        let endless = std::iter::repeat_with(|| {
            pulls.set(pulls.get() + 1);
            0
        });
        let batches = Batch::of(Sums::new(1)).over(endless).batch_size(size).in_flight(in_flight);
        let mut batches = batches.start().unwrap();
        assert_eq!(pulls.get(), 0);
        for taken in 1..50 {
            batches.next().unwrap().unwrap();
            // What was handed on, and what may be under way beside it.
            let most = (taken - 1 + in_flight as u64) * size as u64;
            assert!((taken * size as u64..=most).contains(&pulls.get()), "{taken} {}", pulls.get());
        }
        let read = pulls.get();
        drop(batches);
        assert_eq!(pulls.get(), read);
    }
}

#[test]
fn reports_come_in_order_though_runs_end_in_another() {
    within(|| {
        let (gate, engine) = gated();
        let opener = Arc::clone(&gate);
        let helper = std::thread::spawn(move || {
            wait_until(|| opener.entered.load(SeqCst) == 4);
            // The window is full of what waits for 0, and nothing more begins.
            for number in [3, 2, 1] {
                opener.open(number);
            }
            wait_until(|| opener.left.load(SeqCst) == 3);
            assert_eq!(opener.entered.load(SeqCst), 4);
            (0..8).for_each(|number| opener.open(number));
        });
        let mut seen = Vec::new();
        let batches = Batch::of(Gated { numbers: vec![] }).over(0..8).in_flight(4).on(&engine);
        let summary = batches.for_each(|it| seen.push((it.index, output(&it)))).unwrap();
        helper.join().unwrap();
        assert_eq!(seen, (0..8).map(|it| (it, it)).collect::<Vec<_>>());
        assert_eq!(summary.succeeded, 8);
    });
}

#[test]
fn a_slow_batch_holds_nobody_back_where_only_the_summary_is_wanted() {
    within(|| {
        let (gate, engine) = gated();
        (1..100).for_each(|number| gate.open(number));
        let mut seen = Vec::new();
        let last = Arc::clone(&gate);
        let batches = Batch::of(Gated { numbers: vec![] }).over(0..100).in_flight(2).on(&engine);
        let summary = batches.progress(|it| {
            seen.push(it.items);
            if it.items == 99 {
                last.open(0);
            }
        });
        assert!(summary.run().unwrap().is_success());
        assert_eq!(seen, (1..=100).collect::<Vec<_>>());
    });
}

#[test]
fn a_report_does_not_wait_for_the_window_to_fill_where_the_input_is_slow() {
    /// Says that a run has ended.
    struct Ended(Mutex<Sender<()>>);
    impl Observer for Ended {
        fn pipeline_execution_end(&self, _: &RunEvent<'_>, _: &RunEnd<'_>) {
            self.0.lock().unwrap().send(()).unwrap();
        }
    }
    within(|| {
        let (send, ended) = channel();
        let engine = Engine::builder().observer(Ended(Mutex::new(send))).build().unwrap();
        let read = Cell::new(0);
        // Each item comes when the runs of all before it have ended. The first report must have
        // been there long before the last of a thousand items.
        let slow = (0..1000).inspect(|item| {
            if *item > 0 {
                ended.recv_timeout(TEST_TIMEOUT).unwrap();
            }
            read.set(item + 1);
        });
        let batches = Batch::of(Where { rows: vec![] }).over(slow).in_flight(1000).on(&engine);
        let mut batches = batches.start().unwrap();
        assert_eq!(batches.next().unwrap().unwrap().index, 0);
        assert!(read.get() < 1000, "{}", read.get());
        assert_eq!(batches.flatten().count(), 999);
    });
}

struct Counted(Arc<AtomicU64>);

impl Counted {
    fn new(alive: &Arc<AtomicU64>) -> Self {
        alive.fetch_add(1, SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[event]
fn look(items: &Vec<Counted>) -> Outcome<()> {
    let _ = items;
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = look)]
struct Look {
    #[field(batch_size = 8)]
    items: Vec<Counted>,
}

#[test]
fn no_more_items_are_alive_than_the_window_and_the_batch_that_is_read() {
    let alive = Arc::new(AtomicU64::new(0));
    let most = Cell::new(0);
    let input = std::iter::repeat_with(|| {
        let item = Counted::new(&alive);
        most.set(most.get().max(alive.load(SeqCst)));
        item
    });
    let batches = Batch::of(Look { items: vec![] }).over(input.take(20_000)).in_flight(3);
    let summary = batches.run().unwrap();
    assert_eq!(summary.items, 20_000);
    // Three in flight (the one being read takes the place of a fourth) and no report holds items.
    assert!(most.get() <= 4 * 8, "{}", most.get());
    assert_eq!(alive.load(SeqCst), 0);
}

#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 1, thread_name_prefix: "inner-batch-" })]
fn inner(numbers: &Vec<u64>) -> Outcome<u64> {
    Outcome::success(numbers.iter().sum())
}

#[derive(Pipeline)]
#[pipeline(flow = inner)]
struct Inner {
    #[field(batch_size = 3)]
    numbers: Vec<u64>,
}

/// Sits on the one worker that the inner runs need.
#[event(executor = ThreadPoolExecutor, executor_config = { max_workers: 1, thread_name_prefix: "inner-batch-" })]
fn outer(numbers: &Vec<u64>) -> Result<u64, Error> {
    let mut total = 0;
    let batches = Batch::of(Inner { numbers: vec![] }).over(numbers.iter().copied()).in_flight(3);
    batches.for_each(|it| total += output(&it))?.ok()?;
    Ok(total)
}

#[derive(Pipeline)]
#[pipeline(flow = outer)]
struct Outer {
    #[field(batch_size = 30)]
    numbers: Vec<u64>,
}

#[test]
fn a_batch_inside_an_event_takes_no_worker_from_its_runs() {
    within(|| {
        let mut totals = Vec::new();
        let batches = Batch::of(Outer { numbers: (0..90).collect() }).in_flight(2);
        let summary = batches.for_each(|it| totals.push(output(&it))).unwrap();
        assert!(summary.is_success(), "{summary}");
        assert_eq!(totals.iter().sum::<u64>(), (0..90).sum::<u64>());
    });
}

#[event]
fn meet(numbers: &Vec<u64>, barrier: State<Barrier>) -> Outcome<()> {
    let _ = numbers;
    barrier.wait();
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = meet)]
struct Meeting {
    #[field(batch_size = 1)]
    numbers: Vec<u64>,
}

#[test]
fn as_many_runs_are_under_way_as_may_be() {
    within(|| {
        let engine = Engine::builder().state(Barrier::new(5)).build().unwrap();
        let batches = Batch::of(Meeting { numbers: vec![] }).over(0..20).in_flight(5).on(&engine);
        assert_eq!(batches.run().unwrap().succeeded, 20);
    });
}
