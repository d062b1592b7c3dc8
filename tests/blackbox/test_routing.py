# SPDX-License-Identifier: Apache-2.0
"""Routed questions on the real daemon: who gets them, what comes back, long polls, and what neither side learns."""

import json
import re
import threading
import time
import unittest

import cfed
import harness
from problems import ID, ProblemCase


def in_background(call):
    """Runs `call` in a thread; what it returned, and after how many seconds, comes from the function returned."""
    result = []
    started = time.monotonic()

    def run():
        try:
            result.append((call(), time.monotonic() - started))
        except Exception as error:
            result.append((error, time.monotonic() - started))
    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait(timeout_s=60):
        thread.join(timeout_s)
        if not result:
            raise AssertionError(f"no answer within {timeout_s} s")
        if isinstance(result[0][0], Exception):
            raise result[0][0]
        return result[0]
    wait.done = lambda: not thread.is_alive()
    return wait


class Routed(ProblemCase):
    group_count = 5
    options = {"release_interval_s": 1, "price_query": "0", "max_routed_per_hour": 100000, "lease_s": 1}

    def own_words(self):
        """A text that shares no word with any other."""
        type(self).texts = getattr(type(self), "texts", 0) + 1
        return f"alpha{harness.spell(self.texts)} omega{harness.spell(self.texts)}"

    def group(self):
        """Three members who share a released text, one who does not, and the text. Made for all tests at once, so that
        they share the wait for a tick."""
        if not getattr(type(self), "groups", None):
            type(self).groups = [self.group_made() for _ in range(self.group_count)]
            for members, record, _ in self.groups:
                self.wait_released(members[0], record)
        members, _, text = self.groups.pop()
        return members, text

    def group_made(self):
        members, text = self.daemon.members(4), self.own_words()
        record = self.shared(members[:-1], text)
        members[-1].contribute([self.one_record(members[-1])])
        return members, record, text


class Journey(Routed):
    def test_a_question_is_answered_by_two_and_neither_side_says_who(self):
        (ann, bob, cem, dan), text = self.group()
        answer, asked = dan.ask(text, "How long may a lease be?", domain="general")
        self.assertIs(True, answer["routed"])
        self.assertEqual(1, len(answer["results"]))
        for member, reply in ((ann, "Two minutes."), (bob, "As long as you like. \u2713")):
            ((delivery, qid, question),) = member.inbox()
            self.assertEqual("How long may a lease be?", question)
            self.assertEqual(("general", False), (delivery["domain"], delivery["priority"]))
            self.assertTrue(delivery["expires_at"].endswith(":00Z"))
            member.answer(delivery, qid, reply)
        self.assertEqual(204, cem.decline(cem.inbox()[0][0]).status)
        self.assertEqual({"Two minutes.", "As long as you like. \u2713"}, set(
            harness.until(lambda: len(a := asked.answers(wait=5)) == 2 and a, "two answers")))
        self.assertTrue(asked.look()["open"])
        self.assertEqual([], dan.inbox(), "the asker is not asked")

    def test_a_query_that_nobody_holds_is_not_routed(self):
        (_, _, _, dan), _ = self.group()
        body, _ = dan.route_body("nonesuch")
        answer = dan.expect(200, dan.call("POST", "/v1/queries", body))
        self.assertIs(False, answer["routed"])
        self.assert_problem(dan.call("GET", f"/v1/queries/{answer['query_id']}/answers"), "not-found")

    def test_all_padded_sizes_pass(self):
        (ann, _, _, dan), text = self.group()
        lengths = (1, 254, 255, 1022, 4094, 16382)
        asked = [dan.ask(text, "q" * length)[1] for length in lengths]
        deliveries = ann.inbox(limit=6)
        self.assertEqual(["q" * length for length in lengths], [question for _, _, question in deliveries])
        for length, (delivery, qid, _) in zip(lengths, deliveries):
            ann.answer(delivery, qid, "a" * length)
        for length, one in zip(lengths, asked):
            self.assertEqual(["a" * length], harness.until(lambda o=one: o.answers(wait=2), "an answer"))

    def test_a_delivery_that_is_not_answered_comes_again(self):
        (ann, _, _, dan), text = self.group()
        dan.ask(text)
        first = ann.inbox()[0][0]
        again, seconds = in_background(lambda: ann.inbox(wait=50))()
        self.assertEqual(first, again[0][0])
        self.assertLess(seconds, 25, "woken when the lease ended")

    def test_what_is_on_disk_outlives_a_restart(self):
        daemon = self.fresh()
        members = daemon.members(4)
        text = "quorum of restarts"
        self.wait_released(members[0], self.shared(members[:3], text))
        members[3].contribute([self.one_record(members[3])])
        _, asked = members[3].ask(text)
        (delivery, qid, _), = members[0].inbox()
        members[0].answer(delivery, qid, "yes")
        daemon.kill()
        daemon.start()
        for member in members:
            member.move(daemon.address)
        self.assertEqual(["yes"], harness.until(lambda: asked.answers(wait=2), "the answer"))
        self.assertEqual(1, len(members[1].inbox()))

    def test_erasure_takes_questions_and_deliveries(self):
        (ann, bob, _, dan), text = self.group()
        _, asked = dan.ask(text)
        bob.ask(text)
        (delivery, qid, _), *_ = ann.inbox()
        ann.answer(delivery, qid, "soon gone")
        receipt = ann.erase()
        self.assertEqual((0, 2), (receipt["queries"], receipt["deliveries"]))
        self.assertEqual([], asked.look(wait=1)["answers"])
        receipt = dan.erase()
        self.assertEqual((1, 0), (receipt["queries"], receipt["deliveries"]))


