//! Classes of plain values, and how they show themselves.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Bytes longer than this are shown by their length.
const SHOWN: usize = 32;

/// A frozen class with these attributes and a `repr` that shows them.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
        $($methods:tt)*
    ) => {
        $(#[$doc])*
        #[pyo3::pyclass(frozen, module = "quantumsync._quantumsync")]
        pub(crate) struct $name {
            $($(#[$field_doc])* #[pyo3(get)] pub(crate) $field: $type,)*
        }

        #[pyo3::pymethods]
        impl $name {
            fn __repr__(slf: &pyo3::Bound<'_, Self>) -> pyo3::PyResult<String> {
                $crate::guard::guard(|| $crate::record::show(slf.as_any(), &[$(stringify!($field)),*]))
            }

            $($methods)*
        }
    };
}
pub(crate) use record;

/// `Name(attribute=value, …)`.
pub(crate) fn show(object: &Bound<'_, PyAny>, attributes: &[&str]) -> PyResult<String> {
    let shown = attributes.iter().map(|name| {
        let value = object.getattr(*name)?;
        match value.cast::<PyBytes>() {
            Ok(bytes) if bytes.as_bytes().len() > SHOWN => {
                Ok(format!("{name}=<{} bytes>", bytes.as_bytes().len()))
            }
            _ => Ok(format!("{name}={}", value.repr()?)),
        }
    });
    let shown = shown.collect::<PyResult<Vec<String>>>()?;
    Ok(format!("{}({})", object.get_type().name()?, shown.join(", ")))
}
