//! The verification page for devices (RFC 8628 section 3.3), with the host's part in it.

use std::fmt;

use http::header::SET_COOKIE;
use url::form_urlencoded;

use super::Mount;
use crate::error::Reason;
use crate::event::Endpoint;
use crate::provider::authorize::LoginNeed;
use crate::provider::device::{self, PendingDevice, Step, Visit, Visitor};
use crate::provider::route;
use crate::wire::{Request, Response, reply};

/// What a person who came for a device is shown next.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct DeviceQuestion<'a> {
    /// What is to be shown.
    pub step: DeviceStep<'a>,
    /// The request, by which the host knows its browser.
    pub request: &'a Request,
    action: &'a str,
}

/// One step of the verification page.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum DeviceStep<'a> {
    /// The person has answered: the device goes on by itself.
    Answered {
        /// What they said.
        answer: DeviceAnswer,
    },
    /// The person has to agree or not. Whatever they agreed to before, they must be shown which client asks for what, be it
    /// scope or resources, and the code, to compare it with that of the device before them (RFC 8628 section 5.4).
    Confirm {
        /// The device.
        pending: &'a PendingDevice,
        /// The field `confirmation` of the form, beside the field `answer`, which is `allow` or `deny`.
        sealed: &'a str,
    },
    /// The person has to type the code, or to look at the one that came in the address and go on.
    Enter {
        /// The field `form` of the form, beside the field `user_code`.
        form: &'a str,
        /// The code that came in the address.
        user_code: Option<&'a str>,
        /// Whether the code that was just typed is of no device that waits.
        missed: bool,
    },
    /// Somebody has to sign in; then the browser goes to `return_to`.
    SignIn {
        /// Why.
        need: LoginNeed,
        /// An address of the provider.
        return_to: &'a str,
    },
}

/// What a person said to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum DeviceAnswer {
    /// Yes.
    Allowed,
    /// No.
    Denied,
}

impl DeviceQuestion<'_> {
    /// Where the forms are posted to: the page itself.
    #[must_use]
    pub const fn action(&self) -> &str {
        self.action
    }

    /// A plain page; `None` where somebody has to sign in, for which only the host has a page.
    ///
    /// Its field for the code has the id `user-code`, its buttons have `device-submit`, `device-allow` and `device-deny`.
    #[must_use]
    pub fn page(&self) -> Option<Response> {
        Some(match self.step {
            DeviceStep::Answered { answer } => reply::device_answered_page(answer == DeviceAnswer::Allowed),
            DeviceStep::Confirm { pending, sealed } => {
                let client = pending.client();
                let name = client.metadata().client_name.as_deref().unwrap_or(client.id().as_str());
                let scope = pending.scope().to_string();
                let asked = (&*scope, pending.resources());
                reply::device_consent_page((self.action, sealed), name, asked, pending.user_code())
            }
            DeviceStep::Enter { form, user_code, missed } => {
                reply::device_code_page((self.action, form), user_code, missed)
            }
            DeviceStep::SignIn { .. } => return None,
        })
    }

    /// Sends the browser to a page of the host where somebody signs in, with the address to return to in the parameter
    /// `return_to`; `None` where nobody has to.
    ///
    /// `page` is a path of the host or an absolute URL, without a query and a fragment.
    #[must_use]
    pub fn redirect(&self, page: &str) -> Option<Response> {
        let DeviceStep::SignIn { return_to, .. } = self.step else { return None };
        let encoded: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        Some(reply::redirect(&format!("{page}?return_to={encoded}")))
    }
}

/// Leaves out what is sealed, the code, and the request.
impl fmt::Debug for DeviceQuestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceQuestion").field("step", &self.step).finish_non_exhaustive()
    }
}

/// Leaves out what is sealed and the code.
impl fmt::Debug for DeviceStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { answer } => f.debug_struct("Answered").field("answer", answer).finish(),
            Self::Confirm { pending, .. } => {
                f.debug_struct("Confirm").field("pending", pending).finish_non_exhaustive()
            }
            Self::Enter { missed, .. } => {
                f.debug_struct("Enter").field("missed", missed).finish_non_exhaustive()
            }
            Self::SignIn { need, .. } => f.debug_struct("SignIn").field("need", need).finish_non_exhaustive(),
        }
    }
}

impl Mount {
    pub(super) async fn verify_device(&self, request: &Request) -> Response {
        let Ok(login) = self.interaction.authentication(request).await else {
            return self.device_unavailable();
        };
        let counted_by = self.interaction.counted_by(request);
        let visitor = Visitor { login: login.as_ref(), counted_by: &counted_by };
        match device::visit(&self.provider.0, request, visitor).await {
            Visit::Respond(response) => response,
            Visit::Show(step, set_cookie) => {
                let mut response = self.show_device(request, &step).await;
                response.headers_mut().extend(set_cookie.map(|cookie| (SET_COOKIE, cookie)));
                response
            }
        }
    }

    async fn show_device(&self, request: &Request, step: &Step) -> Response {
        let config = self.provider.config();
        let action = config.issuer.endpoint(&config.paths.device_verification);
        let question = DeviceQuestion { step: shown(step), request, action: &action };
        match self.interaction.verify_device(question).await {
            Ok(mut response) => {
                reply::security_headers(response.headers_mut());
                response
            }
            Err(_) => self.device_unavailable(),
        }
    }

    /// The host cannot do its part now.
    fn device_unavailable(&self) -> Response {
        route::refuse(&self.provider.0, Endpoint::DeviceVerification, Reason::HostUnavailable)
    }
}

fn shown(step: &Step) -> DeviceStep<'_> {
    match step {
        Step::Answered { approved } => DeviceStep::Answered {
            answer: if *approved { DeviceAnswer::Allowed } else { DeviceAnswer::Denied },
        },
        Step::Confirm { pending, sealed } => DeviceStep::Confirm { pending, sealed },
        Step::Enter { form, user_code, missed } => {
            DeviceStep::Enter { form, user_code: user_code.as_deref(), missed: *missed }
        }
        Step::SignIn { need, return_to } => DeviceStep::SignIn { need: *need, return_to },
    }
}
