//! The stack machine's other half: items that only opcodes have.

use super::layout::{Body, Item};
use super::reason::Reason;
use super::text::resp_number;
use super::walk::{State, Walker};
use super::window::{Stop, Window};

/// Hash templates remembered, at most; each takes some 16 bytes.
pub const TEMPLATES_KEPT: usize = 1 << 18;

impl Walker {
    /// Items of opcodes.
    pub(super) fn opcode_item(&mut self, item: &Item, window: &mut Window<'_>) -> Result<(), Stop> {
        match item {
            Item::ExpireSeconds => {
                let seconds = i32::from_le_bytes(window.array()?);
                self.key.draft.expire_ms = i64::from(seconds) * 1000;
                self.key.has_expiry = true;
            }
            Item::Idle => self.key.draft.idle_s = Some(window.number()?),
            Item::Frequency => self.key.draft.frequency = Some(window.byte()?),
            Item::Database => {
                let db = window.number()?;
                self.found.open_database(db);
            }
            Item::Slot => self.found.slot = Some(window.number()?),
            Item::ResizeHint => {
                let (keys, expires) = (window.number()?, window.number()?);
                self.found.announce(keys, expires, window.mark_at());
            }
            Item::Library => return self.library(window),
            Item::AuxName => return self.aux_name(window),
            Item::AuxValue => return self.aux_value(window),
            Item::Constant(wanted) => {
                let (found, wanted) = (window.number()?, u64::from(*wanted));
                if found != wanted {
                    return Err(Reason::Constant { wanted, found }.into());
                }
            }
            Item::End => {
                if let Some(at) = self.key.prefix_at {
                    self.found.remarks.loose_prefixes.note(at);
                }
                self.found.close_database();
                self.stack.clear();
                self.state = State::Trailer;
                return Ok(());
            }
            other => return self.rare_item(other, window),
        }
        self.done()
    }

    /// Items that repeat or carry commands.
    fn rare_item(&mut self, item: &Item, window: &mut Window<'_>) -> Result<(), Stop> {
        match item {
            Item::Flag(items) => match window.number()? {
                0 => self.done(),
                1 => self.enter(1, &Body { items, least: 1 }, window),
                other => Err(Reason::Flag(other).into()),
            },
            Item::Classes(body) => {
                let count = window.number()?;
                if count > 7 {
                    return Err(Reason::MetadataClasses(count).into());
                }
                self.key.is_due = true;
                self.key.draft.beside.metadata = count;
                self.enter(count, body, window)
            }
            Item::Template(body) => {
                let (id, count) = (window.number()?, window.number()?);
                if count == 0 {
                    return Err(Reason::EmptyTemplate.into());
                }
                if self.templates.len() >= TEMPLATES_KEPT {
                    return Err(Reason::TemplatesTooMany(TEMPLATES_KEPT).into());
                }
                self.templates.insert(id, count);
                self.enter(count, body, window)
            }
            Item::RespCommand(body) => {
                let count = resp_number(b'*', window)?;
                self.enter(count, body, window)
            }
            Item::RespBulk => {
                let len = resp_number(b'$', window)?;
                self.advance();
                window.skip(len)
            }
            Item::CrLf => match window.array::<2>()? {
                [b'\r', b'\n'] => self.done(),
                [b'\r', other] | [other, _] => Err(Reason::InlineCommand(other).into()),
            },
            // Every other item is read by a sister function.
            _ => self.done(),
        }
    }
}
