"""Words of the book's codes for paper and spreadsheets, those of the page's own catalogue. Pure."""

from collections.abc import Mapping
from typing import Final

# Of alarms, devices and readings.
KINDS: Final[Mapping[str, str]] = {
    "sos": "呼叫按钮",
    "fall": "跌倒探测",
    "smoke": "烟雾探测",
    "hazard": "火灾、燃气、漏水",
    "gas": "燃气探测",
    "leak": "漏水探测",
    "tamper": "防拆",
    "power": "电表",
    "blood_pressure": "血压",
    "oximetry": "血氧",
    "heart_rate": "心率",
    "temperature": "体温",
    "glucose": "血糖",
    "weight": "体重",
    "motion": "人体感应",
    "contact": "门窗开关",
    "bed": "床垫",
    "presence": "存在感应",
    "environment": "室内环境",
    "device_health": "设备状态",
    "no_sign_of_life": "生活迹象",
    "gateway_silent": "网关失联",
    "device_silent": "设备失联",
    "low_battery": "电池电量低",
    "device_fault": "设备故障",
    "test_due": "定期测试",
    "spool_gap": "数据缺口",
    "activation": "探测器",
    "unreadable": "无法读取的报警",
    "pulse": "脉搏",
    "jammed_button": "按钮卡住",
    "carbon_monoxide": "一氧化碳浓度",
    "overload": "用电过载",
    "load_left_on": "电器未关",
    "meter_dead": "电表停走",
    "night_activity": "夜间活动",
    "not_up_yet": "尚未起床",
    "bed_absence": "夜间离床",
    "profile_change": "作息变化",
    "mains": "用电整理",
    "movements": "动静整理",
    "village_dark": "全村停电",
    "back_early": "外出期间的动静",
    "watchdog": "系统自检",
    "coverage": "值班缺口",
}
SEVERITIES: Final[Mapping[str, str]] = {
    "urgent": "紧急",
    "watch": "关注",
    "technical": "技术",
}
ALARM_STATES: Final[Mapping[str, str]] = {
    "open": "待接警",
    "acknowledged": "已接警",
    "in_response": "处置中",
    "closed": "已结案",
}
OUTCOMES: Final[Mapping[str, str]] = {
    "real_emergency": "真实紧急情况",
    "medical_advice": "医疗咨询",
    "social": "聊天、孤独",
    "accidental": "误按、误报",
    "test": "测试",
    "device_fault": "设备故障",
    "outage": "停电或断网",
    "no_answer_visited": "无应答，已上门",
    "recovered": "自行恢复",
    "answered_well": "老人回答平安",
    "merged": "并入另一条警情",
}
TASK_KINDS: Final[Mapping[str, str]] = {
    "emergency": "紧急上门",
    "routine_visit": "例行探访",
    "routine": "例行探访",
    "follow_up": "回访",
    "repair": "维修",
}
TASK_STATES: Final[Mapping[str, str]] = {
    "open": "待接受",
    "accepted": "已接受",
    "departed": "在途",
    "arrived": "已到达",
    "completed": "已完成",
    "cancelled": "已取消",
}
STAYS: Final[Mapping[str, str]] = {
    "away": "外出",
    "hospital": "住院",
    "visitors": "有访客",
}
PROOFS: Final[Mapping[str, str]] = {
    "button": "按钮证明到场",
    "label": "标签证明到场",
    "gps": "定位证明到场",
}
VISIT_KINDS: Final[Mapping[str, str]] = TASK_KINDS
SEXES: Final[Mapping[str, str]] = {"F": "女", "M": "男", "": ""}
YES_NO: Final[Mapping[str, str]] = {"yes": "是", "no": "否", "": ""}
LEVELS: Final[Mapping[str, str]] = {
    "county": "县",
    "town": "镇",
    "village": "村（社区）",
    "group": "组",
}


def word(words: Mapping[str, str], code: str | None) -> str:
    """The word, or the code itself where a newer program wrote one that is not known here."""
    return "" if code is None else words.get(code, code)
