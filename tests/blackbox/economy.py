# SPDX-License-Identifier: Apache-2.0
"""A model of the economy, written from docs/PROTOCOL.md, sections 5 and 7, in the plainest way: what each member has to
do with each pattern, what it did today, and everything else counted anew whenever it is asked for. Amounts are
thousandths of a credit, confidences hundredths. Calls return (status, what the answer says)."""

import collections
import datetime

K, WEEK_DAYS = 3, 7
LEVELS = ("minimal", "standard", "extensive")
WISHES = {"high": 5, "balanced": K, "open": K}
CONTRIBUTE, VERIFY, QUALITY, QUERY, PRIORITY, DOWNLOAD = 1000, 500, 2000, 1000, 5000, 3000


def today():
    return datetime.datetime.now(datetime.timezone.utc).date()


class Rules:
    """Small limits, so that members meet them."""

    daily_contributions, daily_verifications, unproven, votes, contributions = 12, 4, 5, 4, 20
    free = {"contributions": 24, "queries": 6, "oprf-elements": 20}
    records = dict(zip(LEVELS, (2, 4, 6)))
    results = dict(zip(LEVELS, (2, 5, 200)))
    weekly = dict(zip(LEVELS, (1, 4, 10)))
    high_confidence = 90

    @classmethod
    def options(cls):
        levels = {f"{level}_{name}": values[level] for level in LEVELS for name, values in (
            ("max_records", cls.records), ("max_results", cls.results), ("min_weekly", cls.weekly))}
        return {"min_contributors": K, "daily_contribution_limit": cls.daily_contributions, **levels,
                "daily_verification_limit": cls.daily_verifications, "unproven_allowance": cls.unproven,
                "quality_votes": cls.votes, "max_contributions": cls.contributions, "high_confidence": 0.9,
                "high_confidence_delay_s": 30 * 86400, "price_download": DOWNLOAD // 1000,
                **{f"free_daily_{name.replace('-', '_')}": limit for name, limit in cls.free.items()}}


class Stake:
    """What one member has to do with one pattern."""

    def __init__(self):
        self.held = self.bad = self.counted = False
        self.wish, self.confidence, self.order, self.day = K, 0, 0, None
        self.status, self.payment = "sealed", None  # None, "due", "paid"
        self.ever_paid = self.unproven = self.ever_rewarded = self.ever_paid_verification = False
        self.verdict = self.vote = None


class Member:
    def __init__(self, level, mode):
        self.level, self.mode, self.tier = level, mode, "unlimited"
        self.newcomer, self.contributed = True, False
        self.balance, self.ledger = 0, collections.Counter()  # of (kind, amount, tag)
        self.stakes = collections.defaultdict(Stake)  # by pattern
        self.days = collections.defaultdict(collections.Counter)

    def day(self):
        return self.days[today()]

    def held(self):
        """The patterns, oldest first."""
        return sorted((pattern for pattern, stake in self.stakes.items() if stake.held),
                      key=lambda pattern: self.stakes[pattern].order)

    def weekly(self):
        return sum((today() - self.stakes[pattern].day).days < WEEK_DAYS for pattern in self.held())

    def effective(self):
        earned = [level for level in LEVELS[:LEVELS.index(self.level) + 1] if self.weekly() >= Rules.weekly[level]]
        return self.level if self.newcomer else (earned or LEVELS)[-1 if earned else 0]

    def missing(self):
        return 0 if self.effective() == self.level else Rules.weekly[self.level] - self.weekly()

    def unproven(self):
        return sum(stake.unproven for stake in self.stakes.values())

    def left(self, quota):
        return Rules.free[quota] - self.day()[quota]

    def use(self, quota, amount):
        """False: refused as a whole."""
        if self.tier == "free" and amount > self.left(quota):
            return False
        self.day()[quota] += amount if self.tier == "free" else 0
        return True

    def move(self, kind, amount, pattern=None):
        self.balance += amount
        self.day()["earned" if amount > 0 else "spent"] += abs(amount)
        if amount:
            self.ledger[kind, amount, pattern] += 1

    def account(self):
        month = [day for date, day in self.days.items() if (date.year, date.month) == (today().year, today().month)]
        return {"available": self.balance, "earned_monthly": sum(day["earned"] for day in month),
                "spent_monthly": sum(day["spent"] for day in month),
                "daily": {"earned": self.day()["contributed"], "limit": Rules.daily_contributions * CONTRIBUTE}}

    def profile(self):
        released = sum(self.stakes[pattern].status == "released" for pattern in self.held())
        return {"contribution_level": self.level, "effective_level": self.effective(), "level_missing": self.missing(),
                "privacy_mode": self.mode, "tier": self.tier, "contributions": len(self.held()), "released": released,
                "older_sealed": 0, "carried": 0}

    def contributions(self):
        return [(pattern, self.stakes[pattern].confidence, self.stakes[pattern].status,
                 self.stakes[pattern].payment == "paid") for pattern in self.held()]