class LongPolls(Routed):
    options = {**Routed.options, "max_polls_per_member": 2, "max_polls": 3, "max_pending_requests": 2,
               "answer_cadence_s": 1, "lease_s": 3600}

    def second_connection(self, member):
        copy = self.daemon.member(seed=member.key.seed)
        copy.mint()
        return copy

    def test_a_poll_is_answered_as_soon_as_there_is_something(self):
        (ann, bob, cem, dan), text = self.group()
        polls = [in_background(lambda m=member: m.inbox(wait=60)) for member in (ann, bob, cem)]
        harness.until(lambda: self.daemon.member().call("GET", "/v1/inbox?wait=1").status == 503, "three polls wait")
        _, asked = dan.ask(text)
        for poll in polls:
            deliveries, seconds = poll()
            self.assertEqual(1, len(deliveries))
            self.assertLess(seconds, 30)
        waits = in_background(lambda: asked.answers(wait=60))
        self.assertEqual([], bob.inbox(), "leased")
        (delivery, qid, _), = polls[0]()[0]
        ann.answer(delivery, qid, "woken")
        answers, seconds = waits()
        self.assertEqual(["woken"], answers)
        self.assertLess(seconds, 30)

    def test_a_poll_ends_with_an_empty_list_in_time(self):
        ann = self.daemon.member()
        started = time.monotonic()
        self.assertEqual({"deliveries": []}, ann.get("/v1/inbox?wait=1"))
        self.assertTrue(0.9 < time.monotonic() - started < 20)
        self.assertEqual({"deliveries": []}, ann.get("/v1/inbox"))

    def test_answers_that_were_handed_out_are_shown_again_but_not_waited_for(self):
        (ann, _, _, dan), text = self.group()
        _, asked = dan.ask(text)
        (delivery, qid, _), = ann.inbox()
        ann.answer(delivery, qid, "once")
        self.assertEqual(["once"], asked.answers(wait=10))
        started = time.monotonic()
        self.assertEqual(["once"], asked.answers(wait=1))
        self.assertGreater(time.monotonic() - started, 0.9)

    def raw_poll(self, daemon, member, wait):
        connection = daemon.socket()
        self.addCleanup(connection.close)
        connection.sendall((f"GET /v1/inbox?wait={wait} HTTP/1.1\r\nHost: x\r\n"
                            f"Authorization: Bearer {member.token}\r\n\r\n").encode())
        return connection

    def fill(self, daemon, member, wait, status=429):
        """Long polls until one more is refused: (their sockets, the refusal)."""
        polls = []
        return polls, harness.until(lambda: polls.append(self.raw_poll(daemon, member, wait)) or (
            (a := member.call("GET", "/v1/inbox")).status == status and a), f"refused with {status}")

    def test_polls_are_limited_and_do_not_count_as_pending(self):
        ann, bob, cem = self.daemon.members(3)
        self.assert_problem(self.fill(self.daemon, ann, 8)[1], "too-many-requests")
        self.assert_problem(self.fill(self.daemon, bob, 8, 503)[1], "overloaded")
        self.assertEqual(200, cem.call("GET", "/v1/credits").status, "two may be pending, and three poll")
        harness.until(lambda: cem.call("GET", "/v1/inbox").status == 200, "their time is over")

    def test_who_has_hung_up_is_given_nothing(self):
        (ann, _, _, dan), text = self.group()
        for gone in self.fill(self.daemon, ann, 60)[0]:
            gone.close()
        dan.ask(text)
        harness.until(lambda: (a := ann.call("GET", "/v1/inbox")).status == 200 and a.json["deliveries"],
                      "not leased to the one who is gone")

    def test_a_member_that_is_erased_while_it_polls_is_told(self):
        ann = self.daemon.member()
        poll = in_background(lambda: ann.call("GET", "/v1/inbox?wait=60"))
        twin = self.second_connection(ann)
        harness.until(lambda: twin.call("GET", "/v1/inbox?wait=1").status == 200, "another look")
        twin.erase()
        self.assert_problem(poll()[0], "token-invalid")

    def test_the_end_of_the_daemon_answers_all_polls_at_once(self):
        daemon = self.fresh(max_polls=100, max_polls_per_member=20)
        polls, _ = self.fill(daemon, daemon.member(), 60)
        started = time.monotonic()
        daemon.stop()
        self.assertLess(time.monotonic() - started, 10)
        received = [poll.makefile("rb").read().replace(b" ", b"") for poll in polls]
        self.assertGreater(sum(b"200OK" in answer and b'{"deliveries":[]}' in answer for answer in received), 10)
        self.assertTrue(all(b"200OK" in answer or b"429" in answer for answer in received), received)


