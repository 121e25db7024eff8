//! How alike two texts are, to guess what somebody meant.

/// The longest texts that are compared letter by letter, in bytes.
const LONGEST: usize = 300;

/// How many slips of the pen lie between two texts; the most there can be where one is too long to be compared.
pub fn distance(a: &str, b: &str) -> usize {
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    strsim::damerau_levenshtein(a, b)
}

/// Whether one was probably meant by the other: at most a third of it is different.
pub fn is_near(a: &str, b: &str) -> bool {
    distance(a, b) <= a.len().min(b.len()) / 3
}

/// How many bytes two texts begin with alike.
pub fn common(a: &str, b: &str) -> usize {
    let alike = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    alike.map(|(a, _)| a.len_utf8()).sum()
}
