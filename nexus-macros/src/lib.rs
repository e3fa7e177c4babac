//! The macros of nexus. Use them through the crate `nexus`, which re-exports them.
#![forbid(unsafe_code)]

mod args;
mod attribute;
mod ctxt;
mod debug;
mod derive;
mod descriptor;
mod event;
#[cfg(test)]
mod expansion_tests;
mod hash;
mod literal;
mod pipeline;
mod root;
mod span;
mod text;
mod types;

use proc_macro::TokenStream;

/// Makes an event of a function, or of a struct's `process`.
///
/// The function stays as it is, and can be called and tested as before. Beside it there is now a
/// type of the same name, by which flows and reports speak of the event.
///
/// ```
/// use nexus::prelude::*;
///
/// #[derive(Debug, Clone)]
/// pub struct Order {
///     pub total: u32,
/// }
///
/// /// Rejects an order that cannot be charged.
/// #[event]
/// fn validate(order: &Order) -> Outcome<u32> {
///     if order.total == 0 {
///         return Outcome::failure("nothing to pay");
///     }
///     Outcome::success(order.total)
/// }
///
/// /// Charges the card, trying three times.
/// #[event(
///     executor = ThreadPoolExecutor,
///     executor_config = { max_workers: 4, thread_name_prefix: "payment" },
///     retry_policy = { max_attempts: 3, backoff_factor: 0.5, retry_on_exceptions: [std::io::Error] },
/// )]
/// fn charge(#[piped] total: u32) -> Result<String, std::io::Error> {
///     Ok(format!("{total} paid"))
/// }
///
/// #[derive(Pipeline)]
/// #[pipeline(flow = validate |-> charge)]
/// struct Checkout {
///     order: Order,
/// }
///
/// let report = Checkout { order: Order { total: 12 } }.run()?;
/// assert_eq!(report.output::<String>()?, "12 paid");
/// assert!(validate(&Order { total: 1 }).is_success());
/// # Ok::<(), nexus::Error>(())
/// ```
///
/// # Parameters
///
/// | parameter | what it takes |
/// |---|---|
/// | `order: &Order`, `order: Arc<Order>` | the pipeline's field `order`, never cloned |
/// | `order: Order` | the same, cloned |
/// | `name: &str`, `items: &[T]`, `folder: &Path`, `note: Option<&T>` | a field of type `String`, `Vec<T>`, `PathBuf`, `Option<T>` |
/// | `#[piped] x: T` | what came along <code>\|-></code>; of a group a tuple or a `Vec`, with `Result<_, Failure>` to receive failures too |
/// | `gateway: State<Gateway>` | a resource of the engine |
/// | `ctx: &Context` | the run's context |
///
/// # What an event returns
///
/// `Outcome<T>`, `Result<T, E>`, `Result<Outcome<T>, E>`, `(bool, T)`, or an enum that derives
/// [`Descriptor`], whose variants name branches. `Ok` is success, `Err` an exception. `E` is any error
/// that turns into a `Box<dyn Error + Send + Sync>`; `anyhow::Error` and `String` do as well.
///
/// # Async events
///
/// An `async fn` is an event as well, and so is a struct with an `async fn process`; parameters and
/// answers are the same. It runs on `AsyncExecutor`, whether it names it or not, and on no other
/// executor. Its future must be `Send`. It needs nexus's feature `tokio`; without it, the compiler
/// says so at the `async`. The guide's chapter on executors has examples.
///
/// # Settings
///
/// | key | value |
/// |---|---|
/// | `executor` | the type of the executor; `AsyncExecutor` for an `async fn`, where this is left out |
/// | `executor_config` | `{ max_workers: 4, max_tasks_per_child: 50, thread_name_prefix: "x", stack_size: 1048576, max_concurrency: 8 }`, or an `ExecutorInitializerConfig` |
/// | `retry_policy` | `{ max_attempts: 3, backoff_factor: 0.5, max_backoff: 10.0, retry_on_exceptions: [E], retry_if: \|e: &E\| .., jitter: full, max_elapsed: "30s" }`, or a `RetryPolicy` |
/// | `stop_on_success`, `stop_on_error`, `stop_on_exception` | nothing, `true` or `false` |
/// | `execution_evaluation_state` | `SuccessForPartialSuccess` and its kind |
/// | `timeout` | how long one attempt may take: `"200ms"`, `"30s"`, `"1h30m"`, or a `Duration` |
/// | `checkpoint` | nothing, `true` or `false`: whether a durable run records the outcome |
/// | `version` | a whole number, at least 1: raised when a durable run that began before must not go on with the event as it is now |
/// | `bypass` | a function `fn(&Context) -> Bypass<T>` (of a struct: its `can_bypass_current_event`) |
/// | `name` | what flows that arrive as text call the event |
/// | `crate` | the path of nexus, where it has another name |
///
/// # Struct events
///
/// See [`derive@Event`].
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute::event(args.into(), &item.into()).into()
}

