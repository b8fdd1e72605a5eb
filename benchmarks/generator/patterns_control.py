"""Patterns of ownership: who controls whom, who only seems to, who acts in concert."""

from benchmarks.generator import vocabulary as words
from benchmarks.generator.planting import Party, Planting


def concert_and_two_holdings(plant: Planting) -> None:
    """A person holds 20 % of the target and controls a holder of 15 %; a partner by agreement holds 20 %."""
    person, partner = plant.person("李雪梅"), plant.person("赵国强")
    vehicle = plant.company("雪松", "L7212")
    target = plant.company("太湖之光", "C3825", form=words.JOINT_STOCK)
    plant.stake(person, vehicle, 60)
    plant.scattered(vehicle, 25, 15)
    plant.stake(person, target, 20)
    plant.stake(vehicle, target, 15)
    plant.stake(partner, target, 20, since="2019-08-01")
    plant.scattered(target, 15, 15, 15)
    plant.agreement("concerted_action", (person, partner), target)
    plant.controls(person, vehicle, "direct")
    plant.controls(person, target, "concert")
    plant.controls(partner, target, "concert")
    plant.concert(person, partner, target, "agreement")
    plant.concert(person, vehicle, target, 1)
    plant.concert(person, vehicle, target, 7)
    plant.ultimate(person, vehicle)


def pyramid(plant: Planting) -> None:
    """A chain of majorities eight or more deep."""
    owner = plant.person("陈建国")
    depth = 8 + int(plant.rng.integers(0, 5)) * bool(plant.copy)
    chain: list[Party] = []
    links: list[tuple[int, int, float]] = []
    for level in range(depth):
        company = plant.company(f"金塔{'一二三四五六七八九十'[level % 10]}号", "L7211" if level < depth - 1 else "C3130")
        percent = (60, 55, 51, 70, 80, 50.0001, 66.67, 90)[level % 8]
        plant.stake(chain[-1] if chain else owner, company, percent)
        plant.controls(owner, company, "indirect" if chain else "direct")
        for above in chain:
            plant.controls(above, company, "direct" if above == chain[-1] else "indirect")
        chain.append(company)
        links.append((level + 1, company.id, percent))
    for step, company_id, percent in links:
        plant.true("chain", owner, chain[-1].id, step, company_id, percent)
    plant.ultimate(owner, *chain)


def joint_majority(plant: Planting) -> None:
    """Own stake and three controlled companies' stakes add up to 54 %, of which none is a majority."""
    owner = plant.person("王秀英")
    first, second = plant.company("恒达", "L7212"), plant.company("恒通", "F5164")
    third, target = plant.company("恒远", "G5431"), plant.company("恒星", "C3484")
    below = plant.company("恒星二", "C3311")
    plant.stake(owner, first, 65)
    plant.stake(owner, second, 70)
    plant.stake(first, third, 51)
    plant.stake(owner, target, 5)
    plant.stake(first, target, 20)
    plant.stake(second, target, 17)
    plant.stake(third, target, 12)
    plant.scattered(target, 22)
    plant.stake(target, below, 80)
    for company, ground in ((first, "direct"), (second, "direct"), (third, "indirect"), (target, "joint"), (below, "indirect")):
        plant.controls(owner, company, ground)
    plant.controls(first, third, "direct")
    plant.controls(target, below, "direct")
    for holder in (first, second, third):
        plant.concert(owner, holder, target, 1)
    plant.concert(owner, first, target, 7)
    plant.concert(owner, second, target, 7)
    plant.concert(first, third, target, 1)
    for one, other in ((first, second), (first, third), (second, third)):
        plant.concert(one, other, target, 2)
    plant.ultimate(owner, first, second, third, target, below)


def cross_holding(plant: Planting) -> None:
    """P → A 80 %, B → A 20 %, A → B 60 %: counted with loops P has 0.909… of A, over simple paths 0.80."""
    owner = plant.person("孙晓东")
    first, second = plant.company("双环", "C3670"), plant.company("双环模具", "C3525")
    plant.stake(owner, first, 80)
    plant.stake(second, first, 20)
    plant.stake(first, second, 60)
    plant.scattered(second, 40)
    plant.controls(owner, first, "direct")
    plant.controls(owner, second, "indirect")
    plant.controls(first, second, "direct")
    plant.ultimate(owner, first, second)
    plant.true("integrated_ownership", owner, first.id, "0.909091", "0.8")
    plant.true("integrated_ownership", owner, second.id, "0.545455", "0.48")
    plant.true("circular_holding", first.id, second.id)
    plant.true("circular_holding", second.id, first.id)
    plant.concert(owner, second, first, 1)


