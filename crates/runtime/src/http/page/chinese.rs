//! What refusals are called in Chinese, by their codes.

use http::StatusCode;
use slipway_contract::Code;

pub(super) fn title(status: StatusCode, code: Code) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "找不到",
        StatusCode::GONE if code == Code::Deleted => "已删除",
        StatusCode::GONE => "已撤回",
        StatusCode::SERVICE_UNAVAILABLE => "暂时不可用",
        status if status.is_server_error() => "出错了",
        _ => "无法处理此请求",
    }
}

/// `None` for what no browser is known to meet.
pub(super) fn detail(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::NotFound => "这个地址下没有内容，请检查拼写。",
        Code::AppUnknown => "这里没有这个名称的应用，请检查拼写。",
        Code::ReleaseUnknown => "这个应用没有这个版本。现有的版本请见应用页面。",
        Code::ChannelUnknown => "没有向这个渠道发布过任何版本。去掉渠道名称即可看到稳定版。",
        Code::NoPackage => "这个渠道里没有适合此系统的安装包。现有的文件请见应用页面。",
        Code::PlatformUnknown => {
            "不认识这个系统名称。可用的有：android、ios、macos、windows、linux、harmony、any。"
        }
        Code::ArchUnknown => "不认识这个处理器架构名称。",
        Code::KindUnknown => "不认识这种文件类型。",
        Code::KeyUnknown => "这个应用的密钥正在生成，请稍后再试。",
        Code::Yanked => "这个版本已被发布者撤回。",
        Code::Deleted => "这个内容已被发布者删除，不会再恢复。",
        Code::Damaged | Code::FileMissing => {
            "这个文件在服务器上已损坏，在恢复之前不提供下载。请告知发布者。"
        }
        Code::MethodNotAllowed => "这个地址不支持这种请求方法。",
        Code::PathRefused | Code::HostRefused | Code::FramingRefused => {
            "这个请求的写法有歧义，因此被拒绝。"
        }
        Code::DatabaseUnavailable
        | Code::ResourcesExhausted
        | Code::Draining
        | Code::DownloadUnavailable
        | Code::CatalogUnavailable
        | Code::UploadUnavailable => "服务暂时不可用，请过几秒再试。",
        Code::UpstreamTimeout | Code::UpstreamFailed => "服务没有作出回答，请稍后再试。",
        Code::Internal => "服务器出现了故障。如果问题持续，请告知运营者。",
        _ => return None,
    })
}
