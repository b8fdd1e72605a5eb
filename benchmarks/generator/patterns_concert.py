"""Patterns of presumed concert that need posts, kinship or records: items 4 to 6 and 8 to 12, each with a near miss."""

from benchmarks.generator import vocabulary as words
from benchmarks.generator.planting import Party, Planting


def _target(plant: Planting, trade: str) -> Party:
    return plant.company(trade, "C3825", form=words.JOINT_STOCK)


def _together(plant: Planting, target: Party, percents: dict[Party, float], item: int, *pairs: tuple[Party, Party]) -> None:
    """Stakes of these parties in the target; the pairs are in concert by the item, and so control jointly what passes half."""
    for party, percent in percents.items():
        plant.stake(party, target, percent)
    for one, other in pairs:
        plant.concert(one, other, target, item)
        if percents[one] + percents[other] > 50:
            plant.controls(one, target, "concert")
            plant.controls(other, target, "concert")


def influence(plant: Planting) -> None:
    """Item 4: a firm with 25 % of an investor, both in the target with 27 % and 26 %; rebutted for a second pair."""
    for trade, is_rebutted in (("借力", False), ("不借力", True)):
        holder, investor = plant.company(f"{trade}投资", "L7212"), plant.company(f"{trade}参股", "L7212")
        target = _target(plant, trade)
        plant.stake(holder, investor, 25)
        plant.scattered(investor, 30, 30)
        plant.scattered(holder, 40, 40)
        if is_rebutted:
            plant.stake(holder, target, 27)
            plant.stake(investor, target, 26)
            plant.rebuttal(holder, investor, target, 4, "独立董事声明")
            plant.true("rebutted", *sorted((holder, investor)), target.id, 4)
            plant.true("not_concert", *sorted((holder, investor)), target.id, 4, "rebutted")
            plant.not_control(holder, target, "rebutted")
        else:
            _together(plant, target, {holder: 27, investor: 26}, 4, (holder, investor))


def recorded_associations(plant: Planting) -> None:
    """Items 5, 6 and 12 from agreements: a financed purchase, a partnership that names no target, a recorded association; one that is over."""
    for trade, kind, item, names_target in (("借钱", "purchase_financing", 5, True), ("搭伙", "partnership", 6, False), ("旁证", "other_association", 12, True)):
        one, other = plant.person(), plant.person()
        target = _target(plant, trade)
        plant.agreement(kind, (one, other), target if names_target else None)
        _together(plant, target, {one: 28, other: 24}, item, (one, other))
        plant.scattered(target, 20)
    one, other = plant.person(), plant.person()
    over = _target(plant, "散伙二")
    plant.stake(one, over, 28)
    plant.stake(other, over, 24)
    plant.agreement("joint_venture", (one, other), None, "2019-06-01", "2022-05-31")
    plant.true("not_concert", one, other, over.id, 6, "expired")
    plant.not_control(one, over, "expired")


def investors_leaders_and_relatives(plant: Planting) -> None:
    """Items 8 and 9: the general manager of an investor holds the target, and so does his wife; a department head does too."""
    manager, wife, head = plant.person(), plant.person(), plant.person()
    investor, target = plant.company("管家投资", "L7212"), _target(plant, "管家")
    plant.scattered(investor, 30, 30)
    plant.post(manager, investor, "general_manager", main=False)
    plant.post(head, investor, "manager", main=False)
    plant.kin(manager, wife, "spouse")
    for party, percent in ((investor, 20), (manager, 8), (wife, 6), (head, 9)):
        plant.stake(party, target, percent)
    plant.scattered(target, 14, 14)
    plant.concert(manager, investor, target, 8)
    plant.concert(wife, investor, target, 9)
    plant.true("not_concert", *sorted((investor, head)), target.id, 8, "no_leading_post")


def targets_own_people(plant: Planting) -> None:
    """Items 10 and 11: a director with his brother and the brother's firm, and a department head with her own firm, hold the target."""
    director, brother, head, stranger = plant.person(), plant.person(), plant.person(), plant.person()
    firm, vehicle, target = plant.company("手足", "L7212"), plant.company("自营", "L7212"), _target(plant, "内部人")
    plant.stake(brother, firm, 80)
    plant.stake(head, vehicle, 90)
    plant.kin(director, brother, "sibling")
    plant.post(director, target, "director", main=False)
    plant.post(head, target, "manager", main=False)
    plant.post(stranger, target, "supervisor", main=False)
    for party, percent in ((director, 9), (brother, 8), (firm, 7), (head, 6), (vehicle, 5), (stranger, 10)):
        plant.stake(party, target, percent)
    plant.scattered(target, 20, 20)
    plant.controls(brother, firm, "direct")
    plant.controls(head, vehicle, "direct")
    plant.ultimate(brother, firm)
    plant.ultimate(head, vehicle)
    for one, other in ((director, brother), (director, firm), (brother, firm)):
        plant.concert(one, other, target, 10)
    plant.concert(director, firm, target, 9)
    plant.concert(brother, firm, target, 1)
    plant.concert(brother, firm, target, 7)
    plant.concert(head, vehicle, target, 1)
    plant.concert(head, vehicle, target, 7)
    plant.concert(head, vehicle, target, 11)
    plant.true("not_concert", director, stranger, target.id, 10, "no_relatives")


CONCERT_PATTERNS = (influence, recorded_associations, investors_leaders_and_relatives, targets_own_people)
