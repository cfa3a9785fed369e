//! In Chinese.

use slipway_runtime::http::page::Language;

use super::fields::{Installing, Texts};

pub(super) const TEXTS: Texts = Texts {
    language: Language::Chinese,

    version: "版本 {}",
    nothing_published: "还没有发布任何内容。",
    nothing_published_to: "还没有向 {} 发布任何内容。",
    description: "适用于 {}。每个文件都有签名，可以证明与发布者发布的完全一致。",
    description_empty: "每个文件都有签名，可以证明与发布者发布的完全一致。",
    and: "、",

    download: "下载",
    download_for: "下载 {} 版",
    save: "保存",
    save_the_file: "保存文件",
    damaged: "已损坏",
    damaged_title: "这个文件在服务器上已损坏。",
    damaged_text: "在恢复成发布时的内容之前，不提供下载。",
    other_files_for: "{} 的其他文件",
    no_package_title: "没有适用于 {} 的安装包。",
    no_package_text: "以下文件适用于其他系统：",
    no_fitting_title: "没有确定适合你的设备的 {} 安装包。",
    no_fitting_text: "以下文件适用于其他设备和系统：",
    appears_as: "安装后显示为“{}”",
    inside_title: "你正在{}中浏览本页。",
    inside_text: "这里通常无法下载文件。请点右上角的菜单（··· 或 ⋮），选择“在浏览器中打开”。",
    on_an_ipad: "使用 iPad？",
    on_an_ipad_text: "请求桌面网站的 iPad 看起来和 Mac 一样。以下文件适用于 iOS 和 iPadOS：",
    on_a_phone: "使用手机或平板？",
    on_a_phone_text: "请求桌面网站的手机看起来和 Linux 电脑一样。以下文件适用于 Android：",

    ipa: [
        "Safari 无法安装这个文件。",
        "在 iPhone 或 iPad 上打开 .ipa，它只是一个文件。苹果只允许通过 App Store、TestFlight 或电脑安装应用：请在电脑上保存此文件，连接设备，用 Apple Configurator 或 Xcode 安装（设备须在应用的描述文件中），或用 AltStore、Sideloadly 以你自己的 Apple 账户安装；也可以请发布者发送 TestFlight 邀请。",
    ],
    aab: [
        "没有设备能安装这个文件。",
        ".aab 是应用商店用来生成安装包的文件。请向发布者索取 .apk。",
    ],
    parts: [
        "Android 不能直接安装这个文件。",
        "它由应用的多个部分组成。请保存后用支持此类文件的安装器打开，例如 SAI 或 APKMirror 的应用；也可以向发布者索取单个 .apk。",
    ],
    split: [
        "Android 不能单独安装这个文件。",
        "它只是应用的一个部分。请向发布者索取包含整个应用的单个 .apk。",
    ],
    hap: [
        "HarmonyOS 不能从浏览器安装这个文件。",
        "请在电脑上保存，让设备进入开发者模式并连接，用“hdc install”或 DevEco Studio 安装；也可以向发布者询问它在应用市场的页面。",
    ],

    installing: "如何安装",
    install_android: Installing {
        title: "从应用商店以外安装",
        steps: &[
            "下载完成后打开文件：在浏览器的下载列表或“文件管理”中。",
            "系统会询问一次是否允许此浏览器安装应用（“安装未知应用”“未知来源”；HarmonyOS 4 及以下为“外部来源应用”）。点<b>设置</b>，允许，然后返回。之后可以再关闭。",
            "Play 保护机制可能要先检查应用：允许扫描。如果它不认识发布者，点<b>更多详情</b>，再点<b>仍然安装</b>。华为、荣耀、小米、OPPO、vivo 手机有各自的提示，有的需要锁屏密码或账号密码；如果开启了<b>纯净模式</b>，需要暂时关闭。",
            "点<b>安装</b>。",
        ],
        after: "在部分国家和地区，带有谷歌服务的手机只安装经谷歌验证的发布者的应用；如果手机这样提示，请联系发布者。HarmonyOS 5 及以上不能运行 Android 应用。安装之后，Android 会拒绝由他人签名的更新。",
    },
    install_windows: Installing {
        title: "如果 Windows 阻止运行",
        steps: &[
            "浏览器可能提示此文件不常被下载：在下载列表中点<b>···</b>，选择<b>保留</b>。",
            "按下文的方法验证文件。Windows 不认识它，但你可以证明它。",
            "SmartScreen 可能提示“Windows 已保护你的电脑”：点<b>更多信息</b>，再点<b>仍要运行</b>。",
        ],
        after: "如果开启了<b>智能应用控制</b>，或电脑由公司管理，则只能运行 Windows 认识的文件。",
    },
    install_macos: Installing {
        title: "如果 macOS 阻止打开",
        steps: &[
            "按下文的方法验证文件。苹果没有检查过的应用，Gatekeeper 不认识，但你可以证明它。",
            "先打开一次。如果 macOS 提示无法检查此应用，点<b>完成</b>，不要点“移到废纸篓”。",
            "打开<b>系统设置 → 隐私与安全性</b>，向下滚动，点<b>仍要打开</b>。macOS 15 以前，按住 Control 点按应用，选择<b>打开</b>。",
        ],
        after: "提示“已损坏”的应用，多半没有为苹果系统签名：请联系发布者。",
    },

    other_systems: "其他系统",
    choose_your_system: "选择你的系统",
    downloads: "下载",
    files: "文件",
    any_system: "任何系统",
    other_file: "其他文件",
    signer: "文件中的签名证书（SHA-256），未经验证",
    signature: "签名",
    older_versions: "旧版本",
    more_versions: "更多版本",
    also_released_to: "还发布到：",
    published_with: "由 Slipway 发布。",

    what_is_new: "{} 的新内容",
    show_all: "显示全部",

    prove: "验证下载的文件",
    prove_before: "每个文件都用这个应用的密钥签名，所有版本使用同一个密钥。可以用",
    prove_after: "证明你下载的就是发布者发布的。",
    key_of: "{} 的密钥",
    public_key: "公钥",
    get_minisign: "获取 minisign：",
    get_minisign_in_termux: "在 Termux 中获取 minisign：",
    prove_file_before: "将",
    its_signature: "签名文件",
    prove_file_after: "保存在同一文件夹，然后验证：",
    without_minisign: "没有 minisign 时，可以比较 SHA-256。文件完整时，它会{}：",
    says_ok: "显示 OK",
    shows: "显示 {}",

    front_title: "由发布者签名的应用",
    front_text: "这里是一个 Slipway 平台：应用在商店之外发布。每个文件在发布时都会签名，任何人都可以证明自己得到的就是发布者发布的。",
    front_apps: "应用",
    front_more: "还有更多应用。每个应用都有自己的页面，地址请向发布者询问。",
    front_find: "在找某个应用？",
    front_find_text: "应用页面的地址如下，请向发布者询问：",
    front_publish: "发布应用",
    front_publish_token: "向平台的运营者索取令牌，并放在环境变量中：",
    front_publish_command: "使用命令行工具：",
    front_publish_curl: "或使用任何电脑都有的 curl：",
    front_api: "全部接口",
};
