//! System secrets that rotate under load (R15).

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::{BoxError, SystemSecrets};

use crate::lab::Stage;
use crate::node::orders::Orders;
use crate::relying_party::Load;

/// Most rotations: a set holds sixteen secrets, and all are kept, since what they have sealed is asked for at the end.
const MOST_ROTATIONS: u64 = 14;

/// R15: a new system secret is first given to every node for reading, then moved to the front, and what is stored is moved to
/// it. Nobody who uses what they have notices.
pub(super) async fn system_secrets(stage: &mut Stage<'_>) -> Result<(), BoxError> {
    stage.allowed.rewritten = true;
    let every = Duration::from_millis(if stage.lab.options.short { 1500 } else { 5000 });
    let mut document: Value = serde_json::from_str(stage.lab.secrets.export().expose())?;
    let load = Load::begin(stage, stage.lab.usual(4, 16)).await?;
    let mut moved = 0;
    for _ in 0..stage.lab.count(2, 2).min(MOST_ROTATIONS) {
        sleep(every).await;
        let new: Value = serde_json::from_str(SystemSecrets::generate(&OsEntropy)?.export().expose())?;
        secrets_of(&mut document)?.insert(1, new["secrets"][0].clone());
        deploy(stage, &document).await?;
        secrets_of(&mut document)?.swap(0, 1);
        deploy(stage, &document).await?;
        moved = stage.nodes[0].order(&Orders { reseals: true, ..Orders::default() }).await?.resealed;
        stage.count_faults(1);
    }
    stage.expect(moved > 0, || "nothing was moved to a new secret".to_owned());
    sleep(every).await;
    let unverified = load.end().await;
    stage.expect(unverified == 0, || format!("{unverified} ID tokens could not be verified"));
    Ok(())
}

fn secrets_of(document: &mut Value) -> Result<&mut Vec<Value>, BoxError> {
    document["secrets"].as_array_mut().ok_or_else(|| "there are no system secrets".into())
}

/// Gives the secrets to one node after the other, as a deployment does.
async fn deploy(stage: &mut Stage<'_>, document: &Value) -> Result<(), BoxError> {
    for node in &mut stage.nodes {
        node.order(&Orders { system_secrets: Some(document.to_string()), ..Orders::default() }).await?;
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