class Problems(Routed):
    options = {**Routed.options, "max_routed_open": 2, "lease_s": 60}

    def test_parameters(self):
        member = self.daemon.member()
        self.refuses_all(member, [
            (path, "invalid-request", None, lambda p=path: member.call("GET", p)) for path in (
                "/v1/inbox?wait=61", "/v1/inbox?wait=-1", "/v1/inbox?wait=1.5", "/v1/inbox?wait=", "/v1/inbox?max=0",
                "/v1/inbox?max=21", "/v1/inbox?max=x", f"/v1/queries/{ID}/answers?wait=x")])

    def test_what_is_not_yours_or_not_there(self):
        (ann, bob, _, dan), text = self.group()
        _, asked = dan.ask(text)
        (delivery, qid, _), = ann.inbox()
        body = ann.answer_body(delivery, qid, "x")
        cases = [("answers of another's query", "not-found", None,
                  lambda: bob.call("GET", f"/v1/queries/{asked.query_id}/answers")),
                 ("another's delivery", "not-found", None, lambda: bob.post_answer(delivery, body)),
                 ("declining it", "not-found", None, lambda: bob.decline(delivery))]
        for made_up in (ID, "x", "a" * 200):
            cases += [(f"{method} {path}", "not-found", None, lambda m=method, p=path, b=sent: bob.call(m, p, b))
                      for method, path, sent in (("POST", f"/v1/inbox/{made_up}/answer", body),
                                                 ("DELETE", f"/v1/inbox/{made_up}", None),
                                                 ("GET", f"/v1/queries/{made_up}/answers", None))]
        self.refuses_all(bob, cases)
        ann.answer(delivery, qid, "unharmed")

    def test_one_answer_to_a_delivery(self):
        (ann, bob, _, dan), text = self.group()
        _, asked = dan.ask(text)
        (delivery, qid, _), = ann.inbox()
        body = ann.answer_body(delivery, qid, "first")
        self.assertEqual([202, 202], [ann.post_answer(delivery, body).status for _ in range(2)])
        self.refuses_all(ann, [
            ("another", "already-answered", None,
             lambda: ann.post_answer(delivery, ann.answer_body(delivery, qid, "second"))),
            ("declined after all", "already-answered", None, lambda: ann.decline(delivery))])
        (declined, qid, _), = bob.inbox()
        self.assertEqual([204, 204], [bob.decline(declined).status for _ in range(2)])
        self.refuses_all(bob, [("answered after all", "not-found", None,
                                lambda: bob.post_answer(declined, bob.answer_body(declined, qid, "late")))])
        self.assertEqual(["first"], harness.until(lambda: asked.answers(wait=2), "an answer"))

    def test_only_padded_sizes(self):
        (ann, _, _, dan), text = self.group()
        dan.ask(text)
        (delivery, qid, _), = ann.inbox()
        good = cfed.unb64(ann.answer_body(delivery, qid, "x")["sealed_answer"])
        self.refuses_all(ann, [
            (str(value)[:40], "invalid-request", "/sealed_answer",
             lambda v=value: ann.post_answer(delivery, {"sealed_answer": v}))
            for value in ("", 1, None, cfed.b64(good[:-1]), cfed.b64(good + b"\0"), cfed.b64(good) + "=",
                          cfed.b64(bytes(312)), cfed.b64(bytes(16474)))])
        self.assertEqual(202, ann.post_answer(delivery, {"sealed_answer": cfed.b64(good)}).status)

    def test_more_routed_queries_than_one_may_have_open(self):
        (_, _, _, dan), text = self.group()
        dan.ask(text)
        began = time.time()
        dan.ask(text, ttl_s=600)
        expires_at = (int(began) + 600 + 59) // 60 * 60
        body, _ = dan.route_body(text)
        self.refuses_all(dan, [("a third", "too-many-requests", None, lambda: dan.call("POST", "/v1/queries", body))])
        for _ in range(2):
            wait_s = int(dan.call("POST", "/v1/queries", body).headers["retry-after"])
            self.assertLessEqual(abs(time.time() + wait_s - expires_at), 60, "when the first of them expires")
        del body["route"]
        self.assertEqual(200, dan.call("POST", "/v1/queries", body).status)


