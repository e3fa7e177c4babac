//! An executor of the user's runs plain functions.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Debug)]
struct Mine;

impl Executor for Mine {
    fn from_config(_: &ExecutorInitializerConfig) -> Result<Self, nexus::ConfigError> {
        Ok(Self)
    }
    fn submit(&self, job: nexus::Job) {
        job.run();
    }
}

#[event(executor = Mine)]
async fn step() -> Outcome<()> {
    Outcome::success(())
}

fn main() {}
