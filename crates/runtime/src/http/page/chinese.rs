//! What refusals are called in Chinese, by their codes.

use http::StatusCode;

pub(super) fn title(status: StatusCode, code: &str) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "找不到",
        StatusCode::GONE if code == "deleted" => "已删除",
        StatusCode::GONE => "已撤回",
        StatusCode::SERVICE_UNAVAILABLE => "暂时不可用",
        status if status.is_server_error() => "出错了",
        _ => "无法处理此请求",
    }
}

/// `None` for what no browser is known to meet.
pub(super) fn detail(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_found" => "这个地址下没有内容，请检查拼写。",
        "app_unknown" => "这里没有这个名称的应用，请检查拼写。",
        "release_unknown" => "这个应用没有这个版本。现有的版本请见应用页面。",
        "channel_unknown" => "没有向这个渠道发布过任何版本。去掉渠道名称即可看到稳定版。",
        "no_package" => "这个渠道里没有适合此系统的安装包。现有的文件请见应用页面。",
        "platform_unknown" => {
            "不认识这个系统名称。可用的有：android、ios、macos、windows、linux、harmony、any。"
        }
        "arch_unknown" => "不认识这个处理器架构名称。",
        "kind_unknown" => "不认识这种文件类型。",
        "key_unknown" => "这个应用的密钥正在生成，请稍后再试。",
        "yanked" => "这个版本已被发布者撤回。",
        "deleted" => "这个内容已被发布者删除，不会再恢复。",
        "damaged" | "file_missing" => {
            "这个文件在服务器上已损坏，在恢复之前不提供下载。请告知发布者。"
        }
        "method_not_allowed" => "这个地址不支持这种请求方法。",
        "path_refused" | "host_refused" | "framing_refused" => "这个请求的写法有歧义，因此被拒绝。",
        "database_unavailable"
        | "resources_exhausted"
        | "draining"
        | "download_unavailable"
        | "catalog_unavailable"
        | "upload_unavailable" => "服务暂时不可用，请过几秒再试。",
        "upstream_timeout" | "upstream_failed" => "服务没有作出回答，请稍后再试。",
        "internal" => "服务器出现了故障。如果问题持续，请告知运营者。",
        _ => return None,
    })
}
