//! Floor 0: types and rules that know nothing else.
