//! The users, read from a file.

use serde_json::{Map, Value};

use crate::site::users::Users;

/// Reads a JSON array of users: objects with `username`, `password` and `claims`.
///
/// # Errors
/// One sentence that names the user and the member; never a value, which could be a password.
pub(crate) fn parse(document: &str) -> Result<Users, String> {
    let entries: Vec<Value> = serde_json::from_str(document)
        .map_err(|error| format!("not a JSON array (line {}, column {})", error.line(), error.column()))?;
    let mut users = Users::new().map_err(|error| error.to_string())?;
    for (index, entry) in entries.into_iter().enumerate() {
        let name = match entry.get("username").and_then(Value::as_str) {
            Some(username) => format!("user {username:?}"),
            None => format!("user number {}", index + 1),
        };
        add(&mut users, entry).map_err(|problem| format!("{name}: {problem}"))?;
    }
    Ok(users)
}

fn add(users: &mut Users, entry: Value) -> Result<(), String> {
    let Value::Object(mut members) = entry else { return Err("must be an object".to_owned()) };
    let username = text(&mut members, "username")?;
    let password = text(&mut members, "password")?;
    let claims = match members.remove("claims") {
        None => Map::new(),
        Some(Value::Object(claims)) => claims,
        Some(_) => return Err("member \"claims\": must be an object".to_owned()),
    };
    if let Some(name) = members.keys().next() {
        return Err(format!("unknown member {name:?}"));
    }
    users.add(&username, &password, claims).map_err(|invalid| invalid.0.to_owned())
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<String, String> {
    match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("member {name:?}: must be a string")),
        None => Err(format!("member {name:?} is missing")),
    }
}
