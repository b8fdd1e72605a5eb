"""Patterns of ownership by other definitions: takeovers of listed companies, blocked parties, beneficial owners, families."""

from benchmarks.generator import vocabulary as words
from benchmarks.generator.planting import Party, Planting


def _listed(plant: Planting, trade: str, *scattered: float) -> Party:
    company = plant.company(trade, "C2710", form=words.LISTED)
    plant.scattered(company, *scattered)
    return company


def takeover(plant: Planting) -> None:
    """Each of the four grounds of control over a listed company, without a majority, beside what just misses it."""

    def takes(party: Party, company: Party, ground: str) -> None:
        plant.true("takeover_control", party, company.id, ground)

    half, thirty = _listed(plant, "对半", 20, 10), _listed(plant, "三分", 20, 10)
    one, other = plant.person(), plant.person()
    plant.stake(one, half, 50)
    takes(one, half, "half")
    takes(one, half, "votes")
    plant.not_control(one, half, "exactly_50")
    plant.stake(other, thirty, 30)
    plant.true("not_takeover_control", other, thirty.id, "exactly_30")
    more = plant.person()
    plant.stake(more, thirty, 30.0001)
    takes(more, thirty, "votes")

    unlisted, outsider = plant.company("未上市", "C2710", form=words.JOINT_STOCK), plant.person()
    plant.stake(outsider, unlisted, 40)
    plant.scattered(unlisted, 20, 20)
    plant.true("not_takeover_control", outsider, unlisted.id, "not_listed")

    for name, by_it, by_others in (("提名多", 3, 2), ("提名半", 2, 2)):
        company, party = _listed(plant, name, 15, 15), plant.company(f"{name}方", "L7212")
        plant.stake(party, company, 19)
        for place in range(by_it + by_others):
            post = "chairman" if place == 0 else "director"
            plant.post(plant.person(), company, post, main=place == 0, nominator=party if place < by_it else None)
        plant.post(plant.person(), company, "director", until="2024-12-31", nominator=party)
        plant.post(plant.person(), company, "supervisor", nominator=party)
        if by_it > by_others:
            takes(party, company, "board")
        else:
            plant.true("not_takeover_control", party, company.id, "half_of_the_board")

    for name, present in (("到会少", 51.9999), ("到会半", 52)):
        company, party = _listed(plant, name, 20, 20), plant.person()
        plant.stake(party, company, 26)
        plant.row("shareholder_meeting", company.id, "2025-05-20", 30)
        plant.row("shareholder_meeting", company.id, "2026-05-20", present)
        if present < 52:
            takes(party, company, "meeting")
        else:
            plant.true("not_takeover_control", party, company.id, "half_of_the_votes_present")


def nominated_director(plant: Planting) -> None:
    """Item 4 without a large stake: a firm nominated a director of an investor; both hold the target, together 53 %."""
    holder, investor = plant.company("派董", "L7212"), plant.company("受派", "L7212")
    target = plant.company("派往", "C3825", form=words.JOINT_STOCK)
    plant.scattered(investor, 40, 40)
    plant.scattered(holder, 40, 40)
    plant.post(plant.person(), investor, "director", main=False, nominator=holder)
    for party, percent in ((holder, 27), (investor, 26)):
        plant.stake(party, target, percent)
        plant.controls(party, target, "concert")
    plant.concert(holder, investor, target, 4)


