//! Chromium, driven over two pipes by its own protocol.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

/// A browser with one page.
pub(crate) struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    profile: PathBuf,
    session: Option<String>,
    last: u64,
    /// What the page complained of: errors in its console, exceptions, answers that were errors.
    pub(crate) complaints: Vec<String>,
    /// What the page asked for.
    pub(crate) requests: Vec<String>,
}

impl Browser {
    pub(crate) fn start() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("nexus-browser-{}-{number}", std::process::id());
        let profile = std::env::temp_dir().join(name);
        // The browser reads commands from its file 3 and writes to its file 4.
        let script = r#"exec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run --disable-background-networking --disable-component-update --user-data-dir="$1" --remote-debugging-pipe about:blank 3<&0 4>&1 1>/dev/null 2>/dev/null"#;
        let mut process = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(&profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut browser = Self {
            process,
            to,
            from: BufReader::new(from),
            profile,
            session: None,
            last: 0,
            complaints: Vec::new(),
            requests: Vec::new(),
        };
        let page = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        let yes = json!({"enabled": true});
        browser.call("Emulation.setFocusEmulationEnabled", &yes);
        browser
    }

    /// Has something done, and waits until it is.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        let answer = self.try_call(method, parameters);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    fn try_call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        write!(self.to, "{message}\0").unwrap();
        self.to.flush().unwrap();
        loop {
            let message = self.next();
            if message["id"] == self.last {
                return message;
            }
            self.hear(&message);
        }
    }

    fn next(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).unwrap();
        bytes.pop().expect("Chromium has ended: is it installed?");
        serde_json::from_slice(&bytes).unwrap()
    }

    fn hear(&mut self, message: &Value) {
        let said = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => self.complaints.push(said["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if said["type"] == "error" => {
                self.complaints.push(said["args"].to_string());
            }
            "Log.entryAdded" if said["entry"]["level"] == "error" => {
                self.complaints.push(said["entry"].to_string());
            }
            "Network.requestWillBeSent" => {
                self.requests.push(said["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    /// Opens an address, and waits until the page has all it is made of: a page without its style is of no
    /// colour that anybody chose.
    pub(crate) fn open(&mut self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
        self.wait("document.readyState === 'complete'");
    }

    /// What an expression gives; a promise is waited for.
    pub(crate) fn eval(&mut self, script: &str) -> Value {
        let answer = self.call("Runtime.evaluate", &evaluation(script));
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true, and fails after a minute.
    pub(crate) fn wait(&mut self, condition: &str) {
        let script = format!(
            "new Promise((done) => {{ const end = Date.now() + 60000; (function look() {{ let is = false; try {{ is = {condition}; }} catch {{}} if (is || Date.now() > end) done(Boolean(is)); else setTimeout(look, 30); }})(); }})"
        );
        let mut answer = self.try_call("Runtime.evaluate", &evaluation(&script));
        // The page that was asked has been left meanwhile.
        if answer["error"]["message"] == "Inspected target navigated or closed" {
            answer = self.try_call("Runtime.evaluate", &evaluation(&script));
        }
        if answer["result"]["result"]["value"] != true {
            let text = self.eval("document.body.innerText");
            panic!("not so: {condition}\n{}\n{answer}", text.as_str().unwrap_or_default());
        }
    }

    /// Waits until the page shows this text somewhere.
    pub(crate) fn sees(&mut self, text: &str) {
        self.wait(&format!("document.body.innerText.includes({})", json!(text)));
    }

    pub(crate) fn click(&mut self, selector: &str) {
        let selector = json!(selector);
        self.wait(&format!("document.querySelector({selector})"));
        self.eval(&format!(
            "document.querySelector({selector}).dispatchEvent(new MouseEvent('click', {{ bubbles: true, cancelable: true }}))"
        ));
    }

    pub(crate) fn key(&mut self, key: &str, code: u32) {
        self.key_with(key, code, 0);
    }

    /// A key with Shift and the like, as the protocol counts them.
    pub(crate) fn key_with(&mut self, key: &str, code: u32, modifiers: u32) {
        let text = if key == "Enter" { "\r" } else { "" };
        let event = |kind: &str| json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers, "text": if kind == "keyDown" { text } else { "" }});
        self.call("Input.dispatchKeyEvent", &event("keyDown"));
        self.call("Input.dispatchKeyEvent", &event("keyUp"));
    }

    /// Types into what has the focus.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// Sets the width and height of the page.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// The page as a PNG, as Base64.
    pub(crate) fn screenshot(&mut self) -> String {
        // What was drawn last is on the screen after two frames.
        self.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
        let answer = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        answer["data"].as_str().unwrap_or_default().to_owned()
    }
}

fn evaluation(script: &str) -> Value {
    json!({"expression": script, "awaitPromise": true, "returnByValue": true})
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
