//! Records, pins and membership as a stranger meets them: through their bytes.

pub(crate) mod arbitrary;
mod grants;
mod membership;
mod pins;
mod records;
