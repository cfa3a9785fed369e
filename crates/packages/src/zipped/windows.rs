//! MSIX (Microsoft, "Package manifest schema reference") and `NuGet` (".nuspec reference").

use slipway_contract::{Arch, Facts};

use super::manifests::Zipped;
use crate::facts::Fill as _;
use crate::{markup, source::Fault};

pub(super) const CONTENT_TYPES: &[u8] = b"[Content_Types].xml";
pub(super) const MSIX: &[u8] = b"AppxManifest.xml";
pub(super) const MSIX_BUNDLE: &[u8] = b"AppxMetadata/AppxBundleManifest.xml";

/// `<name>.nuspec`, in no folder.
pub(super) fn is_nuspec(name: &[u8]) -> bool {
    name.len() > 7 && name.to_ascii_lowercase().ends_with(b".nuspec") && !name.contains(&b'/')
}

pub(super) fn describe_msix(
    facts: &mut Facts,
    zipped: &mut Zipped<'_, '_, '_>,
) -> Result<(), Fault> {
    let is_bundle = zipped.archive.find(MSIX).is_none();
    let text = zipped.manifest(if is_bundle { MSIX_BUNDLE } else { MSIX })?;
    let limits = zipped.limits;
    let mut arches = Vec::new();
    markup::elements(&text, |around, element| {
        match (around.len(), element.name.as_str()) {
            (1, "Identity") => {
                facts.say(
                    element.attribute("Name"),
                    element.attribute("Version"),
                    limits,
                );
                arches.extend(
                    element
                        .attribute("ProcessorArchitecture")
                        .map(str::to_owned),
                );
            }
            // A name that is a reference is not in this file.
            (2, "DisplayName") if !element.text.contains("ms-resource:") => {
                facts.say_label(&element.text, limits);
            }
            (2, "Package") if element.attribute("Type") != Some("resource") => {
                arches.push(
                    element
                        .attribute("Architecture")
                        .unwrap_or("neutral")
                        .to_owned(),
                );
            }
            _ => {}
        }
    })?;
    // Without one it is neutral.
    facts.arch = Some(Arch::Universal);
    facts.set_arches(arches.iter().map(String::as_str));
    Ok(())
}

pub(super) fn describe_nupkg(
    facts: &mut Facts,
    zipped: &mut Zipped<'_, '_, '_>,
) -> Result<(), Fault> {
    let text = zipped.manifest_that(is_nuspec)?;
    let limits = zipped.limits;
    markup::elements(&text, |around, element| {
        if around.len() == 2 && around[1].name == "metadata" {
            match element.name.as_str() {
                "id" => facts.say(Some(&element.text), None, limits),
                "version" => facts.say(None, Some(&element.text), limits),
                "title" => facts.say_label(&element.text, limits),
                _ => {}
            }
        }
    })
}
