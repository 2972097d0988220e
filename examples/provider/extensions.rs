//! What the flags turn on, a profile's among them, beside what every provider of this kind has.

use std::sync::Arc;

use vouchsafe::limiter::{Allowance, LimitPoint, WindowLimiter};
use vouchsafe::provider::{DpopConfig, DpopNonces, MutualTls, ProviderBuilder, Registration};
use vouchsafe::types::Issuer;

use crate::ciba::Asked;
use crate::exchange::RightlyHad;
use crate::options::{Extensions, Options, Profile, RegisteredBy};
use crate::payments::Payments;
use crate::site::users::Users;
use crate::trusted::Trusted;
use crate::{ciba, encryption, setup};

/// Most requests that one client pushes, and all together, in a minute: room for runs of tests.
const PUSHED: Allowance = Allowance::new(600, 6000, std::time::Duration::from_secs(60));

/// What the flags do not say of the server.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    pub issuer: &'a Issuer,
    /// Where certificates are asked for.
    pub mtls_alias: Option<Issuer>,
    pub users: &'a Arc<Users>,
    /// Who asks people who are elsewhere.
    pub asked: Option<&'a Arc<Asked>>,
}

/// The builder with what the flags turn on.
///
/// # Errors
/// One sentence that names the flag or file to mend.
pub(crate) fn turned_on(
    builder: ProviderBuilder,
    options: &Options,
    around: Around<'_>,
) -> Result<ProviderBuilder, String> {
    let builder = match around.asked {
        Some(asked) => builder.with_backchannel_authentication(asked.settings(options.profile)),
        None => builder,
    };
    let builder = match &options.extensions.trusted_issuers {
        Some(path) => {
            let trusted = setup::read(path, |document| Trusted::parse(document, around.users.clone()))?;
            builder.trusted_issuers(Arc::new(trusted)).with_jwt_bearer()
        }
        None => builder,
    };
    let builder = match around.mtls_alias {
        Some(alias) => builder.with_mutual_tls(mutual_tls(options).with_aliases_at(alias)),
        None => builder,
    };
    let builder = at_authorization(builder, options);
    let builder = of_clients_and_tokens(builder, &options.extensions);
    let builder = match dpop(options) {
        Some(dpop) => builder.with_dpop(dpop),
        None => builder,
    };
    let builder = match options.extensions.encryption {
        true => builder.with_encryption(encryption::beside(options.keys.as_deref())?),
        false => builder,
    };
    let builder = match options.profile.and_then(Profile::demands) {
        Some(profile) => builder.with_profile(profile),
        None => builder,
    };
    Ok(match registration(options, around.issuer) {
        Some(registration) => builder.with_registration(registration),
        None => builder,
    })
}

fn at_authorization(mut builder: ProviderBuilder, options: &Options) -> ProviderBuilder {
    let extensions = &options.extensions;
    for response_type in &extensions.response_types {
        builder = builder.with_response_type(*response_type);
    }
    if options.account_creation {
        builder = builder.with_account_creation();
    }
    if let Some(pushed) = extensions.pushed_requests {
        builder = builder.with_pushed_authorization_requests(pushed.into());
    }
    if extensions.request_objects {
        builder = builder.with_request_parameter();
    }
    if extensions.request_objects && options.takes_request_uris() {
        builder = builder.with_request_uri_parameter();
    }
    if extensions.dangerous_unsigned_request_objects {
        builder = builder.dangerous_with_unsigned_request_objects();
    }
    if extensions.jarm {
        builder = builder.with_jarm();
    }
    if extensions.authorization_details {
        builder = builder.with_authorization_details(Arc::new(Payments));
    }
    builder
}

fn of_clients_and_tokens(mut builder: ProviderBuilder, extensions: &Extensions) -> ProviderBuilder {
    if extensions.device || extensions.ciba || extensions.pushed_requests.is_some() {
        let limiter = WindowLimiter::for_user_codes().with(LimitPoint::PushedAuthorization, PUSHED);
        builder = builder.limiter(Arc::new(ciba::bounded(limiter)));
    }
    if extensions.device {
        builder = builder.with_device_authorization();
    }
    if extensions.client_secret_jwt {
        builder = builder.with_client_secret_jwt();
    }
    if extensions.introspection_jwt {
        builder = builder.with_introspection_jwt();
    }
    if extensions.token_exchange {
        builder = builder.with_token_exchange(Arc::new(RightlyHad));
    }
    if extensions.dangerous_allow_unsigned_id_tokens {
        builder = builder.dangerous_allow_unsigned_id_tokens();
    }
    builder
}

fn registration(options: &Options, issuer: &Issuer) -> Option<Registration> {
    let registration = match options.registration.unwrap_or_default() {
        RegisteredBy::Off => return None,
        RegisteredBy::Open => Registration::open(),
        RegisteredBy::Token => Registration::by_initial_access_token(),
    };
    let mut registration = registration.with_settings(options.client_settings(issuer));
    for response_type in &options.extensions.response_types {
        registration = registration.with_response_type(*response_type);
    }
    if options.extensions.authorization_details {
        registration = registration.with_authorization_details_type(Payments::TYPE);
    }
    Some(match options.dangerous_allow_loopback_fetch {
        true => registration.dangerous_allow_inner_addresses(),
        false => registration,
    })
}

/// How proofs are taken, if they are.
pub(crate) fn dpop(options: &Options) -> Option<DpopConfig> {
    let Extensions { dpop: true, dpop_nonce, .. } = options.extensions else { return None };
    let nonces = if dpop_nonce { DpopNonces::Required } else { DpopNonces::Optional };
    let config = DpopConfig::new().with_nonces(nonces);
    Some(match options.profile.is_some_and(Profile::is_fapi) {
        true => config.with_algorithms(options.signing_algorithms().iter().copied()),
        false => config,
    })
}

/// Without authorities no certificate names a client.
fn mutual_tls(options: &Options) -> MutualTls {
    let self_signed = MutualTls::new().with_self_signed_tls_client_auth();
    match options.mtls_ca_file {
        Some(_) => self_signed.with_tls_client_auth(),
        None => self_signed,
    }
}
