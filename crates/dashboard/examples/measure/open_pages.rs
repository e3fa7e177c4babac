//! A process that is four open pages. It asks what the pages' scripts ask, and as often, and draws nothing: a
//! browser is on another machine, as a rule, and what it takes to draw is not the dashboard's.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Result;
use crate::client::{Client, listen};

/// The first argument of the process.
pub(crate) const ROLE: &str = "open-pages";

/// What the pages show.
const VIEWS: [View; 4] =
    [View::Runs, View::Run { place: 0, number: 0 }, View::Runs, View::Run { place: 1, number: 0 }];

#[derive(Clone, Copy)]
enum View {
    /// The table of runs: `runs.js`.
    Runs,
    /// One run: `run.js`. When it is over, its user goes on to the next one at its place.
    Run { place: u32, number: u32 },
}

/// Is open pages until the standard input ends.
pub(crate) fn be(address: SocketAddr) -> Result<()> {
    for view in VIEWS {
        let mut page = Page::open(address, view)?;
        std::thread::spawn(move || {
            // The server may end before the pages do.
            while page.hear().is_ok() {}
        });
    }
    println!("open");
    let _ = std::io::stdin().read(&mut [0]);
    Ok(())
}

struct Page {
    view: View,
    news: TcpStream,
    client: Client,
    /// The state of the run when its picture was drawn last.
    drawn: Option<[String; 2]>,
}

impl Page {
    fn open(address: SocketAddr, view: View) -> Result<Self> {
        let mut news = listen(address)?;
        let _ = news.read(&mut [0; 1024])?;
        Ok(Self { view, news, client: Client::connect(address)?, drawn: None })
    }

    /// Waits for news that concerns what is shown, and shows it; then nothing for a while.
    fn hear(&mut self) -> Result<()> {
        let mut bytes = vec![0; 64 * 1024];
        let read = self.news.read(&mut bytes)?;
        let news = String::from_utf8_lossy(bytes.get(..read).unwrap_or_default());
        if news.is_empty() {
            return Err("the server has ended".into());
        }
        let is_of =
            |key: &str| news.contains("\"more\":true") || news.contains(&format!("\"{key}\""));
        match self.view {
            View::Runs if news.contains("data:") => {
                self.client.get("/runs")?;
                self.client.get("/counts")?;
                std::thread::sleep(Duration::from_secs(1));
            }
            View::Runs => {}
            View::Run { place, number } => {
                let key = format!("{place}-{number}");
                if is_of(&key) {
                    if self.load(&key)? {
                        self.view = View::Run { place, number: number + 1 };
                        self.drawn = None;
                    }
                    std::thread::sleep(Duration::from_millis(500));
                }
            }
        }
        Ok(())
    }

    /// Shows a run; says whether it is over.
    fn load(&mut self, key: &str) -> Result<bool> {
        // The first news may come before the run is in the store.
        let Some(run) = self.client.get(&format!("/runs/{key}"))? else { return Ok(false) };
        let state = ["records", "status"].map(|name| member(&run, name));
        let is_over = member(&run, "ended") != "null";
        if is_over && self.drawn.as_ref() == Some(&state) {
            return Ok(true);
        }
        self.client.get(&format!("/runs/{key}/steps?from=0&limit=200"))?;
        if self.drawn.as_ref() != Some(&state) {
            self.client.get(&format!("/runs/{key}/picture"))?;
            self.drawn = Some(state);
        }
        Ok(is_over)
    }
}

/// The first member of this name.
fn member(json: &str, name: &str) -> String {
    let rest = json.split_once(&format!("\"{name}\":")).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split([',', '}']).next()).unwrap_or_default().to_owned()
}
