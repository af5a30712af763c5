//! Records bytes as they come: when they came, as far as annotations tell, and where in the log they lie.

use super::families::{ByFamily, FamilyLine};
use super::timeline::{Axis, Bucket, Timeline};
use crate::stats::Grouping;

/// How the clock behind the annotations ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The first time told, Unix seconds: the base's where what comes before all annotations is counted there.
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
    /// When the base was made that all of this was appended to, Unix seconds.
    born: Option<i64>,
    /// What came before the first time told.
    undated: Bucket,
    waiting: (u64, u64),
    /// Bytes at which a bucket along the log ends, and at which a record is asked who wrote it.
    bucket_end: u64,
    next_sample: u64,
    sampled: u64,
    /// Which family wrote what, where that was asked for.
    by_family: Option<ByFamily>,
}

/// Up to so many bytes every record is asked; then one in so many bytes, and fewer the longer it goes on.
const ASK_ALL: u64 = 1 << 20;
const ASK_EVERY: u64 = 1 << 11;
const ASK_PART: u64 = 1 << 14;

impl Recorder {
    /// With a grouping, families of keys are told apart.
    pub(super) fn new(families: Option<Grouping>) -> Self {
        Self {
            by_family: families.map(ByFamily::new),
            time: Timeline::new(Axis::Time),
            offset: Timeline::new(Axis::Offset),
            clock: Clock::default(),
            bytes: 0,
            timed_bytes: 0,
            born: None,
            undated: Bucket::default(),
            waiting: (0, 0),
            bucket_end: 0,
            next_sample: 0,
            sampled: 0,
        }
    }

    /// What follows is appended to a base that was made at this time, Unix seconds.
    pub(super) fn begins(&mut self, born: i64) {
        self.born = Some(born);
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

    /// Whether to tell by [`Self::family`] of every record which key it wrote to.
    #[inline]
    pub(super) fn wants_families(&self) -> bool {
        self.by_family.is_some()
    }

    /// The record that was counted last wrote so many bytes to this key, or to none.
    pub(super) fn family(&mut self, key: Option<&[u8]>, bytes: u64) {
        let time = self.clock.last;
        if let Some(families) = &mut self.by_family {
            families.record(key, bytes, time);
            if families.is_full() {
                self.shrink();
            }
        }
    }

    #[cold]
    fn shrink(&mut self) {
        self.settle();
        let Some(families) = &mut self.by_family else { return };
        while families.is_full() {
            let moved = families.shrink();
            self.time.move_lines(&moved);
            self.offset.move_lines(&moved);
        }
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
        match self.clock.last {
            Some(now) => self.time.at(now).credit(writer, bytes),
            None => self.undated.credit(writer, bytes),
        }
    }

    /// An annotation tells the time.
    pub(super) fn tell(&mut self, now: i64) {
        self.settle();
        if self.clock.first.is_none() {
            self.date(now);
        }
        self.clock.tell(now);
    }

    /// A server tells the time when the second is another than the one it told last, in whichever file that was:
    /// what a new increment has before its first annotation was written when the base was begun.
    fn date(&mut self, first_told: i64) {
        let Some(born) = self.born.filter(|born| *born <= first_told) else { return };
        if self.undated.commands > 0 {
            self.clock.tell(born);
            self.time.at(born).absorb(&self.undated);
            self.timed_bytes += self.undated.bytes;
            for (family, bytes) in self.by_family.iter().flat_map(ByFamily::all_undated) {
                if bytes > 0 {
                    self.time.count_line(family, born, bytes);
                }
            }
        }
    }

    /// Puts what was counted into its buckets.
    fn settle(&mut self) {
        let (bytes, commands) = std::mem::take(&mut self.waiting);
        if commands > 0 {
            let place = (self.bytes - bytes).cast_signed();
            self.offset.at(place).count(bytes, commands);
            match self.clock.last {
                Some(now) => {
                    self.time.at(now).count(bytes, commands);
                    self.timed_bytes += bytes;
                }
                None => self.undated.count(bytes, commands),
            }
            self.settle_families(place);
        }
        let width = self.offset.width.unsigned_abs();
        self.bucket_end = (self.bytes / width + 1) * width;
    }

    /// The same of families, in the same buckets.
    fn settle_families(&mut self, place: i64) {
        let Some(mut families) = self.by_family.take() else { return };
        let (now, mut undated) = (self.clock.last, Vec::new());
        // Which axis it will be is certain from the second time on.
        if self.clock.span().is_some() {
            self.offset.drop_lines();
        }
        let has_offset = self.clock.span().is_none();
        families.settle(|family, bytes| {
            if has_offset {
                self.offset.count_line(family, place, bytes);
            }
            match now {
                Some(now) => self.time.count_line(family, now, bytes),
                None => undated.push((family, bytes)),
            }
        });
        undated.into_iter().for_each(|(family, bytes)| families.undated(family, bytes));
        self.by_family = Some(families);
    }

    /// The heaviest `top` families over the timeline, where they were told apart, and the rest of the answer.
    pub(super) fn finish_with_families(
        mut self,
        top: usize,
    ) -> (Option<Vec<FamilyLine>>, (Timeline, Option<Rate>)) {
        self.settle();
        let families = self.by_family.take();
        let (timeline, rate) = self.finish();
        let lines = families.map(|families| families.finish(&timeline, top));
        (lines, (timeline, rate))
    }

    /// Along time where there are times, else along the log; and bytes a second by the annotations.
    pub(super) fn finish(mut self) -> (Timeline, Option<Rate>) {
        self.settle();
        match self.clock.span() {
            Some(span) => {
                let average = self.timed_bytes as f64 / span as f64;
                let recent = recent(&self.time);
                (self.time, Some(Rate { average, recent }))
            }
            None => (self.offset, None),
        }
    }
}

/// Bytes a second by the annotations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// From the first time told to the latest.
    pub average: f64,
    /// At the end, and over how many seconds; `None` where there is too little to tell it from the average.
    pub recent: Option<(f64, i64)>,
}

