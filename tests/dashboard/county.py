"""Two villages with their homes, and one account of each role."""

ROSTER = """
[[region]]
code = "610926"
name = "平利县"
level = "county"
[[region]]
code = "610926101"
name = "城关镇"
level = "town"
parent = "610926"
[[region]]
code = "610926101001"
name = "龙头村"
level = "village"
parent = "610926101"
[[region]]
code = "610926102"
name = "兴隆镇"
level = "town"
parent = "610926"
[[region]]
code = "610926102001"
name = "新场街村"
level = "village"
parent = "610926102"
[[gateway]]
id = "gw-0001"
region = "610926101001"
name = "龙头村网关"
[[gateway]]
id = "gw-0002"
region = "610926102001"
name = "新场街村网关"
[[home]]
id = "home-0001"
region = "610926101001"
address = "龙头村一组 12 号"
lat = 32.38
lon = 109.36
access_note = "钥匙在邻居李婶家；院里有狗"
[[home.person]]
id = "person-0001"
name = "张桂英"
sex = "F"
born = "1941-03-02"
phone = "13800000001"
categories = ["独居"]
grade = "完好"
conditions = ["高血压"]
visitor = "visitor-1"
contacts = [{ name = "张伟", relation = "儿子", phone = "13900000001" }]
[[home.device]]
gateway = "gw-0001"
device = "button-0001"
kind = "sos"
model = "EV1527"
label = "床头呼叫按钮"
[[home.device]]
gateway = "gw-0001"
device = "meter-0001"
kind = "power"
model = "DL/T 645-2007"
label = "智能电表"
[[home]]
id = "home-0002"
region = "610926102001"
address = "新场街村 3 号"
lat = 32.2
lon = 109.5
access_note = "无"
[[home.person]]
id = "person-0002"
name = "王秀兰"
sex = "F"
born = "1938-12-31"
phone = "13800000002"
categories = ["空巢"]
grade = "完好"
conditions = []
visitor = "visitor-2"
contacts = []
[[home.device]]
gateway = "gw-0002"
device = "button-0001"
kind = "sos"
model = "EV1527"
label = "呼叫按钮"
"""

# Role and region of each username.
ACCOUNTS = {
    "admin-1": ("admin", ""),
    "manager-1": ("manager", "610926101"),
    "duty-1": ("duty", "610926101"),
    "visitor-1": ("visitor", "610926101"),
    "visitor-3": ("visitor", "610926101"),
    "installer-1": ("installer", "610926101"),
    "clinician-1": ("clinician", "610926101"),
    "auditor-1": ("auditor", "610926101"),
    "exchange-1": ("exchange", "610926101"),
    "department-1": ("department", "610926101"),
    "duty-2": ("duty", "610926102"),
    "visitor-2": ("visitor", "610926102"),
}