class Curious(Routed):
    """All that either side receives, but for the fresh randomness and what the other side sealed."""

    FRESH = re.compile(rb'("(?:delivery_id|sealed_query|reply_key|sealed_answer|query_id)": ?")[A-Za-z0-9_-]+"')
    OWN_HEADERS = ("date", "x-request-id")

    def masked(self, answer):
        self.assertEqual(200, answer.status)
        return ({name: value for name, value in answer.headers.items() if name not in self.OWN_HEADERS},
                self.FRESH.sub(rb'\1"', answer.body))

    def raw(self, member, answer):
        """Whether anything in it names one of the members."""
        for name in (member.instance_id, cfed.b64(member.key.public), member.token):
            self.assertNotIn(name.encode(), answer.body)
            self.assertNotIn(name, json.dumps(answer.headers))

    def test_a_contributor_cannot_tell_two_askers_apart(self):
        members = self.daemon.members(6)
        askers, text = members[4:], self.own_words()
        self.wait_released(members[0], self.shared(members[:4], text))
        for asker, mode in zip(askers, ("minimal", "extensive")):
            asker.change(contribution_level=mode, domains=[mode])
            asker.contribute([self.one_record(asker)])

        def seen():
            """What each contributor receives when one, then the other asks; None when a minute ended meanwhile."""
            seen = []
            for asker in askers:
                asker.ask(text, "The same question")
                answers = [member.call("GET", "/v1/inbox?max=20") for member in members[:4]]
                for answer in answers:
                    for other in askers:
                        self.raw(other, answer)
                    for delivery in answer.json["deliveries"]:
                        self.assertEqual(204, members[answers.index(answer)].decline(delivery).status)
                seen.append([self.masked(answer) for answer in answers])
            times = {delivery for _, body in seen[0] + seen[1] for delivery in re.findall(rb"expires_at[^,}]*", body)}
            return seen if len(times) == 1 else None
        first, second = harness.until(seen, "two questions within one minute")
        self.assertEqual(first, second)

    def test_an_asker_cannot_tell_two_contributors_apart(self):
        (ann, bob, cem, dan), text = self.group()
        seen = []
        for contributor in (ann, bob):
            _, asked = dan.ask(text)
            for member in (ann, bob, cem):
                (delivery, qid, _), = member.inbox()
                if member is contributor:
                    member.answer(delivery, qid, "The same answer")
                else:
                    member.decline(delivery)
            answer = harness.until(lambda: (a := dan.call("GET", f"/v1/queries/{asked.query_id}/answers?wait=2"))
                                   .json["answers"] and a, "an answer")
            for member in (ann, bob, cem):
                self.raw(member, answer)
            headers, body = self.masked(answer)
            seen.append((headers, re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"TIME", body)))
        self.assertEqual(*seen)

    def test_ids_and_keys_never_repeat(self):
        (ann, bob, _, dan), text = self.group()
        seen, all_asked = [], [dan.ask(text, "Again")[1] for _ in range(5)]
        for member in (ann, bob):
            for delivery, qid, _ in member.inbox():
                seen.append(delivery["delivery_id"])
                self.assertFalse(any(asked.query_id in json.dumps(delivery) for asked in all_asked))
                member.answer(delivery, qid, "Again")
        seen += [asked.query_id for asked in all_asked]
        for asked in all_asked:
            answers = harness.until(lambda a=asked: len(n := a.look(wait=2)["answers"]) == 2 and n, "two answers")
            seen += [given["sealed_answer"] for given in answers]
        self.assertEqual(25, len(seen))
        self.assertEqual(len(seen), len(set(seen)))


if __name__ == "__main__":
    unittest.main()
