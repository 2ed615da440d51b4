//! Frames, messages and tokens as a peer meets them: through their bytes.

mod arbitrary;
mod frames;
mod messages;
mod tokens;
