//! Why a provider cannot be put together.

/// Why the parts of a provider do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Something that was turned on or set is what something else forbids.
    #[error("{setting} contradicts {demand}")]
    Contradicts {
        /// What was turned on or set.
        setting: &'static str,
        /// What forbids it: a profile or a requirement.
        demand: &'static str,
    },
    /// A value is outside its bounds.
    #[error("the configuration's {setting} must be {bounds}")]
    Bounds {
        /// The setting.
        setting: &'static str,
        /// What it must be.
        bounds: &'static str,
    },
    /// Two handlers, authenticators or encoders answer to one name, or one key is to sign and to decrypt.
    #[error("{name} is registered twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A path cannot be an endpoint's.
    #[error("the path {path} must begin with a slash, be of letters, digits and -._~/, and end in no slash")]
    Path {
        /// The path.
        path: String,
    },
    /// A resource's metadata cannot be served here.
    #[error("the resource {resource} must be of the issuer's scheme, host and port, and have no query")]
    Resource {
        /// The resource.
        resource: String,
    },
    /// Something that was turned on needs something that is not there.
    #[error("{feature} needs {port}")]
    Needs {
        /// What was turned on.
        feature: &'static str,
        /// What it needs.
        port: &'static str,
    },
}
