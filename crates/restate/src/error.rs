//! What can go wrong between a program and its cluster.

/// The result of what this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done on the cluster. How a run itself ended is in its report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address is none.
    #[error("`{url}` is no address of a server: {why}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// What is asked for needs the admin interface, whose address nobody has given.
    #[error(
        "this needs the admin interface of the cluster at {url} as well; give its address with `Cluster::admin`"
    )]
    NoAdmin {
        /// The address of its ingress.
        url: String,
    },
    /// Nobody answers there, or not for long enough.
    #[error("no server answers at {url}: {source}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The server has refused a request.
    #[error("the server has refused {what}, with status {status}: {message}")]
    Refused {
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// What the server has answered makes no sense: it may be another program, or of a version that this
    /// crate does not know.
    #[error("the answer to {what} cannot be read: {why}")]
    Answer {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A run cannot go on before somebody does something about it.
    #[error("the run `{key}` does not go on: {why}")]
    Stuck {
        /// The run.
        key: String,
        /// What the cluster says of it.
        why: String,
    },
    /// The key has a run already, which is another one.
    #[error(
        "the key `{key}` belongs to a run with other inputs or another flow: it began with {began_with}, and was given {given}"
    )]
    KeyTaken {
        /// The key.
        key: String,
        /// The inputs of the run that has it, perhaps shortened.
        began_with: String,
        /// The inputs that were given, perhaps shortened.
        given: String,
    },
    /// A step is not resolved.
    #[error("`{step}` of the run `{key}` is not resolved: {why}")]
    NotResolved {
        /// The step.
        step: String,
        /// The run.
        key: String,
        /// Why not.
        why: String,
    },
    /// A message is longer than a cluster takes.
    #[error(
        "{what} is {bytes} bytes long, and may have {most}; put what is large somewhere else, and pass where it is"
    )]
    TooLong {
        /// What.
        what: String,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// A worker cannot be set up.
    #[error("the worker cannot begin: {0}")]
    Worker(String),
    /// The run cannot begin, or its report cannot be made.
    #[error(transparent)]
    Nexus(#[from] nexus_core::Error),
}
