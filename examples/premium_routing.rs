//! Choosing the way at run time: goto by number and by type, bypass, stop conditions.
//!
//! `cargo run --example premium_routing`

use nexus::prelude::*;

#[derive(Debug, Clone, PartialEq)]
enum Plan {
    Free,
    Premium,
}

#[derive(Debug, Clone)]
struct User {
    name: &'static str,
    role: &'static str,
    email: &'static str,
    plan: Plan,
    requests_today: u32,
}

/// Nobody gets in without an address; whoever fails here ends the run.
#[event(bypass = no_validation_needed, stop_on_error)]
fn validate_user(user: &User) -> Outcome<()> {
    if user.email.is_empty() {
        return Outcome::failure("Email is required");
    }
    Outcome::success(())
}

/// Admins are known, and during maintenance nobody is turned away.
fn no_validation_needed(ctx: &Context) -> Bypass<()> {
    match (ctx.field::<User>("user"), ctx.field::<bool>("maintenance")) {
        (Some(user), _) if user.role == "admin" => Bypass::skip("Admin users skip validation"),
        (_, Some(true)) => Bypass::skip("Maintenance mode active"),
        _ => Bypass::no(),
    }
}

/// The tutorial's jump: descriptor 101 is the premium branch.
#[event]
fn classify(user: &User) -> Outcome<String> {
    let greeting = format!("Dear {}", user.name);
    if user.plan == Plan::Premium {
        return Outcome::goto(101, greeting).reason("Premium user detected");
    }
    Outcome::success(greeting)
}

/// The same decision by type: a flow that forgets one of these does not compile.
#[derive(Debug, Descriptor)]
enum Lane {
    Express,
    Standard,
    #[descriptor(name = "queue")]
    Throttled,
}

/// Picks the lane for the answer.
#[event]
fn choose_lane(user: &User) -> Lane {
    match (&user.plan, user.requests_today) {
        (Plan::Premium, _) => Lane::Express,
        (Plan::Free, 0..100) => Lane::Standard,
        (Plan::Free, _) => Lane::Throttled,
    }
}

#[event]
fn process_premium(#[piped] greeting: &str) -> Outcome<String> {
    Outcome::success(format!("{greeting}, your account manager has it"))
}

#[event]
fn process_regular(#[piped] greeting: &str) -> Outcome<String> {
    Outcome::success(format!("{greeting}, we will look at it"))
}

#[event]
fn answer_now() -> Outcome<&'static str> {
    Outcome::success("answered at once")
}

#[event]
fn answer_soon() -> Outcome<&'static str> {
    Outcome::success("answered within the hour")
}

#[event]
fn answer_tomorrow(user: &User) -> (bool, String) {
    (false, format!("{} has used up today's {} requests", user.name, user.requests_today))
}

/// What a user's request goes through.
#[derive(Pipeline)]
#[pipeline(flow = validate_user
    -> classify (1 |-> process_regular, 101 |-> process_premium)
    -> choose_lane (express -> answer_now, standard -> answer_soon, queue -> answer_tomorrow)
)]
struct RequestPipeline {
    user: User,
    maintenance: bool,
}

fn main() -> nexus::Result<()> {
    let ada = User {
        name: "Ada",
        role: "member",
        email: "ada@example.org",
        plan: Plan::Premium,
        requests_today: 7,
    };
    let bob = User { name: "Bob", plan: Plan::Free, ..ada.clone() };
    let cases = [
        ("a premium user", ada.clone(), false),
        ("a regular user", bob.clone(), false),
        ("a regular user, once too often", User { requests_today: 100, ..bob.clone() }, false),
        ("an admin without an address", User { role: "admin", email: "", ..ada }, false),
        ("a user without an address", User { email: "", ..bob.clone() }, false),
        ("the same during maintenance", User { email: "", ..bob }, true),
    ];
    for (what, user, maintenance) in cases {
        let report = RequestPipeline { user, maintenance }.run()?;
        println!("# {what}\n{report}\n");
    }
    Ok(())
}
