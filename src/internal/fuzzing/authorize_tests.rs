use proptest::prelude::*;

use super::authorize;

/// A sound request, to be spoilt.
const SOUND: &str = "client_id=fuzz&response_type=code&scope=openid+profile&state=s&nonce=n&\
code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&\
redirect_uri=https%3A%2F%2Ffuzz.example%2Fcb";

/// The same of a client that may ask for tokens.
const SOUND_FRONT: &str = "client_id=front&response_type=code+id_token+token&scope=openid+profile&state=s&nonce=n&\
code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&\
redirect_uri=https%3A%2F%2Ffront.example%2Fcb";

/// What stands near the border of a rule, each an end of the request or a parameter more.
const PIECES: [&str; 44] = [
    "&redirect_uri=https%3A%2F%2Fevil.example%2F",
    "&redirect_uri=",
    "%2F",
    "%40evil.example",
    "%5C",
    "%23",
    "%3F",
    "%00",
    "%0d%0a",
    "&client_id=fuzz",
    "&client_id=web",
    "&client_id=nope",
    "&response_type=code",
    "&response_type=token",
    "&response_type=token+id_token",
    "&response_type=id_token+code",
    "&response_type=none",
    "&nonce=",
    "&response_mode=query",
    "&response_mode=form_post",
    "&response_mode=fragment",
    "&response_mode=jwt",
    "&state=",
    "x",
    "\u{e9}",
    "%ff",
    "&state=%22%3E",
    "&prompt=none",
    "&prompt=login",
    "+login",
    "&max_age=0",
    "&max_age=-1",
    "&claims=%7B%7D",
    "&claims=%7B",
    "&scope=admin",
    "&scope=",
    "+read",
    "&resource=urn:x",
    "&request=x",
    "&request_uri=x",
    "&code_challenge=x",
    "&ui_locales=de+x",
    "&login_hint=a",
    "\n",
];

proptest! {
    /// attack 1 to attack 49 by chance
    #[test]
    fn requests(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..6),
        dropped in prop::option::of(prop::sample::select(&["client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge="][..])),
        sound in prop::sample::select(&[SOUND, SOUND_FRONT][..]),
        by_post: bool,
    ) {
        let kept = sound.split('&').filter(|pair| dropped.is_none_or(|name| !pair.starts_with(name)));
        let request = kept.collect::<Vec<_>>().join("&") + &pieces.concat();
        let line = if by_post { "\n" } else { "" };
        authorize(format!("{line}{request}").as_bytes());
    }
}
