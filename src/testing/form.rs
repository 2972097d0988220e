//! Parameters that a test bends into every shape.

use crate::types::Params;

/// The parameters of a request, in order. Unlike [`Params`] it lets a name stand twice and is easily changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// No parameters.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets `name` to `value`, in place of whatever values it has.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.also(name, value)
    }

    /// Adds `name` once more.
    pub fn also(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// Takes every `name` out.
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(given, _)| given != name);
        self
    }

    /// The first value of `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// All pairs in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The parameters as `application/x-www-form-urlencoded` text.
    #[must_use]
    pub fn encode(&self) -> String {
        Params::from_pairs(self.0.iter().cloned()).encode()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Form {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_repeated_or_removed() {
        let form = Form::from_iter([("scope", "a"), ("state", "1")]).set("scope", "a b").also("state", "2");
        assert_eq!(form.encode(), "state=1&scope=a+b&state=2");
        assert_eq!(form.clone().without("state").encode(), "scope=a+b");
        assert_eq!(form.value("state"), Some("1"));
    }
}
