//! What the crate's own fuzz targets and tests reach from outside. It is no part of the public interface.

pub mod fuzzing;
#[cfg(test)]
mod members_tests;
