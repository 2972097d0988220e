//! The manual.
//!
//! Begin with the [`tour`]; the others are for when you need them.

#[doc = include_str!("auditing.md")]
pub mod auditing {}

#[doc = include_str!("design.md")]
pub mod design {}

#[doc = include_str!("extending.md")]
pub mod extending {}

#[doc = include_str!("kms.md")]
pub mod kms {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("reliability.md")]
pub mod reliability {}

#[doc = include_str!("reporting.md")]
pub mod reporting {}

#[doc = include_str!("resources.md")]
pub mod resources {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("storage.md")]
pub mod storage {}

#[doc = include_str!("tour.md")]
pub mod tour {}
