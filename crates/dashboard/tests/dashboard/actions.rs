//! What people have done to runs through the dashboard.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use serde_json::json;

use crate::support::Site;

#[test]
fn actions_are_off_unless_they_are_allowed() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.order, "order-1");
    let answer = site.act("order-1", r#"{"action":"retry","confirm":"order-1"}"#);
    assert_eq!(answer.status, 403);
    assert!(answer.error().contains("Dashboard::allow_actions"));
    assert_eq!(site.json("/info")["actions"], false);
}

#[test]
fn a_run_is_tried_again_from_what_failed_and_it_is_known_who_did_it() {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let site = Site::new(|it| {
        it.allow_actions(true)
            .on_action(move |action| drop(tell.lock().unwrap().send(action.clone())))
    });
    site.shop.run(&site.shop.order, "order-1");
    site.shop.bank_is_open.store(true, Ordering::SeqCst);
    let answer = site.act("order-1", r#"{"action":"retry","confirm":"order-1","by":"Ada"}"#);
    assert_eq!(answer.status, 200, "{}", answer.body);
    // The run goes on in the background; whoever gives its key again gets its report.
    site.shop.run(&site.shop.order, "order-1");
    assert_eq!(site.json("/runs/order-1")["status"], "succeeded");
    assert_eq!(site.json("/runs/order-1")["revisions"][0]["kind"], "retried");
    let log = site.json("/actions?key=order-1");
    assert_eq!((&log[0]["by"], &log[0]["action"]), (&json!("Ada"), &json!("retry")));
    assert_eq!(site.json("/runs/order-1")["actions"], log);
    // The store has it, for programs after this one.
    assert_eq!(site.shop.engine.actions(Some("order-1"), 10).unwrap()[0].by, "Ada");
    let nowhere = site.act("order-2", r#"{"action":"cancel","confirm":"order-2","by":"Ada"}"#);
    assert_eq!(nowhere.status, 409, "{}", nowhere.body);
    assert_eq!(site.json("/actions"), log, "a run that is not there has no actions");
    assert_eq!(told.recv().unwrap().by, "Ada");
}

#[test]
fn an_action_without_its_confirmation_does_nothing() {
    let site = Site::new(|it| it.allow_actions(true));
    site.shop.run(&site.shop.order, "order-1");
    let answer = site.act("order-1", r#"{"action":"retry","confirm":"order-2"}"#);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.error(), "`confirm` must be the key of the run, `order-1`");
    assert!(
        site.act("order-1", r#"{"action":"retry"}"#).error().contains("missing field `confirm`")
    );
    assert!(site.act("order-1", r#"{"action":"explode"}"#).error().contains("unknown variant"));
    assert_eq!(site.json("/runs/order-1")["revisions"], json!([]));
}

#[test]
fn a_pending_step_is_resolved_by_a_value_of_its_type_alone() {
    let site = Site::new(|it| it.allow_actions(true));
    let open = site.shop.pending("approval-1");
    let wrong = r#"{"action":"resolve","confirm":"approval-1","step":"approve","value":7}"#;
    let answer = site.act("approval-1", wrong);
    assert_eq!(answer.status, 409);
    assert!(answer.error().contains("yields `String`"), "{}", answer.error());
    assert_eq!(site.json("/runs/approval-1")["pending"][0]["step"], "approve");
    let right = r#"{"action":"resolve","confirm":"approval-1","step":"approve","value":"yes"}"#;
    assert_eq!(site.act("approval-1", right).status, 200);
    assert_eq!(open.wait().unwrap().output::<String>().unwrap(), "yes");
    // What was tried in vain is remembered too.
    assert!(site.json("/actions")[1]["error"].as_str().unwrap().contains("yields `String`"));
}

#[test]
fn a_run_is_cancelled_once() {
    let site = Site::new(|it| it.allow_actions(true));
    let open = site.shop.pending("approval-1");
    let cancel = r#"{"action":"cancel","confirm":"approval-1"}"#;
    assert_eq!(site.act("approval-1", cancel).status, 200);
    open.wait().unwrap();
    let again = site.act("approval-1", cancel);
    assert_eq!(again.status, 409);
    assert!(again.error().contains("is over (cancelled)"), "{}", again.error());
}
