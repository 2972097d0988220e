//! What a client registers about encryption (OpenID Connect Dynamic Client Registration 1.0 section 2).

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::client::ClientMetadata;
use crate::error::Reason;
use crate::provider::core::Core;

/// `metadata` with the members about encryption. Whoever asks for what is not turned on must hear of it,
/// since their answers would go out in the clear; where they leave `enc` out, they are told which one they
/// got.
///
/// # Errors
/// [`Reason::MetadataEncryption`].
pub(super) fn registered(
    core: &Core,
    members: &Map<String, Value>,
    mut metadata: ClientMetadata,
) -> Result<ClientMetadata, Reason> {
    metadata.id_token_encrypted_response_alg = read(members, "id_token_encrypted_response_alg")?;
    metadata.id_token_encrypted_response_enc = read(members, "id_token_encrypted_response_enc")?;
    metadata.userinfo_encrypted_response_alg = read(members, "userinfo_encrypted_response_alg")?;
    metadata.userinfo_encrypted_response_enc = read(members, "userinfo_encrypted_response_enc")?;
    metadata.authorization_encrypted_response_alg = read(members, "authorization_encrypted_response_alg")?;
    metadata.authorization_encrypted_response_enc = read(members, "authorization_encrypted_response_enc")?;
    metadata.request_object_encryption_alg = read(members, "request_object_encryption_alg")?;
    metadata.request_object_encryption_enc = read(members, "request_object_encryption_enc")?;
    let to_clients =
        [metadata.id_token_encryption(), metadata.userinfo_encryption(), metadata.authorization_encryption()];
    let from_client = metadata.request_object_encryption();
    let mut wanted = to_clients.into_iter().chain([from_client]).flatten();
    if !wanted.all(|algs| core.encryption.as_ref().is_some_and(|on| on.allows(algs))) {
        return Err(Reason::MetadataEncryption);
    }
    let has_key = |alg| core.decrypter.as_ref().is_some_and(|keys| keys.algorithms().contains(&alg));
    if !from_client.is_none_or(|algs| has_key(algs.alg)) {
        return Err(Reason::MetadataEncryption);
    }
    for (algs, enc) in [
        (to_clients[0], &mut metadata.id_token_encrypted_response_enc),
        (to_clients[1], &mut metadata.userinfo_encrypted_response_enc),
        (to_clients[2], &mut metadata.authorization_encrypted_response_enc),
        (from_client, &mut metadata.request_object_encryption_enc),
    ] {
        if algs.is_none() && enc.is_some() {
            return Err(Reason::MetadataEncryption);
        }
        *enc = algs.map(|algs| algs.enc);
    }
    Ok(metadata)
}

/// A member; `null` is as good as absent.
fn read<T: FromStr>(members: &Map<String, Value>, name: &str) -> Result<Option<T>, Reason> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let read = value.as_str().and_then(|name| name.parse().ok());
            read.map(Some).ok_or(Reason::MetadataEncryption)
        }
    }
}
