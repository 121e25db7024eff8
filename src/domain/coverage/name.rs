//! What the names of folders and services have in common.

/// The longest name of a folder or service, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// Printable ASCII that no name may hold, because it separates or stands for something in a name, a route,
/// a path or a list.
const RESERVED: &str = ".:/\\;?#%*{},\"<>`";

/// Why a text is not the name of a folder or service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty or too long.
    #[error("a name of {0} bytes: the name of a folder or service has 1 to {MAX_NAME_BYTES}")]
    Length(usize),
    /// Nothing before, between or after dots.
    #[error("empty segment in a name: segments are joined by single dots, as in `orders.eu`")]
    EmptySegment,
    /// A character that names do not have.
    #[error("{0:?} in a name: accepted are printable ASCII characters except space and {RESERVED}")]
    Character(char),
    /// A folder with a colon.
    #[error(
        "`:` in the name of a folder: a folder is written as in `orders.eu`, a service as in `orders.eu:list`"
    )]
    ColonInFolder,
    /// A service without a folder, or with more than one segment behind it.
    #[error("not a service: write its folder, one `:` and a single segment, as in `orders.eu:list`")]
    NotAService,
}

/// Refuses a name that is empty or too long.
pub(super) fn check_length(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        Err(NameError::Length(name.len()))
    } else {
        Ok(())
    }
}

/// Refuses anything but one or more characters that a segment may hold.
pub(super) fn check_segment(segment: &str) -> Result<(), NameError> {
    if segment.is_empty() {
        return Err(NameError::EmptySegment);
    }
    match segment
        .chars()
        .find(|c| !c.is_ascii_graphic() || RESERVED.contains(*c))
    {
        Some(character) => Err(NameError::Character(character)),
        None => Ok(()),
    }
}

/// Refuses anything but segments joined by single dots.
pub(super) fn check_folder(folder: &str) -> Result<(), NameError> {
    folder.split('.').try_for_each(check_segment)
}
