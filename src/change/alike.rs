//! The file whose access control list and extended attributes another one takes over, in whose place it comes.

use crate::disk::{Extended, FrozenFile, Output};
use crate::error::Result;
use crate::text;

/// Which file that is.
pub(super) enum Alike {
    /// There is none.
    Nothing,
    /// One of the files that are read.
    File(usize),
    /// One that is part of the set.
    Of(Box<FrozenFile>),
    /// One in which bytes are kept: a list that says who may do what is not believed from there.
    Kept(Box<FrozenFile>),
}

impl Alike {
    /// The same, or where there is none the file in which bytes are kept.
    pub(super) fn or_kept(self, kept: &FrozenFile) -> Result<Self> {
        match self {
            Self::Nothing => Ok(Self::Kept(Box::new(kept.duplicate()?))),
            other => Ok(other),
        }
    }

    /// Hands them on to `output`, which will be the file of this name. What the system refuses is told in `left`.
    pub(super) fn hand_on(
        &self,
        output: &mut dyn Output,
        name: &[u8],
        files: &[FrozenFile],
        left: &mut Vec<String>,
    ) -> Result<()> {
        let (file, which) = match self {
            Self::Nothing => return Ok(()),
            Self::File(file) => (&files[*file], Extended::All),
            Self::Of(file) => (&**file, Extended::All),
            Self::Kept(file) => (&**file, Extended::OfUsers),
        };
        let refused = output.take_over(file, which)?;
        let name = text::name(name);
        left.extend(refused.into_iter().map(|attribute| {
            let attribute = text::escape(attribute.as_bytes());
            format!("{name} has lost its extended attribute {attribute}: the system does not let aofkit set it")
        }));
        Ok(())
    }
}
