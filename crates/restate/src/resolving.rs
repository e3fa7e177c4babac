//! Steps that wait for the world outside, as those see them who have the answer.

use std::sync::Arc;

use nexus_core::driver::RunMachine;
use nexus_core::{Plan, StepAddress};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::cluster::{Cluster, NOT_OVER, block_on, workflow};
use crate::context::wall_time;
use crate::error::{Error, Result};
use crate::http::segment;
use crate::listing::quoted;
use crate::message::{ALREADY_RESOLVED, LONGEST_MESSAGE, Resolution};
use crate::worker::{RESOLVE, pipeline_service};

impl Cluster {
    /// Says what a step of a run of `plan` yields that is [pending](nexus_core::Outcome::pending). `step`
    /// is what [`Context::step_address`](nexus_core::Context::step_address) gives: its path, or `path[3]` for an
    /// item. When this returns, the cluster has the value. Saying the same twice is no mistake.
    ///
    /// The world outside may be faster than the body: the value is kept until the step is pending.
    ///
    /// # Errors
    ///
    /// If the plan has no such step, or the value is none that it yields; if there is no such run, or it
    /// is over; if the step is resolved with another value already; if the cluster does not answer.
    pub fn resolve<T: Serialize>(
        &self,
        plan: &Arc<Plan>,
        key: &str,
        step: &str,
        value: T,
    ) -> Result<()> {
        let outcome = value_outcome(plan, key, step, &value)?;
        block_on(self.answer(plan, key, step, &outcome))
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub async fn resolve_async<T: Serialize + Send>(
        &self,
        plan: &Arc<Plan>,
        key: &str,
        step: &str,
        value: T,
    ) -> Result<()> {
        let outcome = value_outcome(plan, key, step, &value)?;
        self.answer(plan, key, step, &outcome).await
    }

    /// Says that what a step waits for has failed: an exception of its event, which is tried again as its
    /// retry policy says.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn fail(&self, plan: &Arc<Plan>, key: &str, step: &str, message: &str) -> Result<()> {
        block_on(self.fail_async(plan, key, step, message))
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub async fn fail_async(
        &self,
        plan: &Arc<Plan>,
        key: &str,
        step: &str,
        message: &str,
    ) -> Result<()> {
        self.answer(plan, key, step, &RunMachine::failure_outcome(message)).await
    }

    /// The steps of a run that are pending, by their addresses.
    ///
    /// # Errors
    ///
    /// If the cluster does not answer, or the address of its [admin](Self::admin) interface is not known.
    pub fn pending(&self, pipeline: &str, key: &str) -> Result<Vec<String>> {
        block_on(self.pending_async(pipeline, key))
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// As [`pending`](Self::pending).
    pub async fn pending_async(&self, pipeline: &str, key: &str) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Promise {
            key: String,
        }
        let (service, key) = (quoted(&pipeline_service(pipeline)), quoted(key));
        let promises: Vec<Promise> = self
            .rows(&format!(
                "select key from sys_promise where service_name = {service} \
                 and service_key = {key} and not completed order by key"
            ))
            .await?;
        let step = |promise: Promise| match promise.key.rsplit_once('/') {
            Some((step, _)) => step.to_owned(),
            None => promise.key,
        };
        Ok(promises.into_iter().map(step).collect())
    }

    async fn answer(&self, plan: &Plan, key: &str, step: &str, outcome: &str) -> Result<()> {
        let refused = |why: &str| {
            let (step, key) = (step.to_owned(), key.to_owned());
            Err(Error::NotResolved { step, key, why: why.to_owned() })
        };
        match self.ingress().get(&workflow(plan.name(), key, "output")).await?.status {
            NOT_OVER => {}
            404 => return refused("there is no such run"),
            200..300 => return refused("the run is over"),
            // It is the request below that says what is wrong.
            _ => {}
        }
        let request = RawValue::from_string(outcome.to_owned())
            .and_then(|said| {
                let (step, at) = (step.to_owned(), wall_time());
                serde_json::to_string(&Resolution { step, at, said })
            })
            .unwrap_or_default();
        let what = || format!("the answer for `{step}` of the run `{key}`");
        if request.len() > LONGEST_MESSAGE {
            return Err(Error::TooLong {
                what: what(),
                bytes: request.len(),
                most: LONGEST_MESSAGE,
            });
        }
        let path = format!("/{}/{}/{RESOLVE}", pipeline_service(plan.name()), segment(key));
        let mut patience = self.new_patience();
        loop {
            match self.ingress().post(&path, request.clone()).await {
                Ok(response) if response.is_success() => return Ok(()),
                Ok(response) if response.status == ALREADY_RESOLVED => {
                    return refused(&response.text());
                }
                answer => patience.after(answer, what).await?,
            }
        }
    }
}

fn value_outcome<T: Serialize>(plan: &Plan, key: &str, step: &str, value: &T) -> Result<String> {
    let json = serde_json::to_string(value).map_err(|error| Error::NotResolved {
        step: step.to_owned(),
        key: key.to_owned(),
        why: format!("the value cannot be written down: {error}"),
    })?;
    let Ok(address) = step.parse::<StepAddress>();
    Ok(RunMachine::value_outcome(plan, &address, &json)?)
}
