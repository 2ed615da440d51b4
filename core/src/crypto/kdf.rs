//! Key derivation: HKDF-SHA-256 (RFC 5869) under labels that stand in one table.

/// Every label of the protocol. All begin with `quantumsync/1/`; inputs that follow are length-prefixed.
pub mod label {
    /// Signature of a record's header.
    pub const RECORD: &str = "quantumsync/1/record";
    /// Signature of a pin.
    pub const PIN: &str = "quantumsync/1/pin";
    /// Signature of a writer's grant.
    pub const GRANT: &str = "quantumsync/1/grant";
    /// Signature of an admission.
    pub const ADMISSION: &str = "quantumsync/1/admission";
    /// Signature of a removal.
    pub const REMOVAL: &str = "quantumsync/1/removal";
    /// Signature of the network's settings.
    pub const SETTINGS: &str = "quantumsync/1/settings";
    /// Proof of an owner on a link.
    pub const LINK_OWNER: &str = "quantumsync/1/link/owner";
    /// Proof of the home's control key on a link.
    pub const LINK_CONTROL: &str = "quantumsync/1/link/control";
}
