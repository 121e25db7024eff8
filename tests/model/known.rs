//! Histories that once failed, as small as they could be made.
