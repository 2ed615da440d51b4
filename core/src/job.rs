//! Heavy work as an effect: pure functions with their arguments, for the driver to run on whatever
//! threads it has.

use alloc::vec::Vec;
use bytes::Bytes;

use crate::crypto::{OpenError, SealedPiece, Secret, Suite};
use crate::crypto::{PasswordParams, Signature, hash_password, open_piece, seal_piece};
use crate::id::BlobId;

/// Work to be done, complete in itself. `Debug` names the kind only.
pub enum Job {
    /// Seal one piece of a file or one node of a manifest.
    SealPiece {
        /// The cryptography to use.
        suite: Suite,
        /// The fingerprint key of this sort of piece.
        dedup_key: Secret<32>,
        /// What to seal.
        payload: Bytes,
    },
    /// Check a blob against its id, then open it.
    OpenPiece {
        /// The cryptography to use.
        suite: Suite,
        /// The id that was asked for.
        id: BlobId,
        /// The piece's key.
        key: Secret<32>,
        /// What came.
        blob: Bytes,
        /// The length that the manifest tells.
        plain_len: u32,
    },
    /// Hash a blob.
    HashBlob {
        /// The cryptography to use.
        suite: Suite,
        /// Its bytes.
        blob: Bytes,
    },
    /// Prove that a blob is here: hash it after a nonce.
    ProveBlob {
        /// The cryptography to use.
        suite: Suite,
        /// What the question brought.
        nonce: [u8; 32],
        /// Its bytes.
        blob: Bytes,
    },
    /// Stretch a password with Argon2id.
    HashPassword {
        /// The password, normalised.
        password: Secret<32>,
        /// Salt.
        salt: [u8; 16],
        /// Cost.
        params: PasswordParams,
    },
    /// Verify signatures.
    VerifySignatures {
        /// The cryptography to use.
        suite: Suite,
        /// What to verify.
        claims: Vec<SignatureClaim>,
    },
}

/// One signature to be verified: see [`Suite::verify`].
#[derive(Clone, Debug)]
pub struct SignatureClaim {
    /// The public key.
    pub key: [u8; 32],
    /// Label, network id and bytes, as [`crate::crypto::signed_message`] puts them together.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Signature,
}

/// What a job came to.
#[derive(Clone, Debug)]
pub enum JobResult {
    /// Of `SealPiece`.
    Sealed(SealedPiece),
    /// Of `OpenPiece`.
    Opened(Result<Bytes, OpenError>),
    /// Of `HashBlob`.
    Hashed(BlobId),
    /// Of `ProveBlob`.
    Proved([u8; 32]),
    /// Of `HashPassword`; `None` if the parameters are out of bounds.
    Password(Option<Secret<32>>),
    /// Of `VerifySignatures`: one verdict each.
    Verified(Vec<bool>),
}

impl Job {
    /// Does the work: pure, on any thread, in bounded time.
    pub fn run(self) -> JobResult {
        match self {
            Self::SealPiece { suite, dedup_key, payload } => {
                JobResult::Sealed(seal_piece(suite, &dedup_key, &payload))
            }
            Self::OpenPiece { suite, id, key, blob, plain_len } => {
                JobResult::Opened(open_piece(suite, &id, &key, blob, plain_len))
            }
            Self::HashBlob { suite, blob } => JobResult::Hashed(suite.blob_id(&blob)),
            Self::ProveBlob { suite, nonce, blob } => JobResult::Proved(suite.hash(&[&nonce, &blob])),
            Self::HashPassword { password, salt, params } => {
                JobResult::Password(hash_password(password.expose(), &salt, params))
            }
            Self::VerifySignatures { suite, claims } => JobResult::Verified(
                claims.iter().map(|c| suite.verify(&c.key, &c.message, &c.signature)).collect(),
            ),
        }
    }
}

impl core::fmt::Debug for Job {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::SealPiece { .. } => "SealPiece",
            Self::OpenPiece { .. } => "OpenPiece",
            Self::HashBlob { .. } => "HashBlob",
            Self::ProveBlob { .. } => "ProveBlob",
            Self::HashPassword { .. } => "HashPassword",
            Self::VerifySignatures { .. } => "VerifySignatures",
        })
    }
}