def only_seems_to_control(plant: Planting) -> None:
    """Near misses: exactly 50 %, a circle that holds itself, a stake given up, capital without votes, a nominee."""
    left, right = plant.person("周文斌"), plant.person("吴海燕")
    halves = plant.company("五五", "F5165")
    plant.stake(left, halves, 50)
    plant.stake(right, halves, 50)
    plant.not_control(left, halves, "exactly_50")
    plant.not_control(right, halves, "exactly_50")

    founder = plant.person("郑立新")
    ring = [plant.company(name, "C2929") for name in ("连环甲", "连环乙", "连环丙")]
    for company in ring:
        plant.stake(founder, company, 19)
        for other in ring:
            if other != company:
                plant.stake(other, company, 17)
                plant.true("circular_holding", other.id, company.id)
                plant.not_control(other, company, "circle_only")
        plant.not_control(founder, company, "circle_only")

    former, present = plant.person("冯国华"), plant.person("曹静")
    sold = plant.company("旧主", "C1751")
    plant.stake(former, sold, 80, since="2012-01-05", until="2024-12-31")
    plant.stake(former, sold, 30, since="2025-01-01")
    plant.stake(present, sold, 70, since="2025-01-01")
    plant.not_control(former, sold, "expired")
    plant.controls(present, sold, "direct")
    plant.ultimate(present, sold)

    investor, inventor = plant.person("彭金凤"), plant.person("曾思远")
    dual = plant.company("同股不同权", "I6513", form=words.JOINT_STOCK)
    plant.stake(investor, dual, 60, votes=25)
    plant.stake(inventor, dual, 40, votes=75)
    plant.not_control(investor, dual, "votes_below_50")
    plant.controls(inventor, dual, "direct")
    plant.ultimate(inventor, dual)


def nominee(plant: Planting) -> None:
    """A clearing house holds more than half of a listed company for others, and of a second one besides."""
    if plant.copy == 0:
        plant.company("", "J6739", "810000", words.NOMINEE, full_name="香港中央结算有限公司", customer_since=None)
        plant.true("nominee", len(plant.companies))
    house = Party("enterprise", next(n for n, c in enumerate(plant.companies, 1) if c.form == words.NOMINEE))
    listed = plant.company("沧浪医药", "C2710", form=words.LISTED)
    plant.stake(house, listed, 54.3216)
    plant.scattered(listed, 18.5)
    plant.not_control(house, listed, "nominee")


def state_siblings(plant: Planting) -> None:
    """A state body controls three companies that are no group for that; one has a subsidiary of its own. One body a city."""
    if plant.copy >= len(words.CITIES):
        return
    region, city, _ = words.CITIES[plant.copy]
    name = f"{city}市人民政府国有资产监督管理委员会"
    body = plant.company("", "S9221", region, words.STATE_BODY, full_name=name, customer_since=None)
    siblings = [
        plant.company(trade, industry, form=words.STATE_OWNED)
        for trade, industry in (("城投", "E4813"), ("水务", "N7721"), ("交运", "G5431"))
    ]
    child = plant.company("城投置业", "K7010", form=words.ONE_LEGAL_PERSON)
    for company, percent in zip(siblings, (100, 70, 51), strict=True):
        plant.stake(body, company, percent)
        plant.controls(body, company, "direct")
        plant.loan(company, 30_000_000)
    plant.stake(siblings[0], child, 100)
    plant.loan(child, 12_000_000)
    plant.controls(siblings[0], child, "direct")
    plant.controls(body, child, "indirect")
    plant.ultimate(body, *siblings, child)
    plant.true("state_body", body.id)
    for one in siblings:
        for other in siblings:
            if one < other:
                plant.true("state_sibling", body.id, one.id, other.id)
    plant.true("group", siblings[0].id, siblings[0].id)
    plant.true("group", siblings[0].id, child.id)


def agreement_of_three(plant: Planting) -> None:
    """Three parties pool 55 % by agreement; two others' agreement has expired."""
    partners = [plant.person(name) for name in ("何志强", "高红梅", "林宇航")]
    target = plant.company("三义", "C3982", form=words.JOINT_STOCK)
    for partner, percent in zip(partners, (18, 17, 20), strict=True):
        plant.stake(partner, target, percent)
        plant.controls(partner, target, "concert")
    plant.scattered(target, 9.5)
    plant.agreement("concerted_action", partners, target)
    for place, one in enumerate(partners):
        for other in partners[place + 1 :]:
            plant.concert(one, other, target, "agreement")

    once = [plant.person(name) for name in ("罗平", "梁勇")]
    parted = plant.company("散伙", "H6210")
    for partner, percent in zip(once, (30, 28), strict=True):
        plant.stake(partner, parted, percent)
        plant.not_control(partner, parted, "expired")
    plant.scattered(parted, 42)
    plant.agreement("concerted_action", once, parted, "2019-06-01", "2022-05-31")
    plant.true("not_concert", *once, parted.id, "agreement", "expired")


