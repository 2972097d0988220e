//! Which key of a token is meant.

use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::Pkcs11Error;

/// What a key of a token is found by. It must be the only one of its kind that has the name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyName {
    /// Its `CKA_ID`.
    Id(Vec<u8>),
    /// Its `CKA_LABEL`.
    Label(String),
}

impl KeyName {
    /// The key with this `CKA_LABEL`.
    #[must_use]
    pub fn label(label: impl Into<String>) -> Self {
        Self::Label(label.into())
    }

    /// The key with this `CKA_ID`.
    #[must_use]
    pub fn id(id: impl Into<Vec<u8>>) -> Self {
        Self::Id(id.into())
    }

    pub(super) fn attribute(&self) -> Attribute {
        match self {
            Self::Id(id) => Attribute::Id(id.clone()),
            Self::Label(label) => Attribute::Label(label.as_bytes().to_vec()),
        }
    }
}

/// A key by all of its names, so that one that was put in its place under the same label is not taken for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct KeyIdentity {
    name: KeyName,
    id: Option<Vec<u8>>,
}

impl KeyIdentity {
    /// Looks a private key up.
    pub(super) fn find(session: &Session, name: &KeyName) -> Result<Self, Pkcs11Error> {
        let by_name = Self { name: name.clone(), id: None };
        let private = by_name.object(session, ObjectClass::PRIVATE_KEY)?.ok_or(Pkcs11Error::Missing)?;
        let id = match attribute(session, private, AttributeType::Id)? {
            Some(Attribute::Id(id)) if !id.is_empty() => Some(id),
            _ => None,
        };
        Ok(Self { id, ..by_name })
    }

    /// The one object of this class.
    pub(super) fn object(
        &self,
        session: &Session,
        class: ObjectClass,
    ) -> Result<Option<ObjectHandle>, Pkcs11Error> {
        let mut template = vec![Attribute::Class(class), self.name.attribute()];
        if let (Some(id), KeyName::Label(_)) = (&self.id, &self.name) {
            template.push(Attribute::Id(id.clone()));
        }
        match *session.find_objects(&template)? {
            [] => Ok(None),
            [object] => Ok(Some(object)),
            [..] => Err(Pkcs11Error::Ambiguous),
        }
    }
}

/// One attribute, where the object has it and shows it.
pub(super) fn attribute(
    session: &Session,
    object: ObjectHandle,
    kind: AttributeType,
) -> Result<Option<Attribute>, Pkcs11Error> {
    Ok(session.get_attributes(object, &[kind])?.into_iter().next())
}
