"""The words of the bank: surnames, given names, cities, industries, legal forms, streets, purposes, products."""
# ruff: noqa: SIM905  (words split from one string: a list literal would be twice as long and harder to read)

# Surnames with their share of the population in per mille (rounded), the most frequent first.
SURNAMES = dict(
    word.split(":")
    for word in (
        "王:72 李:71 张:68 刘:54 陈:45 杨:31 黄:22 赵:21 吴:20 周:20 徐:15 孙:15 马:13 朱:13 胡:13 郭:12 何:12 林:11 高:10 "
        "罗:10 郑:9 梁:8 谢:8 宋:7 唐:7 许:6 韩:6 邓:6 冯:6 曹:6 彭:6 曾:6 肖:6 田:5 董:5 潘:5 袁:5 蔡:5 蒋:5 余:5 于:5 杜:5 "
        "叶:5 程:5 魏:5 苏:5 吕:4 丁:4 任:4 卢:4 姚:4 沈:4 钟:4 姜:4 崔:4 谭:4 陆:4 范:4 汪:4 廖:4 石:3 金:3 韦:3 贾:3 夏:3 "
        "付:3 方:3 邹:3 熊:3 白:3 孟:3 秦:3 邱:3 侯:3 江:3 尹:3 薛:3 闫:3 段:3 雷:3 龙:3 黎:3 史:2 陶:2 贺:2 毛:2 郝:2 顾:2 龚:2 "
        "邵:2 万:2 覃:2 武:2 钱:2 戴:2 严:2 莫:2 孔:2 向:2 常:2 欧阳:1 上官:1 诸葛:1 司马:1"
    ).split()
)
GIVEN_WHOLE = (
    "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 涛 明 超 秀英 霞 平 刚 桂英 建华 建国 建军 国强 志强 志明 海燕 晓东 晓红 玉兰 "
    "秀兰 桂兰 玉梅 文静 丽娟 丽华 小红 永强 俊杰 浩然 子涵 子轩 雨欣 欣怡 宇航 思远 佳怡 雪梅 春梅 红梅 金凤 国华 国庆 卫东 "
    "建平 建明 志刚 海涛 海波 振华 立新 文斌 文杰 学军 少华 小军 小平 庆华 德明 德华 福生 宝林 长江 新民 爱民 爱华 美玲 美华"
).split()
GIVEN_FIRST = list("志建文晓海国永小春玉金明俊天雨思佳子浩宇泽梓若诗雅欣婉静淑秀丽美德福庆祥瑞嘉鸿少立振新学长宏世正家承启")
GIVEN_SECOND = list("强伟军杰涛波斌辉峰鹏飞龙华明亮平安宁康健生林森海洋江河川山石玉珍珠琴瑶琳琪婷娟燕芳芬莲梅兰英霞红云雪月香")

# City: GB/T 2260 code, short name, weight (a bank that grew up on the lower Yangtze).
CITIES = [
    (code, name, int(weight))
    for code, name, weight in (
        word.split(":")
        for word in (
            "320500:苏州:20 320100:南京:14 320200:无锡:14 320400:常州:10 320600:南通:8 320300:徐州:4 321000:扬州:4 321100:镇江:3 "
            "310100:上海:14 330100:杭州:10 330200:宁波:8 330300:温州:6 330400:嘉兴:5 330600:绍兴:5 330700:金华:4 331000:台州:4 "
            "340100:合肥:5 340200:芜湖:2 350100:福州:2 350200:厦门:2 350500:泉州:2 360100:南昌:2 370100:济南:2 370200:青岛:3 "
            "370600:烟台:1 410100:郑州:2 410300:洛阳:1 420100:武汉:3 430100:长沙:2 440100:广州:4 440300:深圳:6 440400:珠海:1 "
            "440600:佛山:2 441900:东莞:2 442000:中山:1 450100:南宁:1 460100:海口:1 500100:重庆:2 510100:成都:3 510700:绵阳:1 "
            "520100:贵阳:1 530100:昆明:1 610100:西安:2 620100:兰州:1 640100:银川:1 650100:乌鲁木齐:1 110100:北京:7 120100:天津:2 "
            "130100:石家庄:1 130200:唐山:1 140100:太原:1 150100:呼和浩特:1 210100:沈阳:1 210200:大连:2 220100:长春:1 230100:哈尔滨:1"
        ).split()
    )
]
HONG_KONG = ("810000", "香港")

