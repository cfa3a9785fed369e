//! Who is asking: the public, or the catalog that looks at a release before the public may.

use slipway_service::changes::Visibility;

/// Which releases a router shows. The same handlers serve both, so that what the catalog has verified is what the
/// public gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Public,
    /// Those that are being verified as well.
    Staged,
}

impl Audience {
    /// What is served to it, as the column `visibility` has it.
    pub(crate) const fn served(self) -> [&'static str; 2] {
        match self {
            Self::Public => [column(Visibility::Published), column(Visibility::Published)],
            Self::Staged => [column(Visibility::Published), column(Visibility::Staged)],
        }
    }

    pub(crate) fn serves(self, visibility: &str) -> bool {
        self.served().contains(&visibility)
    }
}

/// The text of the column `visibility`.
pub(crate) const fn column(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Staged => "staged",
        Visibility::Published => "published",
        Visibility::Yanked => "yanked",
        Visibility::Deleted => "deleted",
        // Whatever it is, it is served to nobody.
        Visibility::Hidden | Visibility::Unknown => "hidden",
    }
}
