use ::http::HeaderValue;
use slipway_contract::Code;
use slipway_contract::grant::{Grant, Scope};

use super::*;

fn grant(scopes: &[Scope], app: Option<&str>) -> Grant {
    Grant {
        id: "1".to_owned(),
        name: "ci".to_owned(),
        scopes: scopes.iter().copied().collect(),
        app: app.map(str::to_owned),
        expires_at: Some(1000),
        revoked_at: None,
    }
}

#[test]
fn a_token_survives_its_text_and_no_damage() {
    let token = Token::random().unwrap();
    let text = token.reveal().to_owned();
    assert_eq!(text.parse::<Token>().unwrap().hash(), token.hash());
    for place in 0..text.len() {
        let mut damaged = text.clone().into_bytes();
        damaged[place] = if damaged[place] == b'0' { b'1' } else { b'0' };
        let damaged = String::from_utf8(damaged).unwrap();
        assert!(damaged.parse::<Token>().is_err(), "{place}");
    }
}

fn asked(fields: &[(&'static str, String)]) -> Result<Token, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::try_from(value).unwrap());
    }
    Token::from_headers(&headers)
}

fn authorization(value: String) -> Result<Token, Problem> {
    asked(&[("authorization", value)])
}

fn basic(user: &str, password: &str) -> String {
    let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {credentials}")
}

#[test]
fn a_token_comes_as_bearer_or_as_the_password_of_basic() {
    let token = Token::random().unwrap();
    let text = token.reveal();
    for value in [
        format!("Bearer {text}"),
        format!("bearer   {text} "),
        basic("", text),
        basic("anybody", text),
        basic("", text).replace("Basic", "bAsIc"),
    ] {
        assert!(authorization(value.clone()).is_ok(), "{value}");
    }
}

#[test]
fn a_whole_token_in_the_wrong_place_is_told_the_right_one() {
    let token = Token::random().unwrap();
    let text = token.reveal();
    for (value, words) in [
        (text.to_owned(), "Bearer alone has to stand before it"),
        (format!("token {text}"), "Bearer alone"),
        (format!("Bearer: {text}"), "Bearer alone"),
        (format!("Bearer \"{text}\""), "Bearer alone"),
        (format!("Bearer Bearer {text}"), "Bearer alone"),
        (format!("Digest username=\"{text}\""), "Bearer alone"),
        (basic(text, ""), "give it as the password"),
        (basic("ci", &text[..50]), "damaged"),
        (basic("ci", "secret"), "the password is no token"),
        ("Basic !!".to_owned(), "the password is no token"),
        (format!("Bearer {}", &text[..50]), "damaged"),
        (text.to_uppercase(), "no token of Slipway"),
        ("Bearer".to_owned(), "the token is empty"),
        ("bearer ".to_owned(), "the token is empty"),
        ("Bearer ghp_123".to_owned(), "no token of Slipway"),
    ] {
        let problem = authorization(value.clone()).err().expect(&value);
        assert_eq!(
            (problem.status.as_u16(), problem.code),
            (401, Code::TokenInvalid)
        );
        assert!(
            problem.detail.contains(words),
            "{value}: {}",
            problem.detail
        );
        assert!(!problem.detail.contains(text), "no token is repeated");
        let head = problem.head(());
        assert_eq!(head.headers()["www-authenticate"], "Bearer");
    }
}

#[test]
fn a_token_in_a_path_stays_out_of_the_log() {
    let token = Token::random().unwrap();
    let path = format!("/api/v1/apps/{0}/packages/{0}.apk", token.reveal());
    assert_eq!(
        without_tokens(&path),
        "/api/v1/apps/slw_…/packages/slw_….apk"
    );
    assert_eq!(without_tokens("/a/notes"), "/a/notes");
}

#[test]
fn basic_is_refused_from_another_site_and_bearer_is_not() {
    let token = Token::random().unwrap();
    let basic = basic("", token.reveal());
    let bearer = format!("Bearer {}", token.reveal());
    let elsewhere = ("sec-fetch-site", "cross-site".to_owned());
    let problem = asked(&[("authorization", basic), elsewhere.clone()]).err();
    let problem = problem.expect("a refusal");
    assert_eq!(
        (problem.status.as_u16(), problem.code),
        (403, Code::OriginRefused)
    );
    assert!(asked(&[("authorization", bearer), elsewhere]).is_ok());
}

#[test]
fn scopes_and_apps_are_refused_with_their_own_codes() {
    let upload = grant(&[Scope::Upload], Some("notes"));
    assert!(upload.permit(Scope::Upload, Some("notes")).is_ok());
    let code =
        |result: Result<(), TokenRefusal>| Problem::from(result.expect_err("a refusal")).code;
    assert_eq!(
        code(upload.permit(Scope::Release, Some("notes"))),
        Code::ScopeMissing
    );
    assert_eq!(
        code(upload.permit(Scope::Upload, Some("other"))),
        Code::TokenOfAnotherApp
    );
    assert_eq!(
        code(upload.permit(Scope::Upload, None)),
        Code::TokenOfAnotherApp
    );
    assert!(
        grant(&[Scope::Admin], None)
            .permit(Scope::Release, Some("x"))
            .is_ok()
    );
}

#[test]
fn a_scope_that_is_not_known_permits_nothing() {
    let later = r#"{"id":"1","name":"ci","scopes":["everything","upload"],"app":null,"expires_at":null,"revoked_at":null,"more":1}"#;
    let later: Grant = serde_json::from_str(later).expect("a grant");
    assert!(later.permit(Scope::Upload, None).is_ok());
    for scope in [Scope::Read, Scope::Release, Scope::Admin] {
        assert!(later.permit(scope, None).is_err(), "{scope:?}");
    }
}

#[test]
fn an_expired_token_says_so() {
    let expired = grant(&[Scope::Read], None);
    assert!(expired.check_alive(999).is_ok());
    assert_eq!(expired.check_alive(1000), Err(TokenRefusal::Expired));
}
