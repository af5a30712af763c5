//! What a page is made of: facts, tables and pictures. They hold plain text; the templates escape all of it.

/// How something is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warning,
    Bad,
    Plain,
}

impl Tone {
    /// Its class in the style.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// Text, with the number that it tells where it tells one.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    pub text: String,
    pub value: Option<u64>,
    /// A part of a hundred, to be drawn.
    pub bar: Option<u64>,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Bytes.
    pub fn size(bytes: u64) -> Self {
        Self { text: aofkit::text::size(bytes), value: Some(bytes), bar: None }
    }

    /// A number of things.
    pub fn count(n: u64) -> Self {
        Self { text: aofkit::text::thousands(n), value: Some(n), bar: None }
    }

    /// The same with a bar for its part of a whole.
    pub fn of(self, whole: u64) -> Self {
        let part = self.value.unwrap_or(0);
        let percent = (u128::from(part) * 100).div_ceil(u128::from(whole.max(1)));
        Self { bar: Some(percent.min(100) as u64), ..self }
    }

    /// What is told where nothing is known.
    pub fn or_unknown(one: Option<Self>) -> Self {
        one.unwrap_or_else(|| Self::text("not known"))
    }
}

/// A name and what there is of it.
#[derive(Clone, Debug)]
pub struct Fact {
    pub name: String,
    pub cell: Cell,
    pub note: String,
}

impl Fact {
    pub fn new(name: &str, cell: Cell, note: impl Into<String>) -> Self {
        Self { name: name.to_owned(), cell, note: note.into() }
    }
}

pub struct Table {
    pub caption: String,
    /// The title of a column, and whether it holds numbers.
    pub head: Vec<(&'static str, bool)>,
    pub rows: Vec<Vec<Cell>>,
    /// How many rows there are beyond these.
    pub more: usize,
    /// Folded until somebody asks for it.
    pub is_folded: bool,
}

impl Table {
    pub fn new(caption: &str, head: &[(&'static str, bool)], rows: Vec<Vec<Cell>>) -> Self {
        Self { caption: caption.to_owned(), head: head.to_vec(), rows, more: 0, is_folded: false }
    }

    pub fn folded(self) -> Self {
        Self { is_folded: true, ..self }
    }

    pub fn with_more(self, more: usize) -> Self {
        Self { more, ..self }
    }

    /// Whether a column holds numbers.
    pub fn is_number(&self, at: &usize) -> bool {
        self.head.get(*at).is_some_and(|(_, is_number)| *is_number)
    }
}

/// One thing drawn.
pub enum Shape {
    Rect { x: f64, y: f64, w: f64, h: f64, class: String, title: String },
    Area { path: String, class: String, title: String },
    Line { x: f64, y: f64, to_x: f64, to_y: f64, class: &'static str },
    Text { x: f64, y: f64, class: &'static str, text: String },
}

impl Shape {
    pub fn text(x: f64, y: f64, class: &'static str, text: impl Into<String>) -> Self {
        Self::Text { x: round(x), y: round(y), class, text: text.into() }
    }

    pub fn rect(
        (x, y, w, h): (f64, f64, f64, f64),
        class: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        let (x, y, w, h) = (round(x), round(y), round(w), round(h));
        Self::Rect { x, y, w, h, class: class.into(), title: title.into() }
    }

    pub fn line((x, y): (f64, f64), (to_x, to_y): (f64, f64), class: &'static str) -> Self {
        Self::Line { x: round(x), y: round(y), to_x: round(to_x), to_y: round(to_y), class }
    }
}

/// A tenth of a unit is finer than any screen.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Units that a picture is wide.
pub const WIDE: f64 = 920.0;

pub struct Picture {
    /// What it shows, for whoever does not see it.
    pub title: String,
    pub height: f64,
    pub shapes: Vec<Shape>,
    /// A class of the style for each name.
    pub legend: Vec<(String, String)>,
}

/// Bytes in a file: an offset, 16 bytes in hexadecimal, and as text.
pub struct HexLine {
    pub offset: String,
    pub hex: String,
    pub text: String,
}

/// Something that was found.
pub struct Trouble {
    pub tone: Tone,
    pub severity: &'static str,
    pub kind: String,
    pub place: String,
    pub message: String,
    pub lost: String,
    pub next: String,
    pub bytes: Vec<HexLine>,
}

/// A part of a page under a heading.
#[derive(Default)]
pub struct Section {
    pub title: &'static str,
    pub lead: Vec<String>,
    pub facts: Vec<Fact>,
    pub troubles: Vec<Trouble>,
    pub pictures: Vec<Picture>,
    pub tables: Vec<Table>,
    pub notes: Vec<String>,
}

impl Section {
    pub fn new(title: &'static str) -> Self {
        Self { title, ..Self::default() }
    }
}

/// A set on the page.
pub struct SetPart {
    pub number: usize,
    pub name: String,
    pub path: String,
    pub tone: Tone,
    pub verdict: String,
    pub meaning: Vec<String>,
    pub next: Vec<String>,
    pub facts: Vec<Fact>,
    pub sections: Vec<Section>,
}

/// Text of at most so many characters.
pub fn clipped(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}
