"""Annex 2: the sixteen services (特殊困难老年人探访关爱服务清单), by their numbers in it. Pure."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`group` and `name` as the annex prints them; several rows share a name or a group."""

    number: int
    group: str
    name: str
    detail: str
    en: str


def _service(number: int, group: str, name: str, detail: str, en: str) -> Service:
    return Service(number=number, group=group, name=name, detail=detail, en=en)


SERVICES: Final[tuple[Service, ...]] = (
    _service(
        1,
        "环境卫生",
        "个人卫生",
        "督促帮助服务对象勤理发、洗头、洗脚，保持个人良好卫生习惯，协助清洗衣物，保持穿着干净整洁。",
        "Personal hygiene: hair, washing, clean clothes",
    ),
    _service(
        2,
        "环境卫生",
        "居室卫生",
        "协助做好室内卫生保洁,指导整理床铺,确保每月清洗一次床上用品，适时翻晒被褥。",
        "Rooms: cleaning, bedding washed once a month and aired",
    ),
    _service(
        3,
        "环境卫生",
        "户外卫生",
        "协助保持室外清洁卫生，杂物堆放有序，周边环境做到无死角，蚊虫，苍蝇，老鼠等明显减少,"
        "牲畜实行圈养。",
        "Outdoors: clean yard, things in order, vermin down, animals penned",
    ),
    _service(
        4,
        "生活服务",
        "基本生活",
        "协助对象制定健康食谱，适时就餐。",
        "Meals: a healthy diet, in time",
    ),
    _service(
        5,
        "生活服务",
        "基本生活",
        "协助代订一日三餐，做到送上门,饭菜有温度。",
        "Meals ordered and brought warm",
    ),
    _service(
        6,
        "生活服务",
        "基本生活",
        "协助代购生活所需米面粮油盐等基本用品。",
        "Shopping for staples",
    ),
    _service(
        7,
        "医疗服务",
        "日常服务",
        "每月开展一次血压、血糖、心率、脉搏等常规检查。",
        "Monthly check of blood pressure, glucose, heart rate, pulse",
    ),
    _service(
        8,
        "医疗服务",
        "告知义务",
        "服务对象有病情，应及时告知其子女或赡养人；病情严重的，且子女未及时返回的，"
        "应及时报告村（居）民委员会或者当地镇政府。",
        "Illness told to the family; if serious, to the village or town",
    ),
    _service(
        9,
        "医疗服务",
        "门诊服务",
        "服务对象需就医的，应及时联系家庭医生就诊，并告知其子女。",
        "Doctor called, children told",
    ),
    _service(
        10,
        "医疗服务",
        "住院服务",
        "服务对象需住院的，可受赡养人委托办理入院手续，在其子女返回前，受赡养人委托代为陪护、生活照料。",
        "Admission to hospital and company there for the family",
    ),
    _service(
        11,
        "医疗服务",
        "失能服务",
        "对失能对象做到勤查看、勤洗身、勤换衣，适时搀扶或推轮椅陪护到户外活动或接受光照。",
        "The disabled: looked after, washed, changed, taken outdoors",
    ),
    _service(
        12,
        "医疗服务",
        "用药服务",
        "督促引导长期患病者及时规范用药。",
        "Medicines taken in time and rightly",
    ),
    _service(
        13,
        "安全防范",
        "检查义务",
        "定期检查水、电、煤气安全隐患，及时督促赡养人消除安全隐患。",
        "Water, electricity and gas inspected, dangers removed",
    ),
    _service(
        14,
        "安全防范",
        "培训义务",
        "培训指导安全用电、煤气、火，避免不安全事故发生。",
        "Safe use of electricity, gas and fire taught",
    ),
    _service(
        15,
        "安全防范",
        "用火安全",
        "教育引导注意野外用火安全，严防引发森林火灾。",
        "Fire outdoors: forest fires prevented",
    ),
    _service(
        16,
        "安全防范",
        "宣传法律",
        "宣传防诈、防骗基本知识，确保老人合法权益不受侵害。",
        "Fraud prevention and legal rights explained",
    ),
)
SERVICE_BY_NUMBER: Final = {service.number: service for service in SERVICES}
