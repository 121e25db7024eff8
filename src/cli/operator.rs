//! Who sits at the command line, for the audit trail.

use nix::unistd::{Uid, User};

/// The name of the user that this process belongs to, as the system knows it and not as the environment says.
pub(super) fn name() -> String {
    let uid = Uid::current();
    let user = User::from_uid(uid).ok().flatten();
    user.map_or_else(|| format!("uid {uid}"), |user| user.name)
}
