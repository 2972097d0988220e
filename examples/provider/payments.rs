//! A type of authorization details (RFC 9396): one payment, as in section 2 there.

use serde_json::{Value, json};
use vouchsafe::client::Client;
use vouchsafe::error::{ErrorCode, Reason};
use vouchsafe::provider::{AuthorizationDetailsType, DetailsFor};
use vouchsafe::types::AuthorizationDetail;

const KNOWN: [&str; 8] = [
    "type",
    "actions",
    "locations",
    "identifier",
    "instructedAmount",
    "creditorName",
    "creditorAccount",
    "remittanceInformationUnstructured",
];

const ACTIONS: [&str; 3] = ["initiate", "status", "cancel"];

/// One payment; none is less than another.
#[derive(Debug)]
pub(crate) struct Payments;

impl Payments {
    pub(crate) const TYPE: &str = "payment_initiation";
}

impl AuthorizationDetailsType for Payments {
    fn type_name(&self) -> &str {
        Self::TYPE
    }

    fn check(
        &self,
        _: &Client,
        _: DetailsFor,
        detail: AuthorizationDetail,
    ) -> Result<AuthorizationDetail, Reason> {
        let refused = |problem| Err(Reason::Custom(ErrorCode::InvalidAuthorizationDetails, problem));
        if detail.fields().keys().any(|name| !KNOWN.contains(&name.as_str())) {
            return refused("payment_initiation has a field that is not known");
        }
        if detail.texts("actions").any(|action| !ACTIONS.contains(&action)) {
            return refused("actions must be of initiate, status and cancel");
        }
        if !detail.field("instructedAmount").is_some_and(is_amount) {
            return refused("instructedAmount must be a currency and an amount");
        }
        let texts = [detail.field("creditorName"), detail.field("creditorAccount").and_then(iban)];
        if !texts.into_iter().all(|text| text.and_then(Value::as_str).is_some_and(|text| !text.is_empty())) {
            return refused("creditorName and the iban of creditorAccount must be there");
        }
        if !detail.field("remittanceInformationUnstructured").is_none_or(Value::is_string) {
            return refused("remittanceInformationUnstructured must be a text");
        }
        match detail.field("actions") {
            Some(_) => Ok(detail),
            None => detail.with("actions", json!(ACTIONS)).map_err(|_| Reason::AuthorizationDetailsMalformed),
        }
    }
}

/// `{"currency": "EUR", "amount": "123.50"}`, and nothing else.
fn is_amount(value: &Value) -> bool {
    let text = |name| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let (currency, amount) = (text("currency"), text("amount"));
    let (whole, cents) = amount.split_once('.').unwrap_or((amount, "00"));
    let digits = |part: &str| (1..=12).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    value.as_object().is_some_and(|members| members.len() == 2)
        && currency.len() == 3
        && currency.bytes().all(|b| b.is_ascii_uppercase())
        && digits(whole)
        && digits(cents)
}

fn iban(account: &Value) -> Option<&Value> {
    account.as_object().filter(|members| members.len() == 1)?.get("iban")
}
