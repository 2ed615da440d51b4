//! A user's keys. Their secrets leave by `words` and, sealed, by `lock`; nothing else shows them.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use quantumsync_core::crypto::Suite;
use quantumsync_core::vault;
use zeroize::Zeroizing;

use crate::errors::raised;
use crate::guard::{guard, on_thread};
use crate::values::entropy;

/// The keys of one user.
#[pyclass(frozen, module = "quantumsync._quantumsync")]
pub(crate) struct Vault(pub(crate) vault::Vault);

#[pymethods]
impl Vault {
    /// A new vault from the operating system's randomness.
    #[staticmethod]
    fn create() -> PyResult<Self> {
        guard(|| Ok(Self(vault::Vault::create(Suite::Real, entropy()?))))
    }

    /// The vault of these 24 words.
    #[staticmethod]
    fn from_words(words: &str) -> PyResult<Self> {
        guard(|| vault::Vault::from_words(Suite::Real, words).map(Self).map_err(raised))
    }

    /// Opens the bytes of a vault file.
    #[staticmethod]
    #[pyo3(signature = (file, passphrase = None))]
    fn unlock(py: Python<'_>, file: Vec<u8>, passphrase: Option<String>) -> PyResult<Self> {
        guard(|| {
            let passphrase = passphrase.map(Zeroizing::new);
            // Stretching a passphrase takes a while.
            let open =
                move || vault::Vault::open(Suite::Real, &file, passphrase.as_deref().map(String::as_str));
            on_thread(py, open)?.map(Self).map_err(raised)
        })
    }

    /// The bytes of a vault file.
    #[pyo3(signature = (passphrase = None))]
    fn lock<'py>(&self, py: Python<'py>, passphrase: Option<String>) -> PyResult<Bound<'py, PyBytes>> {
        guard(|| {
            let (vault, passphrase, fresh) = (self.0.clone(), passphrase.map(Zeroizing::new), entropy()?);
            let lock = move || vault.lock(passphrase.as_deref().map(String::as_str), fresh);
            Ok(PyBytes::new(py, &on_thread(py, lock)?.map_err(raised)?))
        })
    }

    /// The 24 words that are this vault.
    fn words(&self) -> PyResult<String> {
        guard(|| Ok(self.0.words().to_string()))
    }

    /// Whose files these are: a public key in hexadecimal digits.
    #[getter]
    fn owner(&self) -> PyResult<String> {
        guard(|| Ok(self.0.owner().to_string()))
    }
}
