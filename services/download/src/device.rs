//! What somebody's browser says of their machine: enough to put one button first, never to hide the others.

use slipway_contract::{Arch, Platform};

/// The visitor's machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) platform: Option<Platform>,
    pub(crate) arch: Option<Arch>,
}

impl Device {
    /// Reads a `User-Agent`. Browsers have frozen most of it, so only words that still say something are looked at: a
    /// Mac calls itself Intel whatever it is, and a phone says nothing of its processor.
    pub(crate) fn from_user_agent(text: &str) -> Self {
        let says = |word| text.contains(word);
        // In this order: an Android phone says "Linux" as well, and an iPhone "like Mac OS X".
        let platform = if says("OpenHarmony") {
            // HarmonyOS 5 and later, which runs no Android apps; earlier ones say "Android".
            Platform::Harmony
        } else if says("Android") {
            Platform::Android
        } else if says("iPhone") || says("iPad") || says("iPod") {
            Platform::Ios
        } else if says("Windows") {
            Platform::Windows
        } else if says("Macintosh") || says("Mac OS X") {
            Platform::Macos
        } else if says("BSD") || says("DragonFly") || says("SunOS") {
            // Under X11 as well, and none of the platforms.
            return Self::default();
        } else if says("Linux") || says("X11") || says("CrOS") {
            Platform::Linux
        } else {
            return Self::default();
        };
        let arch = match platform {
            Platform::Windows | Platform::Linux => arch(text),
            Platform::Android
            | Platform::Ios
            | Platform::Macos
            | Platform::Harmony
            | Platform::Any
            | Platform::None => None,
        };
        Self {
            platform: Some(platform),
            arch,
        }
    }

    /// What it may be in truth: one that asks for desktop pages calls itself a computer, and nothing tells them apart.
    pub(crate) fn perhaps(self) -> Option<Platform> {
        match self.platform? {
            Platform::Macos => Some(Platform::Ios),
            Platform::Linux => Some(Platform::Android),
            _ => None,
        }
    }
}

/// The app whose inner browser shows the page, in English and Chinese: most of them block downloads.
pub(crate) fn inside(user_agent: &str) -> Option<[&'static str; 2]> {
    [
        // Before WeChat, which it calls itself too.
        ("wxwork/", ["WeCom", "企业微信"]),
        ("MicroMessenger/", ["WeChat", "微信"]),
        // Not QQ's browser, which says MQQBrowser/.
        (" QQ/", ["QQ", "QQ"]),
        ("DingTalk/", ["DingTalk", "钉钉"]),
        ("Lark/", ["Feishu", "飞书"]),
        ("Feishu", ["Feishu", "飞书"]),
        ("Weibo", ["Weibo", "微博"]),
        ("AlipayClient/", ["Alipay", "支付宝"]),
        ("FBAN/", ["Facebook", "Facebook"]),
        ("FBAV/", ["Facebook", "Facebook"]),
        ("Instagram ", ["Instagram", "Instagram"]),
    ]
    .into_iter()
    .find_map(|(word, name)| user_agent.contains(word).then_some(name))
}

impl Device {
    /// What nearly every phone has, whose browser does not say it: of what fits it comes before the others.
    pub(crate) fn usual_arch(self) -> Option<Arch> {
        let is_phone = matches!(
            self.platform,
            Some(Platform::Android | Platform::Ios | Platform::Harmony)
        );
        (is_phone && self.arch.is_none()).then_some(Arch::Aarch64)
    }
}

fn arch(text: &str) -> Option<Arch> {
    const WORDS: [(&str, Arch); 7] = [
        ("aarch64", Arch::Aarch64),
        ("ARM64", Arch::Aarch64),
        ("armv7", Arch::Armv7),
        ("x86_64", Arch::X86_64),
        ("x64", Arch::X86_64),
        ("WOW64", Arch::X86_64),
        ("i686", Arch::X86),
    ];
    // As `uname -m` writes them, which browsers repeat.
    const NAMES: [&str; 8] = [
        "riscv64",
        "ppc64le",
        "ppc64",
        "s390x",
        "loongarch64",
        "mips64",
        "sparc64",
        "armv6l",
    ];
    let known = WORDS.iter().find(|(word, _)| text.contains(word));
    let named = || NAMES.iter().find(|name| text.contains(*name));
    known
        .map(|(_, arch)| *arch)
        .or_else(|| named()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_of_every_platform_are_told_apart() {
        for (text, platform, arch) in [
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile",
                Some(Platform::Android),
                None,
            ),
            (
                "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
                Some(Platform::Android),
                None,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15",
                Some(Platform::Ios),
                None,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0",
                Some(Platform::Windows),
                Some(Arch::X86_64),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0)",
                Some(Platform::Windows),
                None,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15",
                Some(Platform::Macos),
                None,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
                Some(Platform::Linux),
                Some(Arch::X86_64),
            ),
            (
                "Mozilla/5.0 (X11; Ubuntu; Linux aarch64; rv:140.0)",
                Some(Platform::Linux),
                Some(Arch::Aarch64),
            ),
            (
                "Mozilla/5.0 (X11; Linux riscv64; rv:140.0) Firefox/140.0",
                Some(Platform::Linux),
                "riscv64".parse().ok(),
            ),
            (
                "Mozilla/5.0 (X11; Linux ppc64le; rv:140.0) Firefox/140.0",
                Some(Platform::Linux),
                "ppc64le".parse().ok(),
            ),
            (
                "Mozilla/5.0 (X11; FreeBSD amd64; rv:140.0) Firefox/140.0",
                None,
                None,
            ),
            (
                "Mozilla/5.0 (X11; OpenBSD amd64; rv:140.0) Firefox/140.0",
                None,
                None,
            ),
            (
                "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 Chrome/114.0.0.0 ArkWeb/4.1.6.1 Mobile",
                Some(Platform::Harmony),
                None,
            ),
            (
                "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00) HuaweiBrowser/14.0",
                Some(Platform::Android),
                None,
            ),
            ("curl/8.5.0", None, None),
            ("", None, None),
        ] {
            assert_eq!(
                Device::from_user_agent(text),
                Device { platform, arch },
                "{text}"
            );
        }
    }

    #[test]
    fn browsers_within_other_apps_are_named() {
        for (text, name) in [
            (
                "Mozilla/5.0 (Linux; Android 14; V2227A) Chrome/116.0 XWEB/1160065 MicroMessenger/8.0.49.2600",
                Some("WeChat"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 12) wxwork/4.1.22 MicroMessenger/7.0.1",
                Some("WeCom"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 12) MQQBrowser/6.2 TBS/046 Mobile V1_AND_SQ_8.9.28 QQ/8.9.28.10155",
                Some("QQ"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 12) Chrome/98.0 MQQBrowser/13.9 Mobile Safari/537.36",
                None,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) AliApp(DingTalk/7.5.20) com.laiwang.DingTalk",
                Some("DingTalk"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 13) Lark/7.12.5 LarkLocale/zh_CN",
                Some("Feishu"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15",
                None,
            ),
        ] {
            assert_eq!(inside(text).map(|[name, _]| name), name, "{text}");
        }
    }
}
