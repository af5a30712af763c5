//! Bytes over time, or over the log where it carries no times, in buckets that widen as they have to.

/// Buckets kept at most.
const BUCKETS: usize = 512;

/// Widths in seconds, each a multiple of the one before: what people think in.
const SECONDS: [i64; 15] =
    [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800, 31_449_600];

/// Writers told apart in one bucket.
const WRITERS: usize = 12;

/// A stretch of time, or of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Bytes appended in it.
    pub bytes: u64,
    /// Commands in these bytes.
    pub commands: u64,
    /// Who wrote most of it: numbers of writers, and bytes.
    writers: Vec<(u32, u64)>,
}

impl Bucket {
    fn count(&mut self, bytes: u64, commands: u64) {
        self.bytes += bytes;
        self.commands += commands;
    }

    fn credit(&mut self, writer: u32, bytes: u64) {
        if let Some(known) = self.writers.iter_mut().find(|(number, _)| *number == writer) {
            known.1 += bytes;
        } else if self.writers.len() < WRITERS {
            self.writers.push((writer, bytes));
        } else if let Some(least) = self.writers.iter_mut().min_by_key(|(_, bytes)| *bytes) {
            // The one that comes takes over what the lightest had, as heavy hitters are found.
            *least = (writer, least.1 + bytes);
        }
    }

    fn absorb(&mut self, later: &Self) {
        self.count(later.bytes, later.commands);
        for (writer, bytes) in &later.writers {
            match self.writers.iter_mut().find(|(number, _)| number == writer) {
                Some(known) => known.1 += bytes,
                None => self.writers.push((*writer, *bytes)),
            }
        }
        self.writers.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        self.writers.truncate(WRITERS);
    }

    /// Who wrote most, and how much of what is known.
    pub(super) fn writer(&self) -> Option<(u32, f64)> {
        let (writer, most) = self.writers.iter().max_by_key(|(_, bytes)| *bytes)?;
        let all: u64 = self.writers.iter().map(|(_, bytes)| bytes).sum();
        Some((*writer, *most as f64 / all.max(1) as f64))
    }
}

/// What the buckets are laid along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Unix seconds, by `#TS:` annotations.
    Time,
    /// Bytes of the log before them.
    Offset,
}

/// Buckets of one width in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// What they are laid along.
    pub axis: Axis,
    /// Where the first begins.
    pub start: i64,
    /// How wide each is: seconds, or bytes.
    pub width: i64,
    /// In order, without a gap.
    pub buckets: Vec<Bucket>,
}

impl Timeline {
    fn new(axis: Axis) -> Self {
        let width = if axis == Axis::Time { 1 } else { 1024 };
        Self { axis, start: 0, width, buckets: Vec::new() }
    }

    /// The bucket at this place, made when it is not there. What lies before the first is counted there.
    fn at(&mut self, place: i64) -> &mut Bucket {
        if self.buckets.is_empty() {
            self.start = place - place.rem_euclid(self.width);
        }
        while self.index(place) >= BUCKETS && self.widen() {}
        let index = self.index(place).min(BUCKETS - 1);
        if index >= self.buckets.len() {
            self.buckets.resize_with(index + 1, Bucket::default);
        }
        &mut self.buckets[index]
    }

    fn index(&self, place: i64) -> usize {
        usize::try_from(place.saturating_sub(self.start) / self.width).unwrap_or(0)
    }

    /// Takes neighbours together; `false` when they are as wide as they get.
    fn widen(&mut self) -> bool {
        let wider = match self.axis {
            Axis::Time => SECONDS.into_iter().find(|width| *width > self.width),
            Axis::Offset => self.width.checked_mul(2),
        };
        let Some(wider) = wider else { return false };
        let old = std::mem::take(&mut self.buckets);
        let (start, width) = (self.start, self.width);
        self.width = wider;
        self.start = start - start.rem_euclid(wider);
        for (bucket, number) in old.into_iter().zip(0..) {
            let index = self.index(start + number * width);
            if index >= self.buckets.len() {
                self.buckets.resize_with(index + 1, Bucket::default);
            }
            self.buckets[index].absorb(&bucket);
        }
        true
    }

    /// The same in at most so many buckets.
    pub fn coarse(&self, most: usize) -> Self {
        let mut coarse = self.clone();
        while coarse.buckets.len() > most.max(1) && coarse.widen() {}
        coarse
    }

    /// Where a bucket begins.
    pub fn begins_at(&self, index: usize) -> i64 {
        self.start.saturating_add(self.width.saturating_mul(index as i64))
    }
}

