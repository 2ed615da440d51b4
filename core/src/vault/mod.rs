//! The plaintext side: keys, names, chunking, sealing, trees. Must not know the node's modules.