/// Makes an event of a struct: one with fields that a flow sets.
///
/// What it does is its `process`, in an impl block with [`#[event]`](macro@event). Parameters bind
/// as those of functions do.
///
/// ```
/// use nexus::prelude::*;
///
/// #[derive(Event)]
/// #[event(stop_on_error)]
/// struct Scale {
///     factor: f64,
///     #[field(default = 1)]
///     times: u32,
/// }
///
/// #[event]
/// impl Scale {
///     fn process(&self, x: &f64) -> Outcome<f64> {
///         Outcome::success(x * self.factor.powf(f64::from(self.times)))
///     }
///
///     // Optional: whether to skip the event, and with which value.
///     fn can_bypass_current_event(&self, _ctx: &Context) -> Bypass<f64> {
///         if self.times == 0 { Bypass::skip_with("nothing to do", 1.0) } else { Bypass::no() }
///     }
/// }
///
/// #[derive(Pipeline)]
/// #[pipeline(flow = Scale[factor = 2.0, times = 3])]
/// struct Grow {
///     x: f64,
/// }
///
/// assert_eq!(Grow { x: 1.5 }.run()?.output::<f64>()?, &12.0);
/// # Ok::<(), nexus::Error>(())
/// ```
///
/// A field without `#[field(default)]` or `#[field(default = ..)]` must be set in every flow. One
/// whose type is no number, text, flag or list of them cannot be set, and so needs a default.
///
/// The settings are those of [`#[event]`](macro@event), which stands above or below the derive.
#[proc_macro_derive(Event, attributes(field))]
pub fn derive_event(item: TokenStream) -> TokenStream {
    derive::derive(item.into()).into()
}

/// Makes a pipeline of a struct: its fields are the input, its flow is checked when the crate
/// compiles.
///
/// ```
/// use nexus::prelude::*;
///
/// #[event]
/// fn fetch(city: &String) -> Outcome<u32> {
///     Outcome::success(city.len() as u32)
/// }
/// #[event]
/// fn store(#[piped] degrees: u32, unit: &String) -> Outcome<String> {
///     Outcome::success(format!("{degrees} {unit}"))
/// }
/// #[event]
/// fn alert(#[piped] why: &Failure) -> Outcome<()> {
///     eprintln!("{why}");
///     Outcome::success(())
/// }
///
/// /// From a city to its weather.
/// #[derive(Pipeline)]
/// #[pipeline(flow = fetch (0 |-> alert, 1 |-> store), timeout = "5m")]
/// struct Weather {
///     city: String,
///     #[field(default = "degrees")]
///     unit: String,
/// }
///
/// // `new` takes the fields that have no default.
/// let report = Weather::new("Oslo".into()).run()?;
/// assert_eq!(report.get::<store>()?, "4 degrees");
/// assert_eq!(Weather::timeout(), Some(std::time::Duration::from_secs(300)));
/// # Ok::<(), nexus::Error>(())
/// ```
///
/// A field has a default with `#[field(default)]` or `#[field(default = ..)]`, and is filled in
/// batches with `#[field(batch_size = 500)]`.
///
/// # Settings
///
/// | key | value |
/// |---|---|
/// | `flow` | the flow in tokens: names are Rust paths, comments are `//`; or in a text, where they are `#` |
/// | `file` | a file with the flow, relative to the directory of `Cargo.toml` |
/// | `durable` | nothing, `true` or `false`: checks that a store can keep every field and what every step yields |
/// | `timeout` | how long a run may take: `"30s"`, `"5m"`, or a `Duration` |
/// | `name` | the pipeline's name in reports; that of the struct, if left out |
/// | `crate` | the path of nexus, where it has another name |
///
/// # What is checked
///
/// That every name is an event, every parameter a field of the right type, every value along
/// <code>|-></code> one that the next event takes, every setting known and of the right type, every
/// executor one, and that an event whose value names branches has all of them.
///
/// With `durable`, also that every field and every value that a step yields is `serde::Serialize` and
/// `serde::Deserialize`, so that a store can keep it; that of an event with `checkpoint = false` need
/// not be. It takes nexus's feature `durable`.
#[proc_macro_derive(Pipeline, attributes(pipeline, field))]
pub fn derive_pipeline(item: TokenStream) -> TokenStream {
    pipeline::derive(item.into()).into()
}

/// Makes an enum name branches: an event that returns it goes to the branch of its variant, and a
/// flow that forgets one does not compile.
///
/// ```
/// use nexus::prelude::*;
///
/// #[derive(Descriptor)]
/// enum Tier {
///     /// The branch `premium`.
///     Premium,
///     #[descriptor(101)]
///     Trial { days: u32 },
///     #[descriptor(name = "free")]
///     NotPaying,
/// }
///
/// #[event]
/// fn classify(spent: &u32) -> Tier {
///     match spent {
///         0 => Tier::NotPaying,
///         1..10 => Tier::Trial { days: 30 },
///         _ => Tier::Premium,
///     }
/// }
/// #[event]
/// fn greet() -> Outcome<()> {
///     Outcome::success(())
/// }
/// #[event]
/// fn remind(#[piped] tier: &Tier) -> Outcome<u32> {
///     Outcome::success(if let Tier::Trial { days } = tier { *days } else { 0 })
/// }
///
/// #[derive(Pipeline)]
/// #[pipeline(flow = classify (premium -> greet, 101 |-> remind, free -> greet))]
/// struct Route {
///     spent: u32,
/// }
///
/// assert_eq!(Route { spent: 5 }.run()?.get::<remind>()?, &30);
/// # Ok::<(), nexus::Error>(())
/// ```
#[proc_macro_derive(Descriptor, attributes(descriptor))]
pub fn derive_descriptor(item: TokenStream) -> TokenStream {
    descriptor::derive(item.into()).into()
}
