//! Every code of the platform's errors, once.
//!
//! A problem (RFC 9457) has a code for programs beside its words for people. A code is stable: it keeps its meaning for ever,
//! and one that is not used any more is not used again. Which status a refusal has stands beside its words, in the
//! `error.rs` of the service that refuses: the same code has another status where another thing is asked.
//!
//! A reader may meet a code of a later version: it reads [`Word<Code>`](crate::word::Word), and decides by the status.

use crate::word::words;

/// Makes the enum and what each of its values means from one table: name, code, meaning.
macro_rules! codes {
    ($($name:ident = $text:literal, $meaning:literal;)+) => {
        words! {
            /// What an error is, for programs.
            pub enum Code, CodeError, "code" {
                $(#[doc = $meaning] $name = $text,)+
            }
        }

        impl Code {
            /// What it means, in a line of the documentation.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)+
                }
            }
        }
    };
}

codes! {
    // Of the request itself.
    PathRefused = "path_refused", "the path has more than one reading";
    FramingRefused = "framing_refused", "the length of the request has more than one reading";
    HostRefused = "host_refused", "the request names no host, or more than one";
    TrailingSlash = "trailing_slash", "the address has no slash at its end";
    NotFound = "not_found", "nothing is at this address";
    MethodNotAllowed = "method_not_allowed", "the address does not know this method; `Allow` lists those that it does";
    Misdirected = "misdirected", "the request is meant for another instance; nothing of it was done";
    ParameterUnknown = "parameter_unknown", "a parameter or a field is not known";
    ParameterInvalid = "parameter_invalid", "a parameter has a word that it does not know";
    QueryInvalid = "query_invalid", "the query cannot be read";
    JsonExpected = "json_expected", "the body has to be JSON";
    JsonInvalid = "json_invalid", "the body is not the JSON that is asked for";
    HeaderInvalid = "header_invalid", "a header is missing, comes twice or cannot be read";
    ConditionRefused = "condition_refused", "a condition is not looked at here";
    MediaType = "media_type", "the media type of the body is not taken here";
    CodingRefused = "coding_refused", "the body is coded, and a coding is not undone here";
    PartRefused = "part_refused", "the body is a part of a file, and a package is sent whole";
    LengthRequired = "length_required", "the length of the body has to be told";
    BodyTooLarge = "body_too_large", "the body is larger than is taken";
    BodyTooSlow = "body_too_slow", "the body took longer than one may take";
    BodyTimeout = "body_timeout", "nothing of the body came for too long";
    BodyIncomplete = "body_incomplete", "the body ended early";
    BodyUnreadable = "body_unreadable", "the body could not be read to its end";
    FormInvalid = "form_invalid", "the form cannot be read";
    MetadataInvalid = "metadata_invalid", "the metadata of the upload cannot be read";
    TusVersion = "tus_version", "the version of tus is not spoken here";
    TusExtensionUnknown = "tus_extension_unknown", "the extension of tus is not spoken here";
    IdempotencyKeyInvalid = "idempotency_key_invalid", "the idempotency key cannot be used";
    IdempotencyKeyReused = "idempotency_key_reused", "the idempotency key was used for another request";
    PreconditionFailed = "precondition_failed", "a condition of the request does not hold";
    RangeNotSatisfiable = "range_not_satisfiable", "the range lies outside the file";
    // Of whoever asks.
    TokenMissing = "token_missing", "no token was sent";
    TokenInvalid = "token_invalid", "the token is unknown, damaged or revoked";
    TokenExpired = "token_expired", "the token is expired";
    TokenOfAnotherApp = "token_of_another_app", "the token is good for another app";
    TokenUnknown = "token_unknown", "there is no token with this id";
    ScopeMissing = "scope_missing", "the token lacks the scope";
    ScopesEmpty = "scopes_empty", "a token has to have a scope";
    ExpiresInRefused = "expires_in_refused", "a token cannot live for so long";
    LastAdmin = "last_admin", "the last token that may do everything stays";
    OriginRefused = "origin_refused", "a page of another site may not ask for this";
    CallerUnproven = "caller_unproven", "the connection does not prove which service asks";
    CallerNotPermitted = "caller_not_permitted", "this service may not ask for that";
    // Of apps, channels and texts.
    AppUnknown = "app_unknown", "there is no such app";
    AppExists = "app_exists", "there is an app of this name";
    AppDeleted = "app_deleted", "the app was deleted";
    SlugRefused = "slug_refused", "the name cannot be the slug of an app";
    NameRefused = "name_refused", "the name cannot be used";
    TextRefused = "text_refused", "the text holds what cannot be shown";
    NotesTooLong = "notes_too_long", "the notes are too long";
    NotesWithoutRelease = "notes_without_release", "notes are of a release, and none is named";
    ReasonMissing = "reason_missing", "a reason has to be given";
    ChangeMissing = "change_missing", "nothing to change is named";
    ConfirmationMissing = "confirmation_missing", "what is deleted for ever has to be named twice";
    ChannelUnknown = "channel_unknown", "there is no such channel";
    ChannelInvalid = "channel_invalid", "the name cannot be that of a channel";
    ChannelNewer = "channel_newer", "the channel has higher versions";
    ChannelNotEmpty = "channel_not_empty", "the channel still has releases";
    QuotaExceeded = "quota_exceeded", "the app has no room left";
    QuotaInvalid = "quota_invalid", "the quota cannot be read";
    // Of packages and uploads.
    PackageUnknown = "package_unknown", "there is no such package";
    PackageGone = "package_gone", "the package was deleted, or replaced in its draft";
    PackageTaken = "package_taken", "the package is in another release";
    PackageEmpty = "package_empty", "the package has no bytes";
    PackageDamaged = "package_damaged", "the package is not all there";
    PackageRefused = "package_refused", "the catalog does not take the package";
    ArchiveRefused = "archive_refused", "the archive is built to harm whoever unpacks it";
    DigestInvalid = "digest_invalid", "the digest cannot be read";
    DigestMismatch = "digest_mismatch", "the bytes do not have the digest";
    ChecksumInvalid = "checksum_invalid", "the checksum cannot be read";
    ChecksumMismatch = "checksum_mismatch", "the piece does not have its checksum";
    SizeInvalid = "size_invalid", "no package has so many bytes";
    PlatformUnknown = "platform_unknown", "the platform is not known";
    PlatformRequired = "platform_required", "the bytes do not say what they run on";
    PlatformMismatch = "platform_mismatch", "the platform or the architecture contradicts the bytes";
    ArchUnknown = "arch_unknown", "the architecture cannot be read";
    KindUnknown = "kind_unknown", "the kind is not known, or cannot be declared";
    VersionMissing = "version_missing", "no version is given, and the bytes have none";
    VersionInvalid = "version_invalid", "the version cannot be used";
    VersionExists = "version_exists", "the version has other bytes under this name";
    StrictRefused = "strict_refused", "something is odd, and it was asked to refuse that";
    UploadUnknown = "upload_unknown", "there is no such upload";
    UploadExpired = "upload_expired", "the upload has ended, and its bytes are gone";
    UploadBusy = "upload_busy", "an earlier request still works on the upload";
    UploadTakenOver = "upload_taken_over", "another request goes on with the upload";
    OffsetDiffers = "offset_differs", "the upload goes on at another place";
    TooManyUploads = "too_many_uploads", "too many uploads of the token are open";
    TooManyWaiting = "too_many_waiting", "too many packages of one name wait for the catalog";
    StoreBusy = "store_busy", "the store is being tidied";
    BlocksDiffer = "blocks_differ", "the list of blocks is another one";
    DeliveryDiffers = "delivery_differs", "the package is there already as another one";
    DeliveryInvalid = "delivery_invalid", "the delivery is not what it has to be";
    DeliveryUnknown = "delivery_unknown", "the delivery holds a word that is not known yet, or has another form; it waits";
    RemovalRefused = "removal_refused", "the catalog does not let the package go";
    // Of releases.
    ReleaseUnknown = "release_unknown", "there is no such release";
    ReleasePublished = "release_published", "the version is released and takes no other file";
    ReleaseDeleted = "release_deleted", "the release was deleted, and its version stays taken";
    ReleaseEmpty = "release_empty", "the release has no packages";
    ReleaseFailed = "release_failed", "the release failed";
    ReleaseNotDraft = "release_not_draft", "the release is no draft any more";
    ReleaseNotFailed = "release_not_failed", "the release has not failed";
    ReleaseNotPublished = "release_not_published", "the release is not published";
    ReleaseNotYanked = "release_not_yanked", "the release is not yanked";
    DraftMixed = "draft_mixed", "the draft holds files of other tokens";
    DraftDiffers = "draft_differs", "the draft does not hold what was named";
    ChoiceAmbiguous = "choice_ambiguous", "what is released is named twice";
    StateUnknown = "state_unknown", "there is no such state of a release";
    TokenRefused = "token_refused", "the token may not upload or release this";
    StatementDiffers = "statement_differs", "signing has stated other bytes under this name";
    StatementDamaged = "statement_damaged", "a statement is damaged; the release waits";
    StatementsUnavailable = "statements_unavailable", "the statements cannot be read; the release waits";
    KeyMissing = "key_missing", "the key is not in signing's database; the release waits";
    ClockWrong = "clock_wrong", "the clock of signing is wrong; the release waits";
    BlobMissing = "blob_missing", "the store does not have the bytes";
    StoreUnavailable = "store_unavailable", "the store does not answer";
    // Of what is served.
    NoPackage = "no_package", "no package of the channel fits";
    KeyUnknown = "key_unknown", "the app has no such key yet";
    Yanked = "yanked", "the release was withdrawn";
    Deleted = "deleted", "it was deleted for ever";
    FileMissing = "file_missing", "the file is missing in the store";
    Damaged = "damaged", "the file is damaged in the store";
    // Of the platform's state.
    Internal = "internal", "a fault of the platform";
    DiskFull = "disk_full", "there is no room for what has to be written";
    DatabaseUnavailable = "database_unavailable", "the database does not answer";
    DatabaseDamaged = "database_damaged", "the database is damaged";
    ResourcesExhausted = "resources_exhausted", "the instance has too much open";
    NotReady = "not_ready", "the instance cannot work yet";
    TaskGone = "task_gone", "a task of the instance has ended";
    Draining = "draining", "the instance is leaving";
    Busy = "busy", "too many ask for the same at once";
    UploadUnavailable = "upload_unavailable", "the upload service is away";
    CatalogUnavailable = "catalog_unavailable", "the catalog is away";
    DownloadUnavailable = "download_unavailable", "the download service is away";
    ServiceUnavailable = "service_unavailable", "a service of the operator's own is away";
    UpstreamFailed = "upstream_failed", "the service behind the gateway gave no answer";
    UpstreamTimeout = "upstream_timeout", "the service behind the gateway took too long";
    MarkInvalid = "mark_invalid", "the follower is beyond the feed and cannot show why";
    RestoreHeld = "restore_held", "an older copy of the catalog waits to be accepted";
    RestoreNotHeld = "restore_not_held", "nothing waits to be accepted";
    RestoreChanged = "restore_changed", "what waits to be accepted is not what was looked at";
    // Of the configuration.
    ConfigurationRefused = "configuration_refused", "a document of the configuration is not what a service can read";
    DocumentUnknown = "document_unknown", "the name is none of a document of the configuration";
    RevisionDiffers = "revision_differs", "somebody else has changed the configuration meanwhile";
    RevisionRequired = "revision_required", "a change says which revision it is based on";
    RevisionUnknown = "revision_unknown", "there is no such revision of the configuration";
    PublishingOff = "publishing_off", "the operator has turned publishing off for now";
    RegistryUnavailable = "registry_unavailable", "the registry is away";
    // Of instances.
    AddressChanged = "address_changed", "the instance has another address than before";
    AddressRefused = "address_refused", "the address is not one that instances may have";
    AddressUnproven = "address_unproven", "the instance was not found at its address";
    InstanceGone = "instance_gone", "the instance has left, or another has its place";
    InstanceDiffers = "instance_differs", "the record names another instance";
    InstanceInvalid = "instance_invalid", "an instance is named by a UUID";
    LeasesFull = "leases_full", "the registry has no room for another instance";
    RecordTooLong = "record_too_long", "the record is longer than is taken";
    ServiceDiffers = "service_differs", "the record names another service";
    ServiceUnknown = "service_unknown", "there is no such service";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Code;
    use crate::word::Word;

    #[test]
    fn every_code_is_its_text_both_ways() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            let json = format!("{:?}", code.as_str());
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code);
        }
    }

    #[test]
    fn a_code_is_there_once_and_is_its_name_in_snake_case() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            let words = code.as_str().split('_').map(|word| {
                let (first, rest) = word.split_at(1);
                first.to_uppercase() + rest
            });
            assert_eq!(words.collect::<String>(), format!("{code:?}"));
            assert!(!code.meaning().is_empty() && !code.meaning().ends_with('.'));
        }
    }

    #[test]
    fn a_code_of_a_later_version_is_kept_and_is_none_of_ours() {
        assert!("later_code".parse::<Code>().is_err());
        let code: Word<Code> = serde_json::from_str("\"later_code\"").unwrap();
        assert_eq!(code, Word::Unknown("later_code".to_owned()));
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"later_code\"");
        assert_eq!(
            serde_json::from_str::<Word<Code>>("\"yanked\"").unwrap(),
            Code::Yanked
        );
    }
}
