//! The stand-ins of [`Suite::Sim`](super::Suite::Sim): a tenth of the cost, the same lengths, no protection.
//!
//! Whoever knows a public key can sign for it. They only keep apart what the real ones keep apart.

use super::{Secret, Signature};

/// In place of SHA-256.
pub(super) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    finish(blake3::Hasher::new(), parts)
}

/// In place of HMAC.
pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    finish(blake3::Hasher::new_keyed(&hash(&[key])), parts)
}

/// In place of HKDF-Expand.
pub(super) fn expand(key: &Secret<32>, info: &[u8], out: &mut [u8]) {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    hasher.update(info);
    hasher.finalize_xof().fill(out);
}

/// The public key of a seed.
pub(super) fn public_key(seed: &Secret<32>) -> [u8; 32] {
    hash(&[b"simulated public key", seed.expose()])
}

/// Signs for a public key.
pub(super) fn sign(public: &[u8; 32], message: &[u8]) -> Signature {
    let mut signature = Signature([0; 64]);
    let mut hasher = blake3::Hasher::new_keyed(public);
    hasher.update(message);
    hasher.finalize_xof().fill(&mut signature.0);
    signature
}

/// In place of a cipher's tag. Nearly every byte of a run passes here twice, so it costs next to nothing; whatever changes in
/// one word of the parts or in their lengths shows in it.
pub(crate) fn checksum(parts: &[&[u8]]) -> [u8; 16] {
    let mut sums = [0x243f_6a88_85a3_08d3_u64, 0x1319_8a2e_0370_7344];
    // Each step can be undone: of two states that differ none come together again by the same words.
    let mut add = |word: u64| {
        sums[0] = (sums[0] ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        sums[1] = sums[1].wrapping_add(word).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(31);
    };
    for part in parts {
        let (words, rest) = part.as_chunks::<8>();
        words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        add(u64::from_le_bytes(last));
        add(part.len() as u64);
    }
    let mut out = [0; 16];
    out[..8].copy_from_slice(&sums[0].to_le_bytes());
    out[8..].copy_from_slice(&sums[1].to_le_bytes());
    out
}

fn finish(mut hasher: blake3::Hasher, parts: &[&[u8]]) -> [u8; 32] {
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn a_checksum_shows_every_bit_that_flips_and_where_the_parts_end() {
        let bytes: [u8; 37] = core::array::from_fn(|i| i as u8);
        let right = checksum(&[&bytes]);
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&[&flipped]), right, "{bit}");
        }
        assert_ne!(checksum(&[&bytes[..30], &bytes[30..]]), right);
        assert_ne!(checksum(&[&bytes, &[]]), right);
        assert_ne!(checksum(&[&[0; 3]]), checksum(&[&[0; 4]]));
    }
}