def presumed_by_control(plant: Planting) -> None:
    """Items 1 and 2: a parent and its two subsidiaries hold a target that none of them controls."""
    parent = plant.company("鼎盛", "L7211", form=words.JOINT_STOCK)
    first, second = plant.company("鼎盛一", "L7212"), plant.company("鼎盛二", "L7212")
    target = plant.company("众筹", "C3973", form=words.JOINT_STOCK)
    plant.scattered(parent, 34)
    plant.stake(parent, first, 75)
    plant.stake(parent, second, 90)
    plant.stake(parent, target, 10)
    plant.stake(first, target, 12)
    plant.stake(second, target, 15)
    plant.scattered(target, 33)
    for subsidiary in (first, second):
        plant.controls(parent, subsidiary, "direct")
        plant.concert(parent, subsidiary, target, 1)
    plant.concert(first, second, target, 2)
    plant.ultimate(parent, first, second)


def presumed_by_posts(plant: Planting) -> None:
    """Item 3: a common main director pools 52 %; then the same rebutted, and the same with a post given up."""
    variants = (("同舟", "韩磊", None, False), ("异梦", "唐敏", None, True), ("往事", "许超", "2023-12-31", False))
    for trade, name, until, is_rebutted in variants:
        director = plant.person(name)
        first, second = plant.company(f"{trade}甲", "L7212"), plant.company(f"{trade}乙", "L7212")
        target = plant.company(trade, "C3963", form=words.JOINT_STOCK)
        plant.stake(first, target, 28)
        plant.stake(second, target, 24)
        plant.scattered(target, 29)
        plant.post(director, first, "chairman")
        plant.post(director, second, "director", until=until)
        if is_rebutted:
            plant.rebuttal(first, second, target, 3, "交易所问询函回复")
            plant.true("rebutted", *sorted((first, second)), target.id, 3)
        if until is None and not is_rebutted:
            plant.concert(first, second, target, 3)
            plant.controls(first, target, "concert")
            plant.controls(second, target, "concert")
        else:
            reason = "rebutted" if is_rebutted else "expired"
            plant.true("not_concert", first, second, target.id, 3, reason)
            plant.not_control(first, target, reason)
            plant.not_control(second, target, reason)


def presumed_by_a_large_holder(plant: Planting) -> None:
    """Items 4 and 7: a person with 35 % of an investor holds the target too; together 53 %. With 19 % there is no presumption."""
    person = plant.person("邓丽华")
    investor = plant.company("兰亭", "L7212")
    target = plant.company("曲水", "C4090", form=words.JOINT_STOCK)
    plant.stake(person, investor, 35)
    plant.scattered(investor, 28.75)
    plant.stake(person, target, 26)
    plant.stake(investor, target, 27)
    plant.scattered(target, 17.3333)
    plant.concert(person, investor, target, 4)
    plant.concert(person, investor, target, 7)
    plant.controls(person, target, "concert")
    plant.controls(investor, target, "concert")

    smaller = plant.person("邓美玲")
    other, missed = plant.company("竹林", "L7212"), plant.company("七贤", "C2231", form=words.JOINT_STOCK)
    plant.stake(smaller, other, 19)
    plant.scattered(other, 27)
    plant.stake(smaller, missed, 26)
    plant.stake(other, missed, 27)
    plant.scattered(missed, 16)
    plant.true("not_concert", smaller, other, missed.id, 4, "below_20")


def family(plant: Planting) -> None:
    """Father and son hold 31 % and 29 %; the mother-in-law's stake is in another company."""
    father, son, wife = plant.person("董长江"), plant.person("董浩然"), plant.person("潘佳怡")
    company, elsewhere = plant.company("传家", "C1371"), plant.company("岳家", "H6210")
    plant.kin(father, son, "child")
    plant.kin(son, wife, "spouse")
    plant.row("kinship", father.id, wife.id, "child_spouse")
    plant.row("kinship", wife.id, father.id, "spouse_parent")
    plant.stake(father, company, 31)
    plant.stake(son, company, 29)
    plant.scattered(company, 25)
    plant.stake(wife, elsewhere, 100)
    plant.controls(wife, elsewhere, "direct")
    plant.ultimate(wife, elsewhere)
    plant.true("family_control", father.id, son.id, company.id)
    plant.true("family_control", son.id, father.id, company.id)


def beneficial_owner(plant: Planting) -> None:
    """40 % of a company that holds 70 % of another: 28 % by product, without control."""
    owner = plant.person("余庆华")
    above, below = plant.company("受益", "L7212"), plant.company("受益实业", "C3489")
    plant.stake(owner, above, 40)
    plant.scattered(above, 24)
    plant.stake(above, below, 70)
    plant.scattered(below, 20)
    plant.controls(above, below, "direct")
    plant.ultimate(above, below)
    plant.true("beneficial_owner", owner.id, above.id, "0.4")
    plant.true("beneficial_owner", owner.id, below.id, "0.28")


CONTROL_PATTERNS = (
    concert_and_two_holdings, pyramid, joint_majority, cross_holding, only_seems_to_control, nominee, state_siblings,
    agreement_of_three, presumed_by_control, presumed_by_posts, presumed_by_a_large_holder, family, beneficial_owner,
)  # fmt: skip
