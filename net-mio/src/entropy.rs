//! The operating system's randomness.

use crate::home::HomeError;

/// `N` random bytes.
pub(crate) fn entropy<const N: usize>() -> Result<[u8; N], HomeError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| HomeError::Entropy(error.to_string()))?;
    Ok(bytes)
}