# Industry (GB/T 4754-2017 with its section letter), the word in company names, weight.
INDUSTRIES = [
    (code, word, int(weight))
    for code, word, weight in (
        entry.split(":")
        for entry in (
            "A0111:米业:2 A0141:蔬菜:2 A0151:果业:1 A0311:牧业:1 A0412:水产:2 B0610:煤业:1 B1019:矿业:1 C1311:粮油:2 C1371:食品:4 "
            "C1751:纺织:6 C1819:服饰:5 C2110:家具:3 C2231:纸业:2 C2319:印务:2 C2614:化工:4 C2710:制药:3 C2929:塑业:5 C3011:建材:2 "
            "C3130:钢业:3 C3311:钢构:4 C3484:机械:9 C3489:精密制造:4 C3525:模具:3 C3670:汽车零部件:5 C3825:光伏科技:3 C3841:新能源:3 "
            "C3911:计算机:2 C3963:智能装备:4 C3973:半导体:2 C3982:电子:6 D4416:电力:1 E4710:建设:5 E4813:市政工程:2 E5011:装饰工程:3 "
            "F5123:农产品:3 F5131:针纺贸易:3 F5164:金属材料:6 F5165:建材贸易:4 F5179:机电设备:5 F5191:再生资源:1 F5193:供应链:4 "
            "F5211:商贸:8 G5431:物流:5 G5821:国际货运:2 G5990:仓储:2 H6210:餐饮管理:2 I6513:软件:5 I6450:网络科技:4 K7010:置业:3 "
            "K7020:物业服务:2 L7212:投资:5 L7211:控股:2 L7241:管理咨询:3 L7259:文化传媒:2 L7111:租赁:1 M7320:技术开发:3 "
            "M7484:工程设计:2 N7721:环保:3 Q8415:医疗:1 R8810:体育文化:1"
        ).split()
    )
]

# Legal forms: the registration authorities' codes of kinds of enterprise; 9900 and 9910 are this bank's own.
LIMITED, ONE_PERSON, ONE_LEGAL_PERSON, STATE_OWNED = "1100", "1151", "1152", "1140"
LISTED, JOINT_STOCK, LIMITED_PARTNERSHIP, SOLE_PROPRIETOR = "1210", "1220", "4533", "4540"
STATE_BODY, NOMINEE = "9900", "9910"
LEGAL_FORMS = [  # code, suffix of the name, weight in the background
    (LIMITED, "有限公司", 62), (LIMITED, "有限责任公司", 8), (ONE_PERSON, "有限公司", 12), (ONE_LEGAL_PERSON, "有限公司", 6),
    (STATE_OWNED, "有限责任公司", 1), (LISTED, "股份有限公司", 1), (JOINT_STOCK, "股份有限公司", 3),
    (LIMITED_PARTNERSHIP, "合伙企业（有限合伙）", 4), (SOLE_PROPRIETOR, "厂", 3),
]  # fmt: skip
SUFFIXES = {form: suffix for form, suffix, _ in reversed(LEGAL_FORMS)} | {STATE_BODY: "", NOMINEE: ""}

TRADE_FIRST = list("恒瑞华盛天泰宏祥金鑫兴隆昌永安康信诚德福源东方星海鼎力中南北新亿万佳美优联合众博达凯旋正大银河紫云青山绿水长城龙凤")
TRADE_SECOND = list("达通宇润丰泰盛源和顺利成发展旺茂林峰川海洋河星辰阳光明辉煌腾飞跃翔宁安康瑞祥福禄嘉怡然雅创智维科信诺诚义")
TRADE_THIRD = list("特斯尔克曼伦森顿德普莱")

