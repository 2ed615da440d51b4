//! Several nodes wired together.