/// The last tenth of the time is recent, when there are so many buckets at least.
const ENOUGH: usize = 20;

/// The rate over the last tenth of the time. The last bucket is left out, for its time is not over.
fn recent(time: &Timeline) -> Option<(f64, i64)> {
    let whole = time.buckets.len().checked_sub(1).filter(|whole| *whole >= ENOUGH)?;
    let last = &time.buckets[whole - whole / 10..whole];
    let seconds = time.width.saturating_mul(last.len() as i64);
    let bytes: u64 = last.iter().map(|bucket| bucket.bytes).sum();
    Some((bytes as f64 / seconds as f64, seconds))
}

#[cfg(test)]
mod tests {
    use super::super::timeline::BUCKETS;
    use super::*;

    fn recorded(seconds: impl Iterator<Item = (i64, u64)>) -> Recorder {
        let mut recorder = Recorder::new(None);
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
        let rate = rate.unwrap();
        assert!((99.0..101.0).contains(&rate.average));
        let (recent, seconds) = rate.recent.unwrap();
        assert!((99.0..101.0).contains(&recent) && (9_000..=10_000).contains(&seconds), "{rate:?}");
        let coarse = timeline.coarse(60);
        assert!(coarse.buckets.len() <= 60);
        assert_eq!(coarse.buckets.iter().map(|bucket| bucket.commands).sum::<u64>(), 100_000);
    }

    #[test]
    fn without_times_buckets_are_laid_along_the_log() {
        let mut recorder = Recorder::new(None);
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

    #[test]
    fn what_comes_before_the_first_time_told_was_written_when_the_base_was_begun() {
        let write = |born: i64| {
            let mut recorder = Recorder::new(None);
            recorder.begins(born);
            (0..50).for_each(|_| _ = recorder.record(100));
            recorder.tell(1_000);
            (0..10).for_each(|_| _ = recorder.record(100));
            recorder.tell(1_010);
            recorder.finish()
        };
        let (timeline, rate) = write(990);
        assert_eq!((timeline.start, timeline.buckets[0].bytes), (990, 5_000));
        assert_eq!(rate.unwrap().average, 300.0);
        // A base that is younger than its log by its clock says nothing.
        let (timeline, rate) = write(1_500);
        assert_eq!((timeline.start, timeline.buckets[0].bytes), (1_000, 1_000));
        assert_eq!(rate.unwrap().average, 100.0);
    }

    #[test]
    fn a_rate_that_changed_is_told_beside_the_average() {
        let recorder =
            recorded((0..1000).map(|second| (second, if second < 900 { 1 } else { 50 })));
        let rate = recorder.finish().1.unwrap();
        let (recent, seconds) = rate.recent.unwrap();
        assert!((4_500.0..=5_000.0).contains(&recent) && seconds <= 100, "{rate:?}");
        assert!((500.0..700.0).contains(&rate.average), "{rate:?}");
    }

    #[test]
    fn without_times_a_peak_is_where_commands_are_large() {
        let mut recorder = Recorder::new(None);
        for number in 0..10_000_u32 {
            let is_large = (6_000..6_100).contains(&number);
            if recorder.record(if is_large { 5_000 } else { 100 }) {
                recorder.credit(u32::from(is_large));
            }
        }
        let (timeline, _) = recorder.finish();
        let peaks = timeline.peaks(|writer| (writer.to_string(), Vec::new()));
        assert_eq!((peaks.len(), peaks[0].command.as_str()), (1, "1"), "{peaks:?}");
        assert!(peaks[0].from.abs_diff(600_000) < 10_000 && peaks[0].times > 20.0, "{peaks:?}");
    }
}