STREETS = "人民路 解放路 中山路 建设路 长江路 滨河路 科技大道 工业园路 创业街 东环路 南湖路 学院路 港城路 迎宾大道 星湖街 金鸡湖大道".split()
BUILDINGS = "创业大厦 科创中心 商务广场 工业坊 国际大厦 产业园A区 产业园B区 金融中心".split()
BRANCHES = "苏州分行 工业园区支行 姑苏支行 昆山支行 常熟支行 张家港支行 吴江支行 南京分行 无锡分行 常州分行 南通分行 上海分行 杭州分行 宁波分行".split()

TRADE_PURPOSES = "货款 采购款 加工费 运费 工程款 服务费 材料款 预付款 设备款 租金".split()
OTHER_PURPOSES = "往来款 借款 还款 还贷 投资款 分红 保证金 税款 报销 备用金".split()

PRODUCTS = [  # code, name, category, risk level
    tuple(entry.split(":"))
    for entry in (
        "001001:单位活期存款:deposit:R1 001002:单位定期存款:deposit:R1 001003:单位通知存款:deposit:R1 001004:协定存款:deposit:R1 "
        "001005:大额存单:deposit:R1 001006:结构性存款:structured_deposit:R2 002001:流动资金贷款:loan:R2 002002:固定资产贷款:loan:R3 "
        "002003:项目贷款:loan:R3 002004:小微税e贷:loan:R2 002005:经营性物业贷:loan:R3 002006:科创贷:loan:R3 003001:银行承兑汇票:bill:R2 "
        "003002:票据贴现:bill:R2 003003:商票保贴:bill:R3 004001:国内信用证:trade_finance:R2 004002:进口开证:trade_finance:R2 "
        "004003:应收账款保理:trade_finance:R3 004004:供应链融资:trade_finance:R3 004005:出口押汇:trade_finance:R2 005001:代发工资:settlement:R1 "
        "005002:企业网银:settlement:R1 005003:现金管理:settlement:R1 005004:银企直连:settlement:R1 005005:POS收单:settlement:R1 "
        "006001:稳健理财:wealth:R2 006002:平衡理财:wealth:R3 006003:进取理财:wealth:R4 006004:私募资管:wealth:R5 007001:履约保函:guarantee:R2 "
        "007002:投标保函:guarantee:R2 008001:外汇远期:treasury:R4 008002:利率掉期:treasury:R5 008003:结售汇:treasury:R2 009001:财产保险代理:insurance:R1 "
        "009002:企业年金:insurance:R1"
    ).split()
]
PENALTIES = {
    "penalty": "环保处罚 安全生产处罚 虚假宣传处罚 产品质量处罚 消防处罚".split(),
    "court_enforcement": "列为被执行人 限制高消费 失信被执行人".split(),
    "tax_arrears": "欠缴增值税 欠缴企业所得税 欠缴土地使用税".split(),
    "abnormal_listing": "未按期公示年度报告 登记住所无法联系 公示信息隐瞒真实情况".split(),
}
SERVICE_EVENTS = {
    "complaint": "投诉手续费 投诉柜面等候时间长 投诉贷款审批慢 投诉网银故障".split(),
    "praise": "表扬客户经理 感谢信".split(),
    "inquiry": "咨询贷款利率 咨询理财产品 咨询跨境结算 咨询代发工资".split(),
    "request": "申请提额 申请展期 申请变更印鉴 申请下调费率".split(),
}
CAMPAIGNS = "开门红存款 科创企业融资 供应链走访 代发工资推广 绿色信贷 小微普惠月 票据贴现优惠 跨境结算推介 结构性存款专场 现金管理升级".split()
