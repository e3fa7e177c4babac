//! What the API shows of runs.

use serde_json::{Value, json};

use crate::support::{EVIL, Site};

fn keys(page: &Value) -> Vec<&str> {
    page["runs"].as_array().unwrap().iter().map(|run| run["key"].as_str().unwrap()).collect()
}

#[test]
fn runs_are_listed_page_by_page_and_each_once() {
    let site = Site::new(|it| it);
    for number in 0..7 {
        site.shop.run(&site.shop.order, &format!("order-{number}"));
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = site.json(&format!("/runs?limit=3&after={after}"));
        seen.extend(keys(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, (0..7).map(|number| format!("order-{number}")).collect::<Vec<_>>());
}

#[test]
fn filters_leave_the_rest_out_and_counts_count_it() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.order, "order-1");
    site.shop.run(&site.shop.fan_out, "batch-1");
    let open = site.shop.pending("approval-1");
    assert_eq!(keys(&site.json("/runs?status=unfinished")), ["approval-1"]);
    assert_eq!(keys(&site.json("/runs?key=order")), ["order-1"]);
    assert_eq!(keys(&site.json("/runs?until=1")), [""; 0]);
    let counts = site.json("/counts?key=order");
    assert_eq!(counts["total"], 1);
    assert_eq!(counts["states"], json!([{"status": "failed", "count": 1}]));
    open.cancel();
    open.wait().unwrap();
    assert_eq!(keys(&site.json("/runs?status=unfinished")), [""; 0]);
}

#[test]
fn a_filter_that_does_not_exist_is_a_mistake() {
    let site = Site::new(|it| it);
    let answer = site.get("/runs?state=failed");
    assert_eq!(answer.status, 400);
    assert!(answer.error().contains("unknown field `state`"), "{}", answer.error());
    let answer = site.get("/runs?status=broken");
    assert!(answer.error().contains("there is no status `broken`; there are unfinished, "));
    assert!(site.get("/runs?after=x").error().contains("`x` is no place in a list"));
}

#[test]
fn a_run_is_shown_with_its_steps_attempts_and_errors() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.order, "order/1");
    let run = site.json("/runs/order%2F1");
    assert_eq!((&run["status"], &run["steps"]), (&json!("failed"), &json!(2)));
    let steps = site.json("/runs/order%2F1/steps");
    let outcomes: Vec<_> =
        steps["steps"].as_array().unwrap().iter().map(|it| &it["outcome"]).collect();
    assert_eq!(outcomes, ["success", "failure"]);
    let charge = site.json("/runs/order%2F1/step?path=reserve/1/charge");
    assert_eq!(charge["history"][0]["errors"], json!([EVIL]));
    let reserve = site.json("/runs/order%2F1/step?path=reserve");
    assert_eq!(reserve["value"], json!({"text": "7", "bytes": 1}));
    assert_eq!(site.get("/runs/order%2F2").error(), "the store has no run `order/2`");
    assert_eq!(site.get("/runs/order%2F1/step?path=x").status, 404);
}

#[test]
fn a_picture_has_no_markup_of_users_and_no_style_of_its_own() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.order, "order-1");
    let picture = site.get("/runs/order-1/picture");
    assert!(picture.head.contains("content-type: image/svg+xml"), "{}", picture.head);
    assert!(picture.body.contains("data-step=\"1\""), "{}", picture.body);
    for part in ["<script", "<style", "style="] {
        assert!(!picture.body.contains(part), "{part}");
    }
}

#[test]
fn items_are_counted_and_those_that_failed_are_listed() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.fan_out, "batch-1");
    let step = site.json("/runs/batch-1/step?path=ship");
    assert_eq!(step["items"], json!({"succeeded": 99, "failed": 1, "bypassed": 0}));
    assert_eq!(step["history"].as_array().unwrap().len(), 1);
    assert_eq!(step["history"][0]["item"], 13);
}

#[test]
fn steps_come_in_pages() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.long, "long");
    let page = site.json("/runs/long/steps?from=2900&limit=500");
    assert_eq!(page["total"], 3000);
    assert_eq!(page["steps"].as_array().unwrap().len(), 100);
    assert_eq!(page["steps"][0]["index"], 2900);
}

/// Nobody looks through hundreds of pages for the step that failed, or for one with a known name.
#[test]
fn steps_are_found_by_text_by_failure_and_by_being_under_way() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.long, "long");
    let found = |path: &str| {
        let page = site.json(path);
        let steps = page["steps"].as_array().unwrap();
        assert_eq!(page["total"], steps.len());
        steps.iter().map(|it| it["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let by_text = found("/runs/long/steps?text=reserve%23299");
    assert_eq!((by_text.len(), &*by_text[0], &*by_text[1]), (11, "reserve#299", "reserve#2990"));
    site.shop.run(&site.shop.order, "order-1");
    assert_eq!(found("/runs/order-1/steps?only=failed"), ["reserve/1/charge"]);
    assert_eq!(found("/runs/order-1/steps?only=active"), [""; 0]);
    let open = site.shop.pending("approval-1");
    assert_eq!(found("/runs/approval-1/steps?only=active"), ["approve"]);
    assert_eq!(found("/runs/approval-1/steps?only=failed"), [""; 0]);
    assert_eq!(site.json("/runs/approval-1")["pending"][0]["index"], 1);
    open.cancel();
    open.wait().unwrap();
    assert_eq!(site.get("/runs/long/steps?only=slow").status, 400);
}

#[test]
fn the_grid_has_the_last_runs_of_a_pipeline_with_their_attempts() {
    let site = Site::new(|it| it);
    site.shop.run(&site.shop.order, "order-1");
    site.shop.run(&site.shop.order, "order-2");
    let name = site.json("/runs?limit=1")["runs"][0]["pipeline"].as_str().unwrap().to_owned();
    let grid = site.json(&format!("/grid?pipeline={name}"));
    assert_eq!(grid["steps"], json!(["reserve", "reserve/1/charge"]));
    assert_eq!(keys(&grid), ["order-2", "order-1"]);
    assert_eq!(grid["runs"][0]["cells"][1]["outcome"], "failure");
}

#[test]
fn what_is_under_way_is_shown_while_it_is() {
    let site = Site::new(|it| it);
    let open = site.shop.pending("approval-1");
    let run = site.json("/runs/approval-1");
    assert_eq!(run["active"], true);
    assert_eq!(run["pending"][0]["step"], "approve");
    assert_eq!(run["pending"][0]["output"], "String");
    open.cancel();
    open.wait().unwrap();
    assert_eq!(site.json("/runs/approval-1")["active"], false);
}
