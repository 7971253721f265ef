"""What the trail of looks and changes says, in words: each action, its kind, what it was about."""

from collections.abc import Mapping
from typing import Final

# Looking, taking out of the hub, coming in; whatever else is on the trail was a change.
LOOKED: Final = frozenset({"viewed", "listed", "listened", "exchanged", "tried"})
TAKEN_OUT: Final = frozenset(
    {
        *("exported", "printed", "revealed", "opened_contact", "fetched"),
        *("record_opened", "opening_refused"),
    }
)
CAME: Final = frozenset({"logged_in", "logged_out", "login_refused"})
KINDS: Final = ("look", "change", "out", "access", "board")
# A board that stands open asks by itself, and would bury everything else.
BOARD: Final = frozenset({"alarms", "tasks"})

ACTIONS: Final[Mapping[str, str]] = {
    "viewed": "查看",
    "listed": "列出",
    "listened": "打开实时画面",
    "exchanged": "对接平台读取",
    "tried": "试算规则",
    "exported": "导出",
    "printed": "打印",
    "revealed": "查看身份证号",
    "opened_contact": "查看电话",
    "record_opened": "紧急查看档案",
    "opening_refused": "紧急查看被拒",
    "opening_reviewed": "复核紧急查看",
    "fetched": "下载部门文件",
    "logged_in": "登录",
    "logged_out": "退出",
    "login_refused": "登录被拒",
    "set_factor": "设置两步验证",
    "removed_factor": "取消两步验证",
    "made_recovery_codes": "生成恢复码",
    "used_recovery_code": "使用恢复码",
    "made_token": "生成程序令牌",
    "revoked_token": "停用程序令牌",
    "ended_session": "结束登录",
    "freed": "解除登录等待",
    "let_screen_in": "接入大屏",
    "ended_screen": "停用大屏",
    "linked_sign_on": "关联统一认证",
    "unlinked_sign_on": "取消关联统一认证",
    "created": "新建",
    "changed": "修改",
    "closed": "撤销",
    "reopened": "恢复",
    "returned": "重新纳入服务",
    "erased": "删除老人资料",
    "imported": "导入名单",
    "import_begun": "上传名单",
    "brought": "对接平台写入",
    "exchange_refused": "对接平台写入被拒",
    "ordered": "订立部门文件",
    "stopped": "停止部门文件",
    "resumed": "恢复部门文件",
    "asked_now": "要求立即生成",
    "export_failed": "部门文件生成失败",
    "export_asked": "申请导出",
    "export_approved": "批准导出",
    "export_refused": "驳回导出",
    "export_withdrawn": "撤回导出申请",
    "consent_given": "登记同意",
    "consent_refused": "登记不同意",
    "consent_withdrawn": "撤回同意",
    "bound": "设备绑定",
    "issued_code": "开具登记码",
    "revoked": "吊销网关证书",
    "unbound": "设备解绑",
    "announced": "登记设备",
    "issued_key": "签发网关密钥",
    "signed": "签字确认规则",
    "shadowed": "规则转入试运行",
    "went_live": "规则正式启用",
    "sent_again": "重发通知",
    "added_contact_point": "添加联系方式",
    "changed_contact_point": "修改联系方式",
    "removed_contact_point": "删除联系方式",
    "verified_contact_point": "验证联系方式",
    "contact_point_dead": "联系方式失效",
    "renewed_own_key": "换用系统密钥",
    "made_calendar_link": "生成日历地址",
    "ended_calendar_link": "停用日历地址",
    "made_family_link": "生成家属查看链接",
    "ended_family_link": "停用家属查看链接",
    "replied_accept": "回复：我去",
    "replied_decline": "回复：去不了",
    "replied_going": "家属回复：我过去",
    "replied_with_person": "家属回复：在老人身边",
    "chain_checked": "核对记录链",
}


def kind_of(action: str, object_: str) -> str:
    if action == "listened" or (action == "listed" and object_ in BOARD):
        return "board"
    if action in LOOKED:
        return "look"
    if action in TAKEN_OUT:
        return "out"
    return "access" if action in CAME else "change"


def action_word(action: str) -> str:
    return ACTIONS.get(action, action)