class Pattern:
    def __init__(self, spoiled=False):
        self.spoiled = spoiled  # its index does not open
        self.shown = None  # the confidence that was published first: histories are shorter than a period
        self.forget()

    def forget(self):
        self.invalid = self.released = self.rewarded = False
        self.released_on, self.confidence = None, 0
        self.confirmed = self.refuted = self.high = self.low = 0  # as of the last tick

    def sums(self):
        return 2 * self.confirmed + self.high, 2 * self.refuted + self.low

    def quality(self):
        P, N = self.sums()
        return (1000 * P // (P + N) + 5) // 10 if P + N else None

    def trust(self):
        P, N = self.sums()
        return max(1, self.confidence * (P + 2) // (P + N + 2))


def problem(status, code, **more):
    return status, {"code": code, **more}


class Economy:
    def __init__(self, patterns, spoiled):
        self.members = {}
        self.patterns = [Pattern(number in spoiled) for number in range(patterns)]
        self.accepted = 0

    def holders(self, pattern):
        return [member for member in self.members.values() if pattern in member.stakes and member.stakes[pattern].held]

    def fade(self, pattern):
        """With its last contribution all that was known and said of it goes."""
        if self.holders(pattern):
            return
        self.patterns[pattern].forget()
        for member in self.members.values():
            if pattern in member.stakes:
                member.stakes[pattern].verdict = member.stakes[pattern].vote = None

    newcomer = staticmethod(Member)

    # Calls

    def erase(self, name):
        member = self.members.pop(name)
        said = [stake for stake in member.stakes.values() if stake.verdict], [s for s in member.stakes.values() if s.vote]
        for pattern in range(len(self.patterns)):
            self.fade(pattern)
        return 200, {"contributions": len(member.held()), "verifications": len(said[0]), "votes": len(said[1])}

    def pay(self, member, pattern):
        stake = member.stakes[pattern]
        member.move("contribute", CONTRIBUTE, pattern)
        member.day()["contributed"] += CONTRIBUTE
        stake.payment, stake.ever_paid = "paid", True

    @staticmethod
    def reverse(member, pattern):
        stake = member.stakes[pattern]
        amount = min(CONTRIBUTE, member.balance) if stake.payment == "paid" else 0
        member.move("reverse", -amount, pattern)
        stake.unproven = stake.unproven and amount < CONTRIBUTE
        stake.payment = None
        return amount

    def accept(self, member, pattern, confidence, bad):
        stake = member.stakes[pattern]
        if stake.held:
            return "accepted"
        if len(member.held()) >= Rules.contributions:
            return "too-many-contributions"
        self.accepted += 1
        stake.held, stake.bad, stake.counted, stake.day = True, bad, False, today()
        stake.wish, stake.confidence, stake.order = WISHES[member.mode], confidence, self.accepted
        stake.status, stake.payment = "sealed", None
        member.contributed = True
        if (self.patterns[pattern].released or stake.ever_paid
                or member.day()["payable"] >= Rules.daily_contributions):
            return "accepted"
        member.day()["payable"] += 1
        stake.payment = "due"
        if member.unproven() < Rules.unproven:
            self.pay(member, pattern)
            stake.unproven = True
        return "accepted"

    def contribute(self, name, patterns, confidence, bad):
        """None among `patterns` is a record that does not fit its tag."""
        member = self.members[name]
        before = member.balance
        if len(patterns) > Rules.records[member.effective()]:
            return problem(422, "batch-too-large")
        if not member.use("contributions", len(patterns)):
            return problem(429, "too-many-requests")
        results = ["tag-mismatch" if pattern is None else self.accept(member, pattern, confidence, bad)
                   for pattern in patterns]
        return 200, {"results": results, "accepted": results.count("accepted"),
                     "credits_earned": member.balance - before, "balance": member.balance,
                     "daily_remaining": max(0, Rules.daily_contributions - member.day()["payable"])}

    def withdraw(self, name, pattern):
        """None: all."""
        member = self.members[name]
        if pattern is not None and not (pattern in member.stakes and member.stakes[pattern].held):
            return problem(404, "not-found")
        patterns = member.held() if pattern is None else [pattern]
        reversed_ = 0
        for each in patterns:
            reversed_ += self.reverse(member, each)
            member.stakes[each].held = member.stakes[each].counted = False
            self.fade(each)
        return 200, {"withdrawn": len(patterns), "credits_reversed": reversed_, "balance": member.balance}

    def query(self, name, patterns, priority, max_results):
        """`patterns`: those that have its only token."""
        member = self.members[name]
        cost = QUERY + (PRIORITY if priority else 0)
        if not member.contributed:
            return problem(403, "contribution-required")
        if member.balance < cost:
            return problem(402, "insufficient-credits", balance=member.balance, cost=cost)
        if not member.use("queries", 1):
            return problem(429, "too-many-requests")
        member.move("query", -QUERY)
        member.move("priority", -PRIORITY if priority else 0)
        seen = {pattern: self.patterns[pattern].trust() for pattern in patterns if self.sees(name, pattern)[0] == 200}
        return 200, {"cost": cost, "balance": member.balance, "seen": seen,
                     "count": min(len(seen), max_results, Rules.results[member.effective()])}

    def shown(self, name):
        return {pattern for pattern in range(len(self.patterns)) if self.sees(name, pattern)[0] == 200}

    def download(self, name):
        member = self.members[name]
        if not any(pattern.released for pattern in self.patterns):
            return problem(404, "not-found")
        if not member.contributed:
            return problem(403, "contribution-required")
        if member.balance < DOWNLOAD:
            return problem(402, "insufficient-credits", balance=member.balance, cost=DOWNLOAD)
        member.move("download", -DOWNLOAD)
        return 201, {"balance": member.balance}

    def evaluate(self, name, elements):
        return (200, {}) if self.members[name].use("oprf-elements", elements) else problem(429, "too-many-requests")

    def sees(self, name, pattern):
        that = self.patterns[pattern]
        if not that.released:
            return problem(404, "not-found")
        if that.confidence >= Rules.high_confidence and self.members[name].effective() != "extensive":
            return problem(403, "level-too-low")
        return 200, {"confidence": that.confidence, "verification_count": that.confirmed,
                     "refuted_count": that.refuted, "quality": that.quality(), "released_on": str(that.released_on)}

    def verifications(self, pattern):
        that = self.patterns[pattern]
        now = sum(pattern in member.stakes and member.stakes[pattern].verdict is not None
                  for member in self.members.values())
        if not that.released:
            return problem(404, "not-found")
        return 200, {"confirmed": that.confirmed, "refuted": that.refuted, "sample": min(20, now)}

    def refusal(self, name, pattern, verifying=False, blind=False):
        """What stands against a judgement, in the order of the checks; None: nothing."""
        member, that = self.members[name], self.patterns[pattern]
        stake = member.stakes[pattern]
        if not that.released:
            return problem(404, "not-found")
        if stake.held:
            return problem(403, "own-pattern")
        if blind:
            return problem(422, "proof-invalid")
        if verifying and stake.verdict:
            return problem(409, "already-verified")
        if not member.contributed:
            return problem(403, "contribution-required")
        return None if self.sees(name, pattern)[0] == 200 else self.sees(name, pattern)

    def verify(self, name, pattern, verdict, blind):
        refusal = self.refusal(name, pattern, True, blind)
        if refusal:
            return refusal
        member = self.members[name]
        stake = member.stakes[pattern]
        paid = not stake.ever_paid_verification and member.day()["verified"] < Rules.daily_verifications
        stake.verdict = verdict
        if paid:
            member.day()["verified"] += 1
            stake.ever_paid_verification = True
            member.move("verify", VERIFY, pattern)
        return 201, {"credits_earned": VERIFY if paid else 0, "balance": member.balance}

    def vote(self, name, pattern, quality):
        refusal = self.refusal(name, pattern)
        if refusal:
            return refusal
        self.members[name].stakes[pattern].vote = quality
        return 200, {"quality": quality}

    # Ticks

    def tick(self):
        for number, pattern in enumerate(self.patterns):
            self.tick_one(number, pattern)

    @staticmethod
    def largest(stakes):
        """The largest m such that m valid contributions are content with a group of m."""
        wishes = [stake.wish for stake in stakes if not stake.bad]
        return max((m for m in range(1, len(wishes) + 1) if sum(wish <= m for wish in wishes) >= m), default=0)

    def tick_one(self, number, pattern):
        members = self.holders(number)
        stakes = [member.stakes[number] for member in members]
        m = self.largest(stakes)
        if len(stakes) < K and not pattern.released:
            return
        if m < K:
            pattern.released = False
            for stake in stakes:
                stake.counted = False
        elif pattern.spoiled:
            pattern.invalid = True
        elif not pattern.released:
            for stake in stakes:
                stake.counted = not stake.bad and stake.wish <= m
            counted = [stake.confidence for stake in stakes if stake.counted]
            pattern.released, pattern.released_on = True, today()
            if pattern.shown is None:
                pattern.shown = (2 * sum(counted) + len(counted)) // (2 * len(counted))
            pattern.confidence = pattern.shown
        for member in members:
            self.settle(member, number, pattern)
        if pattern.released:
            self.judge(members, number, pattern)

    def settle(self, member, number, pattern):
        stake = member.stakes[number]
        if pattern.invalid or (pattern.released and stake.bad):
            stake.status = "invalid"
            self.reverse(member, number)
        elif pattern.released:
            stake.status = "released"
            if stake.payment == "due":
                self.pay(member, number)
            stake.unproven = stake.unproven and stake.payment != "paid"
        else:
            stake.status = "sealed"

    def judge(self, members, number, pattern):
        said = [member.stakes[number] for member in self.members.values() if number in member.stakes]
        pattern.confirmed, pattern.refuted = (sum(stake.verdict == verdict for stake in said)
                                              for verdict in ("confirm", "refute"))
        pattern.high, pattern.low = (sum(stake.vote == vote for stake in said) for vote in ("high", "low"))
        votes = pattern.high + pattern.low
        if pattern.rewarded or votes < Rules.votes or 3 * pattern.high < 2 * votes:
            return
        pattern.rewarded = True
        for member in members:
            stake = member.stakes[number]
            if stake.counted and not stake.ever_rewarded:
                member.move("quality", QUALITY, number)
                stake.ever_rewarded = True

    def doubts(self, name):
        """What the member should withdraw before a tick: where it is to lose more than it has, what it has in the end
        could depend on which group comes first, which nobody promises."""
        member = self.members[name]
        at_risk = [pattern for pattern in member.held() if member.stakes[pattern].payment == "paid"
                   and member.stakes[pattern].status == "sealed"
                   and (member.stakes[pattern].bad or self.patterns[pattern].spoiled)]
        return at_risk[0] if at_risk and member.balance < len(at_risk) * CONTRIBUTE else None
