//! Who is asking: the public, or the catalog that looks at a release before the public may.

use slipway_contract::{Visibility, Word};

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
            Self::Public => [Visibility::Published.as_str(); 2],
            Self::Staged => [Visibility::Published.as_str(), Visibility::Staged.as_str()],
        }
    }

    /// One that is not known is served to nobody.
    pub(crate) fn serves(self, visibility: &Word<Visibility>) -> bool {
        let served = visibility.known().map(|visibility| visibility.as_str());
        served.is_some_and(|visibility| self.served().contains(&visibility))
    }
}
