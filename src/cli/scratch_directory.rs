//! A directory that lasts as long as the process needs it.

use std::io;

use tempfile::TempDir;

/// A new directory, nobody else's business (mode 0700), wherever temporary files lie. It goes away when it is dropped.
pub(super) fn scratch_directory(prefix: &str) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}
