//! Whether the database keeps what it has acknowledged.

use std::fmt;

use super::connections::Connections;
use super::dialect::Dialect;
use crate::error::StoreError;

/// A setting of the database by which it may lose what it has acknowledged, as the database names and shows it.
///
/// It is displayed as `name = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LossySetting {
    /// Its name, as `synchronous_commit`.
    pub name: String,
    /// Its value, as `off`.
    pub value: String,
}

impl fmt::Display for LossySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.name, self.value)
    }
}

pub(super) async fn lossy_settings<E: Dialect>(
    connections: &Connections<E>,
) -> Result<Vec<LossySetting>, StoreError> {
    let rows = connections.read_as_writer(&E::statements().lossy_settings, &[]).await?;
    let text = |text: &str| text.to_owned();
    let settings = rows.iter().map(|row| {
        Ok(LossySetting { name: row.text("name").map(text)?, value: row.text("value").map(text)? })
    });
    settings.collect()
}
