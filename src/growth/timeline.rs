//! Bytes over time, or over the log where it carries no times, in buckets that widen as they have to.

/// Buckets kept at most.
pub(super) const BUCKETS: usize = 512;

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
    pub(super) fn count(&mut self, bytes: u64, commands: u64) {
        self.bytes += bytes;
        self.commands += commands;
    }

    pub(super) fn credit(&mut self, writer: u32, bytes: u64) {
        if let Some(known) = self.writers.iter_mut().find(|(number, _)| *number == writer) {
            known.1 += bytes;
        } else if self.writers.len() < WRITERS {
            self.writers.push((writer, bytes));
        } else if let Some(least) = self.writers.iter_mut().min_by_key(|(_, bytes)| *bytes) {
            // The one that comes takes over what the lightest had, as heavy hitters are found.
            *least = (writer, least.1 + bytes);
        }
    }

    pub(super) fn absorb(&mut self, later: &Self) {
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

impl Axis {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Offset => "offset",
        }
    }
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
    /// Bytes by family of keys, where these are told apart: of each a row as long as it has to be.
    lines: Vec<Vec<u64>>,
}

impl Timeline {
    pub(super) fn new(axis: Axis) -> Self {
        let width = if axis == Axis::Time { 1 } else { 1024 };
        Self { axis, start: 0, width, buckets: Vec::new(), lines: Vec::new() }
    }

    /// The bucket at this place, made when it is not there. What lies before the first is counted there.
    pub(super) fn at(&mut self, place: i64) -> &mut Bucket {
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

    /// Counts bytes of a family in the bucket at this place, which is there.
    pub(super) fn count_line(&mut self, family: u32, place: i64, bytes: u64) {
        let (family, at) = (family as usize, self.index(place).min(BUCKETS - 1));
        if family >= self.lines.len() {
            self.lines.resize_with(family + 1, Vec::new);
        }
        let line = &mut self.lines[family];
        if at >= line.len() {
            line.resize(at + 1, 0);
        }
        line[at] += bytes;
    }

    /// Families have become others.
    pub(super) fn move_lines(&mut self, moved: &[u32]) {
        for (line, family) in std::mem::take(&mut self.lines).into_iter().zip(moved) {
            let family = *family as usize;
            if family >= self.lines.len() {
                self.lines.resize_with(family + 1, Vec::new);
            }
            add(&mut self.lines[family], &line);
        }
    }

    /// Families are no longer told apart.
    pub(super) fn drop_lines(&mut self) {
        self.lines = Vec::new();
    }

    /// Bytes of a family in each bucket.
    pub(super) fn line(&self, family: usize) -> Vec<u64> {
        let mut line = self.lines.get(family).cloned().unwrap_or_default();
        line.resize(self.buckets.len(), 0);
        line
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
        for line in std::mem::take(&mut self.lines) {
            let mut wider = Vec::new();
            for (bytes, number) in line.into_iter().zip(0..) {
                let index = self.index(start + number * width);
                if index >= wider.len() {
                    wider.resize(index + 1, 0);
                }
                wider[index] += bytes;
            }
            self.lines.push(wider);
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

/// Adds a row to another one, which may be shorter.
pub(super) fn add(mine: &mut Vec<u64>, more: &[u64]) {
    if mine.len() < more.len() {
        mine.resize(more.len(), 0);
    }
    mine.iter_mut().zip(more).for_each(|(a, b)| *a += b);
}

/// A time when more was written than usual, or a stretch of the log with larger commands than usual.
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
            // Along the log every bucket has as many bytes: there it is large commands that stand out.
            Axis::Offset => bucket.bytes / bucket.commands.max(1),
        };
        let mut sizes: Vec<u64> = self.buckets.iter().map(measure).collect();
        sizes.sort_unstable();
        let usual = sizes.get(sizes.len() / 2).copied().unwrap_or(0).max(1);
        let is_high = |bucket: &Bucket| measure(bucket) as f64 > PEAK * usual as f64;
        let mut found = Vec::new();
        let mut from = 0;
        while from < self.buckets.len() {
            let run = self.run(from, is_high);
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

    /// Buckets from here on that are high. Along the log a large command leaves the ones behind its beginning empty:
    /// these are no end.
    fn run(&self, from: usize, is_high: impl Fn(&Bucket) -> bool) -> usize {
        let is_inside =
            |bucket: &&Bucket| self.axis == Axis::Offset && bucket.commands == 0 || is_high(bucket);
        let inside = self.buckets[from..].iter().take_while(is_inside).count();
        let last = self.buckets[from..from + inside].iter().rposition(&is_high);
        if self.buckets.get(from).is_some_and(&is_high) {
            last.map_or(0, |last| last + 1)
        } else {
            0
        }
    }

    /// Who wrote most of all, and its part.
    pub(super) fn heaviest(&self) -> Option<(u32, f64)> {
        let mut sum = Bucket::default();
        self.buckets.iter().for_each(|bucket| sum.absorb(bucket));
        sum.writer()
    }
}