/// How the clock behind the annotations ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The first time told, Unix seconds.
    pub first: Option<i64>,
    /// The latest time told.
    pub latest: Option<i64>,
    /// Times that were earlier than the one before.
    pub steps_back: u64,
    /// The largest of these steps, seconds.
    pub largest_step: i64,
    last: Option<i64>,
}

impl Clock {
    fn tell(&mut self, now: i64) {
        if let Some(step) = self.last.map(|last| last.saturating_sub(now)).filter(|step| *step > 0)
        {
            self.steps_back += 1;
            self.largest_step = self.largest_step.max(step);
        }
        self.first.get_or_insert(now);
        self.latest = self.latest.max(Some(now));
        self.last = Some(now);
    }

    /// Seconds from the first to the latest time.
    pub fn span(&self) -> Option<i64> {
        Some(self.latest?.saturating_sub(self.first?)).filter(|span| *span > 0)
    }
}

/// Records bytes as they come.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    time: Timeline,
    offset: Timeline,
    pub(super) clock: Clock,
    /// Bytes so far, and those of them that came after the first time told.
    pub(super) bytes: u64,
    timed_bytes: u64,
    waiting: (u64, u64),
    /// Bytes at which a bucket along the log ends, and at which a record is asked who wrote it.
    bucket_end: u64,
    next_sample: u64,
    sampled: u64,
}

/// Up to so many bytes every record is asked; then one in so many bytes, and fewer the longer it goes on.
const ASK_ALL: u64 = 1 << 20;
const ASK_EVERY: u64 = 1 << 11;
const ASK_PART: u64 = 1 << 14;

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            time: Timeline::new(Axis::Time),
            offset: Timeline::new(Axis::Offset),
            clock: Clock::default(),
            bytes: 0,
            timed_bytes: 0,
            waiting: (0, 0),
            bucket_end: 0,
            next_sample: 0,
            sampled: 0,
        }
    }

    /// Counts a record; whether to tell by [`Self::credit`] who wrote it.
    #[inline]
    pub(super) fn record(&mut self, len: u64) -> bool {
        if self.bytes >= self.bucket_end {
            self.settle();
        }
        self.bytes += len;
        self.waiting = (self.waiting.0 + len, self.waiting.1 + 1);
        self.bytes > self.next_sample
    }

    /// The record that was counted last came from this writer.
    pub(super) fn credit(&mut self, writer: u32) {
        let bytes = self.bytes - self.sampled;
        self.sampled = self.bytes;
        self.next_sample = match self.bytes {
            few @ 0..ASK_ALL => few,
            many => many + ASK_EVERY.max(many / ASK_PART),
        };
        let place = (self.bytes - self.waiting.0).cast_signed();
        self.offset.at(place).credit(writer, bytes);
        if let Some(now) = self.clock.last {
            self.time.at(now).credit(writer, bytes);
        }
    }

    /// An annotation tells the time.
    pub(super) fn tell(&mut self, now: i64) {
        self.settle();
        self.clock.tell(now);
    }

    /// Puts what was counted into its buckets.
    fn settle(&mut self) {
        let (bytes, commands) = std::mem::take(&mut self.waiting);
        if commands > 0 {
            let place = (self.bytes - bytes).cast_signed();
            self.offset.at(place).count(bytes, commands);
            if let Some(now) = self.clock.last {
                self.time.at(now).count(bytes, commands);
                self.timed_bytes += bytes;
            }
        }
        let width = self.offset.width.unsigned_abs();
        self.bucket_end = (self.bytes / width + 1) * width;
    }

    /// Along time where there are times, else along the log; and bytes a second by the annotations.
    pub(super) fn finish(mut self) -> (Timeline, Option<f64>) {
        self.settle();
        match self.clock.span() {
            Some(span) => (self.time, Some(self.timed_bytes as f64 / span as f64)),
            None => (self.offset, None),
        }
    }
}

/// A time when more was written than usual.
#[derive(Clone, Debug, PartialEq)]
pub struct Peak {
    /// Where it begins and ends on the axis.
    pub from: i64,
    /// See `from`.
    pub to: i64,
    /// Bytes in it.
    pub bytes: u64,
    /// How much more than in the middle one of all buckets.
    pub times: f64,
    /// The command that made most of it.
    pub command: String,
    /// The family of keys it wrote to.
    pub prefix: Vec<u8>,
    /// Its part of these bytes.
    pub share: f64,
}

/// Peaks told at most.
const PEAKS: usize = 3;

/// How much more than usual is a peak.
const PEAK: f64 = 2.0;