def blocked(plant: Planting) -> None:
    """Two sanctioned firms: what they own half of together, and what that owns half of, is blocked; 49 % and quarters are not."""
    one, other = plant.company("受制甲", "L7212"), plant.company("受制乙", "L7212")
    for party in (one, other):
        plant.row("government_record", party.id, "sanction", "2025-04-02", 0, "列入制裁名单")
    together, below = plant.company("合半", "C3670"), plant.company("再半", "C3489")
    plant.stake(one, together, 25)
    plant.stake(other, together, 25)
    plant.scattered(together, 30, 20)
    plant.stake(together, below, 50)
    plant.scattered(below, 30, 20)
    short, quarters = plant.company("差一", "C3670"), plant.company("四分", "C3489")
    plant.stake(one, short, 49)
    plant.scattered(short, 30, 21)
    plant.stake(short, quarters, 50)
    plant.stake(one, quarters, 25)
    plant.scattered(quarters, 25)
    plant.concert(one, short, quarters, 4)
    plant.controls(one, quarters, "concert")
    plant.controls(short, quarters, "concert")
    for company in (one, other, together, below):
        plant.true("blocked", company.id)
    for company in (short, quarters):
        plant.true("not_blocked", company.id)


def ways_of_counting(plant: Planting) -> None:
    """Owners by one way of counting and not by another; exactly 25 %, and just less; nobody, so that the person in charge counts."""

    def ways(person: Party, company: Party, *which: str) -> None:
        for way in ("product", "chain", "command"):
            plant.true("beneficial_owner_way" if way in which else "not_beneficial_owner_way", person.id, company.id, way)

    boss, middle, last = plant.person(), plant.company("层层一", "L7212"), plant.company("层层二", "C3489")
    plant.stake(boss, middle, 60)
    plant.scattered(middle, 20, 20)
    plant.stake(middle, last, 30)
    plant.scattered(last, 20, 20, 20)
    plant.controls(boss, middle, "direct")
    plant.ultimate(boss, middle)
    ways(boss, last, "chain", "command")  # 18 % by product

    sum_of, arms, body = plant.person(), [plant.company(f"两臂{name}", "L7212") for name in "左右"], plant.company("两臂身", "C3489")
    for arm in arms:
        plant.stake(sum_of, arm, 60)
        plant.scattered(arm, 20, 20)
        plant.stake(arm, body, 15)
        plant.controls(sum_of, arm, "direct")
    plant.concert(*arms, body, 2)
    plant.ultimate(sum_of, *arms)
    plant.scattered(body, 20, 20, 20)
    ways(sum_of, body, "command")  # 18 % by product, 15 % by each chain

    paths, sides, end = plant.person(), [plant.company(f"双路{name}", "L7212") for name in "东西"], plant.company("双路终", "C3489")
    for side in sides:
        plant.stake(paths, side, 40)
        plant.scattered(side, 30, 30)
        plant.stake(side, end, 35)
    plant.scattered(end, 15, 15)
    ways(paths, end, "product")  # 14 % along each of two paths

    quarter, almost, shared = plant.person(), plant.person(), plant.company("四一", "C3489")
    plant.stake(quarter, shared, 25)
    plant.stake(almost, shared, 24.9999)
    plant.scattered(shared, 20, 20)
    ways(quarter, shared, "product", "chain", "command")
    ways(almost, shared)

    nobody, head = plant.company("众人", "C3489"), plant.person()
    plant.scattered(nobody, 20, 20, 20, 20, 20)
    plant.post(head, nobody, "legal_representative")
    plant.true("person_in_charge", head.id, nobody.id)


def family_group(plant: Planting) -> None:
    """A mother controls a firm alone and one with her daughter: the two are a group."""
    mother, daughter = plant.person(), plant.person()
    alone, together = plant.company("母业", "C1371"), plant.company("母女", "H6210")
    plant.kin(mother, daughter, "child")
    plant.stake(mother, alone, 90)
    plant.scattered(alone, 10)
    plant.stake(mother, together, 31)
    plant.stake(daughter, together, 29)
    plant.scattered(together, 25)
    plant.controls(mother, alone, "direct")
    plant.ultimate(mother, alone)
    plant.true("family_control", mother.id, daughter.id, together.id)
    plant.true("family_control", daughter.id, mother.id, together.id)
    for member in (alone, together):
        plant.true("family_group", mother.id, member.id)


OWNERSHIP_PATTERNS = (takeover, nominated_director, blocked, ways_of_counting, family_group)
