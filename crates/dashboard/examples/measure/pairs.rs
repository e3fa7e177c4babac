//! What many pairs of measurements say together.

use std::fmt;

/// By how many percent the one of a pair is more than the other, over many pairs.
pub(crate) struct More {
    /// The mean, between the ends of the stretch in which the true one is.
    mean: [f64; 3],
    /// The same of the middle one. What disturbs a few pairs badly changes nothing of it.
    median: [f64; 3],
}

impl More {
    /// In 95 of 100 such measurements the true values are within the stretches that are given.
    pub(crate) fn of(pairs: impl Iterator<Item = (f64, f64)>) -> Self {
        // Twice as much and half as much are as far from nothing: of what disturbs both of a pair alike
        // nothing is left in the mean of the logarithms.
        let mut more: Vec<f64> = pairs.map(|(with, without)| (with / without).ln()).collect();
        more.sort_by(f64::total_cmp);
        let (mean, count) = (mean(&more), count(&more));
        let squares: f64 = more.iter().map(|it| (it - mean).powi(2)).sum();
        let half_width = 2.0 * (squares / (count - 1.0) / count).sqrt();
        // How many of the pairs are below the true median is binomial, whatever disturbs them.
        let last = more.len() - 1;
        let low = (last / 2).saturating_sub(more.len().isqrt());
        let percent = |it: f64| (it.exp() - 1.0) * 100.0;
        Self {
            mean: [mean - half_width, mean, mean + half_width].map(percent),
            median: [low, last / 2, last - low].map(|place| percent(more[place])),
        }
    }

    /// What the mean says of a limit, in percent.
    pub(crate) fn against(&self, limit: f64) -> String {
        let [low, _, high] = self.mean;
        if high <= limit {
            format!("that is within {limit} %")
        } else if low > limit {
            format!("that is more than {limit} %")
        } else {
            let all = "other programs disturbed the measurement too much";
            format!("whether that is within {limit} % cannot be said: {all}, or it was too short")
        }
    }
}

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, mean, high] = self.mean;
        write!(f, "{mean:+.1} % on average ({low:+.1} to {high:+.1})")?;
        let [low, middle, high] = self.median;
        write!(f, ", the middle pair {middle:+.1} % ({low:+.1} to {high:+.1})")
    }
}

pub(crate) fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / count(figures)
}

fn count(figures: &[f64]) -> f64 {
    figures.iter().map(|_| 1.0).sum()
}