impl Timeline {
    /// Stretches that stand out, the highest first; who a number stands for tells `writer`.
    pub(super) fn peaks(&self, writer: impl Fn(u32) -> (String, Vec<u8>)) -> Vec<Peak> {
        let measure = |bucket: &Bucket| match self.axis {
            Axis::Time => bucket.bytes,
            // Along the log every bucket has as many bytes; the number of commands says nothing about growth.
            Axis::Offset => 0,
        };
        let mut sizes: Vec<u64> = self.buckets.iter().map(measure).collect();
        sizes.sort_unstable();
        let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0).max(1);
        let is_high = |bucket: &Bucket| measure(bucket) as f64 > PEAK * usual as f64;
        let mut found = Vec::new();
        let mut from = 0;
        while from < self.buckets.len() {
            let run = self.buckets[from..].iter().take_while(|bucket| is_high(bucket)).count();
            if run > 0 {
                let mut sum = Bucket::default();
                self.buckets[from..from + run].iter().for_each(|bucket| sum.absorb(bucket));
                let (number, share) = sum.writer().unwrap_or_default();
                let (command, prefix) = writer(number);
                let highest = self.buckets[from..from + run].iter().map(measure).max();
                found.push(Peak {
                    from: self.begins_at(from),
                    to: self.begins_at(from + run),
                    bytes: sum.bytes,
                    times: highest.unwrap_or(0) as f64 / usual as f64,
                    command,
                    prefix,
                    share,
                });
            }
            from += run.max(1);
        }
        found.sort_by_key(|peak| std::cmp::Reverse(peak.bytes));
        found.truncate(PEAKS);
        found
    }

    /// Who wrote most of all, and its part.
    pub(super) fn heaviest(&self) -> Option<(u32, f64)> {
        let mut sum = Bucket::default();
        self.buckets.iter().for_each(|bucket| sum.absorb(bucket));
        sum.writer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(seconds: impl Iterator<Item = (i64, u64)>) -> Recorder {
        let mut recorder = Recorder::new();
        for (second, records) in seconds {
            recorder.tell(second);
            for _ in 0..records {
                if recorder.record(100) {
                    recorder.credit(u32::from(records > 10));
                }
            }
        }
        recorder
    }

    #[test]
    fn buckets_widen_to_round_numbers_and_lose_nothing() {
        let recorder = recorded((0..100_000).map(|second| (1_700_000_003 + second, 1)));
        let (timeline, rate) = recorder.finish();
        assert_eq!(timeline.axis, Axis::Time);
        assert_eq!((timeline.width, timeline.start % 300), (300, 0));
        assert!(timeline.buckets.len() <= BUCKETS);
        assert_eq!(timeline.buckets.iter().map(|bucket| bucket.bytes).sum::<u64>(), 10_000_000);
        assert!((99.0..101.0).contains(&rate.unwrap()));
        let coarse = timeline.coarse(60);
        assert!(coarse.buckets.len() <= 60);
        assert_eq!(coarse.buckets.iter().map(|bucket| bucket.commands).sum::<u64>(), 100_000);
    }

    #[test]
    fn without_times_buckets_are_laid_along_the_log() {
        let mut recorder = Recorder::new();
        (0..50_000).for_each(|_| _ = recorder.record(100));
        let (timeline, rate) = recorder.finish();
        assert_eq!((timeline.axis, rate), (Axis::Offset, None));
        assert_eq!(timeline.buckets.iter().map(|bucket| bucket.bytes).sum::<u64>(), 5_000_000);
        let inner = &timeline.buckets[..timeline.buckets.len() - 1];
        assert!(inner.iter().all(|bucket| bucket.bytes.abs_diff(inner[0].bytes) <= 200));
    }

    #[test]
    fn a_peak_is_named_by_who_wrote_most_of_it() {
        let busy = |second| if (500..560).contains(&second) { 50 } else { 5 };
        let recorder = recorded((0..1000).map(|second| (second, busy(second))));
        let (timeline, _) = recorder.finish();
        let peaks = timeline.peaks(|writer| (writer.to_string(), b"family:*".to_vec()));
        assert_eq!(peaks.len(), 1);
        assert_eq!((peaks[0].from, peaks[0].to, peaks[0].command.as_str()), (500, 560, "1"));
        assert_eq!(peaks[0].bytes, 300_000);
        assert!(peaks[0].share > 0.99 && peaks[0].times > 9.0, "{peaks:?}");
    }

    #[test]
    fn a_clock_that_steps_back_is_told_and_loses_nothing() {
        let recorder = recorded([(1000, 3), (1010, 3), (400, 3), (1020, 3)].into_iter());
        let clock = recorder.clock;
        assert_eq!((clock.steps_back, clock.largest_step), (1, 610));
        let (timeline, _) = recorder.finish();
        assert_eq!(timeline.buckets.iter().map(|bucket| bucket.bytes).sum::<u64>(), 1200);
    }
}
