//! What the crate `metrics` is told, for OpenTelemetry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// Passes on to a meter of OpenTelemetry what it is told.
pub(crate) struct MeterRecorder {
    meter: Meter,
    /// The last value of each gauge, which `metrics` also tells by how much it changes.
    gauges: Mutex<HashMap<Key, Arc<Mutex<f64>>>>,
}

impl MeterRecorder {
    pub(crate) fn new(meter: Meter) -> Self {
        Self { meter, gauges: Mutex::default() }
    }
}

/// An instrument with the labels of a metric.
struct Labelled<I> {
    instrument: I,
    labels: Vec<KeyValue>,
    value: Arc<Mutex<f64>>,
}

impl<I> Labelled<I> {
    fn new(instrument: I, key: &Key) -> Self {
        let label = |label: &metrics::Label| {
            KeyValue::new(label.key().to_owned(), label.value().to_owned())
        };
        Self { instrument, labels: key.labels().map(label).collect(), value: Arc::default() }
    }
}

impl Labelled<opentelemetry::metrics::Gauge<f64>> {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        *value = change(*value);
        self.instrument.record(*value, &self.labels);
    }
}

impl CounterFn for Labelled<opentelemetry::metrics::Counter<u64>> {
    fn increment(&self, by: u64) {
        self.instrument.add(by, &self.labels);
    }
    /// Nothing of nexus does so.
    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Labelled<opentelemetry::metrics::Gauge<f64>> {
    fn increment(&self, by: f64) {
        self.change(|value| value + by);
    }
    fn decrement(&self, by: f64) {
        self.change(|value| value - by);
    }
    fn set(&self, to: f64) {
        self.change(|_| to);
    }
}

impl HistogramFn for Labelled<opentelemetry::metrics::Histogram<f64>> {
    fn record(&self, value: f64) {
        self.instrument.record(value, &self.labels);
    }
}

impl Recorder for MeterRecorder {
    // The meter is told what each metric means when it is first used; see `nexus_telemetry::METRICS`.
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let (unit, help) = meaning(key);
        let counter = self.meter.u64_counter(key.name().to_owned());
        let counter = counter.with_unit(unit).with_description(help).build();
        Counter::from_arc(Arc::new(Labelled::new(counter, key)))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let (unit, help) = meaning(key);
        let gauge = self.meter.f64_gauge(key.name().to_owned());
        let mut labelled = Labelled::new(gauge.with_unit(unit).with_description(help).build(), key);
        let mut gauges = self.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        labelled.value = Arc::clone(gauges.entry(key.clone()).or_default());
        Gauge::from_arc(Arc::new(labelled))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let (unit, help) = meaning(key);
        let histogram = self.meter.f64_histogram(key.name().to_owned());
        let histogram = histogram.with_unit(unit).with_description(help).build();
        Histogram::from_arc(Arc::new(Labelled::new(histogram, key)))
    }
}

/// The unit of a metric, and what it says.
fn meaning(key: &Key) -> (&'static str, &'static str) {
    let known = nexus_telemetry::METRICS.iter().find(|metric| metric.name == key.name());
    known.map_or(("", ""), |metric| (metric.unit, metric.help))
}
