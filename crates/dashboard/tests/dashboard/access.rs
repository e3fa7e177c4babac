//! Who is let in, and who is not.

use nexus_core::Engine;
use nexus_dashboard::{Dashboard, ServeError};

use crate::support::Site;

const SECRET: &str = "correct-horse-battery";

fn with_token() -> Site {
    Site::new(|it| it.token("Ada", SECRET).unwrap().allow_actions(true))
}

fn get(site: &Site, path: &str, headers: &str) -> u16 {
    site.send(&format!("GET {path} HTTP/1.1\r\n{headers}"), "").status
}

#[test]
fn names_of_strangers_that_lead_here_are_refused() {
    let site = Site::new(|it| it.host("ops.example.com"));
    for host in
        ["localhost", "LOCALHOST:7878", "127.0.0.1:1", "[::1]:80", "10.1.2.3", "ops.example.com"]
    {
        assert_eq!(get(&site, "/api/v1/info", &format!("Host: {host}\r\n")), 200, "{host}");
    }
    for host in [
        "evil.example.com",
        "localhost.evil.com",
        "127.0.0.1.evil.com:80",
        "",
        "[x]",
        "user@localhost",
    ] {
        assert_eq!(get(&site, "/api/v1/info", &format!("Host: {host}\r\n")), 403, "{host}");
    }
    assert_eq!(get(&site, "/", "Host: evil.example.com\r\n"), 403);
}

#[test]
fn requests_of_other_pages_are_refused() {
    let site = Site::new(|it| it.allow_actions(true));
    let host = "Host: localhost:7878\r\n";
    assert_eq!(
        get(&site, "/api/v1/info", &format!("{host}Origin: http://localhost:7878\r\n")),
        200
    );
    for origin in ["http://evil.example.com", "http://localhost:1", "null", "localhost:7878"] {
        let status = get(&site, "/api/v1/info", &format!("{host}Origin: {origin}\r\n"));
        assert_eq!(status, 403, "{origin}");
    }
    let foreign = format!("{host}Sec-Fetch-Site: cross-site\r\n");
    assert_eq!(get(&site, "/api/v1/info", &foreign), 403);
    // A link from elsewhere leads to the page.
    assert_eq!(get(&site, "/", &format!("{foreign}Sec-Fetch-Mode: navigate\r\n")), 200);
}

#[test]
fn a_form_of_another_site_cannot_act() {
    let site = Site::new(|it| it.allow_actions(true));
    site.shop.run(&site.shop.order, "order-1");
    let body = r#"{"action":"retry","confirm":"order-1"}"#;
    let head = format!(
        "POST /api/v1/runs/order-1/actions HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n",
        body.len()
    );
    assert_eq!(site.send(&head, body).status, 415);
}

#[test]
fn without_the_token_nothing_is_shown() {
    let site = with_token();
    let host = "Host: localhost\r\n";
    for path in ["/info", "/runs", "/counts", "/live", "/openapi.json", "/actions"] {
        let path = format!("/api/v1{path}");
        assert_eq!(get(&site, &path, host), 401, "{path}");
        let wrong = format!("{host}Authorization: Bearer correct-horse-batterx\r\n");
        assert_eq!(get(&site, &path, &wrong), 401, "{path}");
    }
    let right = format!("{host}Authorization: Bearer {SECRET}\r\n");
    assert_eq!(get(&site, "/api/v1/info", &right), 200);
    let page = site.send(&format!("GET / HTTP/1.1\r\n{host}"), "");
    assert_eq!(page.status, 401);
    assert!(page.body.contains("type=\"password\""));
}

#[test]
fn a_browser_keeps_the_token_where_scripts_and_other_sites_cannot_use_it() {
    let site = with_token();
    let login = |token: &str| {
        let body = format!(r#"{{"token":"{token}"}}"#);
        let head = format!(
            "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n",
            body.len()
        );
        site.send(&head, &body)
    };
    assert_eq!(login("not-the-right-token").status, 401);
    let answer = login(SECRET);
    assert_eq!(answer.status, 204);
    assert!(answer.head.contains("httponly; samesite=strict"), "{}", answer.head);
    let cookie = format!("Host: localhost\r\nCookie: other=1; nexus_dashboard={SECRET}\r\n");
    assert_eq!(get(&site, "/api/v1/info", &cookie), 200);
    assert_eq!(get(&site, "/", &cookie), 200);
}

#[test]
fn an_action_is_recorded_under_the_name_of_the_token() {
    let site = with_token();
    site.shop.run(&site.shop.order, "order-1");
    let body = r#"{"action":"retry","confirm":"order-1","by":"Eve"}"#;
    let head = format!(
        "POST /api/v1/runs/order-1/actions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    let answer = site.send(&head, body);
    assert_eq!(answer.json()["by"], "Ada", "{}", answer.body);
}

#[test]
fn other_machines_are_not_let_in_without_a_token() {
    let engine = Engine::new();
    let error = Dashboard::new().serve(&engine, "0.0.0.0:0".parse().unwrap()).unwrap_err();
    assert!(matches!(error, ServeError::NoToken { .. }), "{error}");
    for weak in ["short", "a token with spaces in it", "token;token;token;"] {
        let error = Dashboard::new().token("Ada", weak).unwrap_err();
        assert!(error.to_string().contains("at least 16 characters"), "{error}");
    }
    let dashboard = Dashboard::new().token("Ada", SECRET).unwrap();
    drop(dashboard.serve(&engine, "0.0.0.0:0".parse().unwrap()).unwrap());
}

#[test]
fn every_answer_keeps_the_browser_careful() {
    let site = Site::new(|it| it);
    for path in ["/", "/script.js", "/style.css", "/api/v1/info", "/nothing"] {
        let answer = site.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n"), "");
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(answer.head.contains(header), "{path}: {header} not in {}", answer.head);
        }
        assert!(!answer.head.contains("access-control-allow"), "{path}");
    }
}
