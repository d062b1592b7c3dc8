/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_CLIENT_H
#define CONTINUUM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "continuum/version.h"

/*
 * A member's side of a federation: join, contribute, query (docs/PROTOCOL.md: what is on the wire).
 *
 *     struct continuum_settings settings = {0};
 *     struct continuum_question question = {.text = "pool deadlock"};
 *     struct continuum_client *client = NULL;
 *     struct continuum_answer *answer = NULL;
 *     struct continuum_error error;
 *     if (!continuum_open(&settings, &client, &error) ||
 *         !continuum_query(client, &question, &answer, &error))
 *         fprintf(stderr, "%s\n", error.detail);
 *     continuum_answer_free(answer);
 *     continuum_close(client);
 *
 * A function that returns false has filled `error` (which must not be NULL) and left its outputs
 * untouched. Strings are UTF-8. Credits are counted in thousandths. A client belongs to one thread
 * at a time; two clients may run in two. When an answer is lost (the connection broke, or nothing
 * came within the time limit), the same request is sent again, a few times, under a key by which
 * the coordinator does it once: it is never charged or paid twice. Ignore SIGPIPE: TLS may raise
 * it. The *_json functions return one JSON document without a trailing newline, to be released with
 * free(), or NULL when memory is out. The *_free functions and continuum_close accept NULL.
 */

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct continuum_client;

struct continuum_error {
    unsigned status;  /* the HTTP status that goes with the code */
    char code[32];    /* for programs, stable: "insufficient-credits" */
    char title[64];   /* what the code means */
    char detail[240]; /* for a person: what happened, and what to do next */
};

struct continuum_settings {
    const char *profile; /* which membership, [a-z0-9][a-z0-9-]{0,63}; NULL: "default" */
    bool insecure;       /* permit http:// to another machine */
    unsigned timeout_ms; /* for one try at a request; 0: 60000 */
};

/* --- membership
 * -----------------------------------------------------------------------------------------------
 */

struct continuum_membership {
    const char *address; /* continuum_init: the coordinator's URL; continuum_join: an invite link */
    const char *invite;  /* a code from the operator, or NULL: the one in the link, if any */
    const char *level;   /* "minimal", "standard", "extensive"; NULL: "standard" */
    const char *privacy; /* "high", "balanced", "open"; NULL: "balanced" */
};

/*
 * Becomes the first member of a federation: makes the federation key, which the coordinator never
 * sees, and joins. The coordinator's key is taken on trust from `address`, unless that is an invite
 * link without a federation key.
 */
bool continuum_init(const struct continuum_settings *settings,
                    const struct continuum_membership *membership, struct continuum_client **ret,
                    struct continuum_error *error);

/* Joins by an invite link. */
bool continuum_join(const struct continuum_settings *settings,
                    const struct continuum_membership *membership, struct continuum_client **ret,
                    struct continuum_error *error);

/* Opens a membership that init or join made. Talks to nobody yet. */
bool continuum_open(const struct continuum_settings *settings, struct continuum_client **ret,
                    struct continuum_error *error);

/* What a federation's privacy modes mean. */
enum { CONTINUUM_PERIOD_DAYS = 30 }; /* a pattern's published numbers are drawn once in a period */

struct continuum_privacy_mode {
    char name[16];
    uint64_t min_contributors; /* a contribution counts in groups of so many, and more */
    double epsilon;            /* of one published count */
    double epsilon_per_year;   /* of all of one pattern in any 365 days */
    double confidence_step;    /* confidence is rounded to this */
    /* probabilities that noise moves the published count so far */
    double off_by_more_than_1, off_by_more_than_2, off_by_more_than_5;
};

struct continuum_privacy {
    char federation_name[128];
    uint64_t threshold;              /* contributors it takes to release a pattern */
    char gate[8];                    /* "k": they are enough; "dp": chance decides once a day */
    double gate_epsilon, gate_delta; /* of "dp", else 0 */
    struct continuum_privacy_mode modes[8];
    size_t count;
};

/* Asks the coordinator at `address`, a URL or an invite link; NULL: that of the profile. One need
 * not be a member. */
bool continuum_privacy_get(const struct continuum_settings *settings, const char *address,
                           struct continuum_privacy *ret, struct continuum_error *error);
char *continuum_privacy_json(const struct continuum_privacy *privacy);

/* Wipes the keys from memory. */
void continuum_close(struct continuum_client *client);

enum { CONTINUUM_LINK_SIZE = 512 };

/* Writes the link that invites others. It carries the federation key: a secret of all members. */
void continuum_link(const struct continuum_client *client, char ret_link[CONTINUUM_LINK_SIZE]);

/* --- contributing
 * --------------------------------------------------------------------------------------------- */

struct continuum_statement {
    const char *text;
    size_t text_length;
    size_t line;       /* the caller's number for it, for the report */
    double confidence; /* 0 to 1; rounded to what the privacy mode permits */
};

/*
 * Reads `text[TAB confidence]`, without a newline, into *ret, whose text points into `line`.
 * Confidence is 0.8 when the line names none, and -1 when what it names is none:
 * continuum_contribute rejects such a statement.
 */
void continuum_statement_parse(const char *line, size_t length, struct continuum_statement *ret);

struct continuum_batch {
    const struct continuum_statement *statements;
    size_t count;
    const char *domain;                                         /* NULL: "general" */
    double min_confidence;                                      /* statements below are left out */
    void (*progress)(void *context, size_t done, size_t total); /* or NULL */
    void *context;
};

struct continuum_rejection {
    size_t line;
    char code[32];
    char detail[240];
};

struct continuum_acceptance {
    size_t line;
    char tag[44]; /* what continuum_withdraw takes */
};

struct continuum_report {
    struct continuum_acceptance *accepted;
    size_t accepted_count;
    struct continuum_rejection *rejected; /* in no particular order of lines */
    size_t rejected_count;
    size_t duplicates; /* the same pattern again, in the same batch: sent once */
    size_t left_out;   /* below min_confidence */
    int64_t earned_millicredits;
    int64_t balance_millicredits; /* negative when nothing was sent */
    int64_t daily_remaining;      /* contributions that are still paid today; likewise */
    uint64_t carried;             /* so many were to pay nothing, as an epoch before had as many */
};

/*
 * Sends the statements, in as many requests as it takes, for the epoch that the federation is in;
 * when a new one begins meanwhile, the rest goes to that. A statement that is refused is reported;
 * the others go on. When a request fails, those before it stand, and sending all of them again
 * changes nothing for what was accepted.
 */
bool continuum_contribute(struct continuum_client *client, const struct continuum_batch *batch,
                          struct continuum_report **ret, struct continuum_error *error);
char *continuum_report_json(const struct continuum_report *report);
void continuum_report_free(struct continuum_report *report);

/* --- querying
 * -------------------------------------------------------------------------------------------------
 */

/* Hands a question on to members who know of what matches it. */
enum { CONTINUUM_ROUTE_TTL_S = 3600, CONTINUUM_ROUTE_FANOUT = 3 };
struct continuum_route {
    const char *text; /* what they read; NULL: the query's text. At most 16382 bytes */
    unsigned ttl_s;   /* how long answers may come, 60 to 604800; 0: CONTINUUM_ROUTE_TTL_S */
    unsigned fanout;  /* how many are asked at most, 1 to 8; 0: CONTINUUM_ROUTE_FANOUT */
};

struct continuum_question {
    const char *text;
    const char *domain;                  /* NULL: all */
    double min_confidence;               /* 0: all */
    unsigned max_results;                /* 0: the coordinator's default */
    bool priority;                       /* costs more; a routed question comes first */
    const struct continuum_route *route; /* or NULL */
};

struct continuum_result {
    char *text;
    char domain[65];
    char tag[44];
    char released_on[11]; /* YYYY-MM-DD */
    double confidence, score;
    double quality; /* how well members speak of it, 0 to 1; negative: nobody has judged */
    uint64_t epoch, contributor_count, verification_count, refuted_count;
};

struct continuum_answer {
    char query_id[72];
    int64_t cost_millicredits, balance_millicredits;
    bool asked;  /* the question had a route */
    bool routed; /* members are asked: continuum_replies_get shows what they say */
    struct continuum_result
        *results; /* each verified to be what members of this federation contributed */
    size_t result_count;
    size_t refused;        /* results that failed a check and are not shown */
    char why_refused[240]; /* what the first of them failed */
};

/* Sends the search terms, hashed under the federation key, and verifies each result. Costs credits,
 * found or not. */
bool continuum_query(struct continuum_client *client, const struct continuum_question *question,
                     struct continuum_answer **ret, struct continuum_error *error);
/* In one line when the question had a route: answers follow it. */
char *continuum_answer_json(const struct continuum_answer *answer);
void continuum_answer_free(struct continuum_answer *answer);

/* --- asking members
 * -------------------------------------------------------------------------------------------------
 */

struct continuum_reply {
    char reply_id[23]; /* the same each time that it is shown */
    char *text;        /* by whom, nobody is told; control characters are in it as they came */
    char received_at[21];
};

struct continuum_replies {
    struct continuum_reply *replies; /* all that there are, in an order that stays */
    size_t count;
    size_t refused; /* that did not open */
    bool open;      /* more may come */
};

/*
 * The answers to a routed query of this profile, opened and checked. Waits for up to `wait_s`
 * seconds, at most 30, until there is one that was not handed out before. The profile's folder
 * keeps what opens them until the question's time is over.
 */
bool continuum_replies_get(struct continuum_client *client, const char *query_id, unsigned wait_s,
                           struct continuum_replies **ret, struct continuum_error *error);
/* One line, as of all that comes in any number. */
char *continuum_reply_json(const char *query_id, const struct continuum_reply *reply);
void continuum_replies_free(struct continuum_replies *replies);

/* The routed queries of this profile whose answers can still be read. */
struct continuum_questions {
    char (*ids)[65];
    size_t count;
};
bool continuum_questions_get(struct continuum_client *client, struct continuum_questions **ret,
                             struct continuum_error *error);
void continuum_questions_free(struct continuum_questions *questions);

struct continuum_delivery {
    char delivery_id[65];
    char domain[65]; /* "": any */
    char *question;  /* by whom, nobody is told; control characters are in it as they came */
    bool priority;
    char expires_at[21];
};

struct continuum_inbox {
    struct continuum_delivery *deliveries;
    size_t count;
    size_t refused; /* that did not open, and were declined */
};

/*
 * What others ask this member, at most `max` (0: 10, at most 20) questions. Waits for up to
 * `wait_s` seconds, at most 30, until there is one. What is handed out comes again, after two
 * minutes by default, until it is answered or declined.
 */
bool continuum_inbox_get(struct continuum_client *client, unsigned wait_s, unsigned max,
                         struct continuum_inbox **ret, struct continuum_error *error);
char *continuum_delivery_json(const struct continuum_delivery *delivery);
void continuum_inbox_free(struct continuum_inbox *inbox);

/* Answers a question that continuum_inbox_get handed out to this profile, once: at most 16382
 * bytes of UTF-8. */
bool continuum_reply(struct continuum_client *client, const char *delivery_id, const char *text,
                     struct continuum_error *error);

/* It does not come again. */
bool continuum_decline(struct continuum_client *client, const char *delivery_id,
                       struct continuum_error *error);
char *continuum_outcome_json(const char *delivery_id, const char *outcome);

/* --- judging
 * -------------------------------------------------------------------------------------------------
 */

struct continuum_verification {
    char tag[44];
    bool confirmed; /* false: refuted */
    int64_t earned_millicredits, balance_millicredits;
};

/*
 * Confirms or refutes the released pattern of `tag`, which must not be one's own; once, under a
 * pseudonym. Fetches the pattern and checks it as a result of a query; the proof that it could be
 * read goes along.
 */
bool continuum_verify(struct continuum_client *client, const char *tag, bool confirm,
                      struct continuum_verification *ret, struct continuum_error *error);
char *continuum_verification_json(const struct continuum_verification *verification);

/* Votes on the quality of the released pattern of `tag`; a later vote takes the place of an
 * earlier. */
bool continuum_vote(struct continuum_client *client, const char *tag, bool high,
                    struct continuum_error *error);
char *continuum_vote_json(const char *tag, bool high);

/* --- sets
 * --------------------------------------------------------------------------------------------- */

struct continuum_set { /* all released patterns of a domain */
    char domain[65];
    char updated_at[21];
    uint64_t patterns, bytes; /* bytes: of a download, about */
    int64_t price_millicredits;
};

struct continuum_sets {
    struct continuum_set *sets;
    size_t count;
};

bool continuum_sets_get(struct continuum_client *client, struct continuum_sets **ret,
                        struct continuum_error *error);
char *continuum_sets_json(const struct continuum_sets *sets);
void continuum_sets_free(struct continuum_sets *sets);

enum { CONTINUUM_CURSOR_SIZE = 33, CONTINUUM_DOWNLOAD_ID_SIZE = 23 };

struct continuum_purchase {
    char download_id[CONTINUUM_DOWNLOAD_ID_SIZE];
    char expires_at[21];
    uint64_t patterns; /* to come, at most */
    int64_t balance_millicredits;
};

/* Pays for the download of a set; `since` is a cursor of an earlier one, for what is new since
 * then, or NULL. */
bool continuum_purchase_make(struct continuum_client *client, const char *domain, const char *since,
                             struct continuum_purchase *ret, struct continuum_error *error);

struct continuum_download {
    const char *download_id;
    char cursor[CONTINUUM_CURSOR_SIZE]; /* begin behind it; "": at the beginning. Moves ahead */
    /* Takes a pattern, verified like the result of a query; false: no more. */
    bool (*take)(void *context, const struct continuum_result *pattern, const char *cursor);
    void *context;
    uint64_t taken;        /* counts up */
    uint64_t refused;      /* failed a check and were not given to `take` */
    char why_refused[240]; /* what the first of them failed */
};

/*
 * Reads a download to its end, or until `take` wants no more. A connection that breaks is made
 * again, as long as something comes. On a failure `download->cursor` says from where to go on; a
 * download can be read for 24 hours.
 */
bool continuum_download_read(struct continuum_client *client, struct continuum_download *download,
                             struct continuum_error *error);

/* One pattern on one line, with the cursor behind it. */
char *continuum_pattern_json(const struct continuum_result *pattern, const char *cursor);
/* What a download came to. */
char *continuum_download_json(const struct continuum_download *download);

/* --- one's account
 * -------------------------------------------------------------------------------------------- */

struct continuum_credits {
    int64_t available_millicredits;
    int64_t earned_monthly_millicredits, spent_monthly_millicredits; /* this calendar month, UTC */
    int64_t earned_today_millicredits, daily_limit_millicredits;     /* for contributions */
};

bool continuum_credits_get(struct continuum_client *client, struct continuum_credits *ret,
                           struct continuum_error *error);
char *continuum_credits_json(const struct continuum_credits *credits);

struct continuum_transfer {
    char transfer_id[23], kind[16], created_at[21];
    char tag[44];                /* "": it is about none */
    int64_t amount_millicredits; /* positive: received */
};

struct continuum_ledger {
    struct continuum_transfer transfers[200];
    size_t count;
    char next_cursor[CONTINUUM_CURSOR_SIZE]; /* "": this is the end */
};

/* A page of one's transfers, oldest first; `cursor` is "" for the first one. */
bool continuum_ledger_get(struct continuum_client *client, const char *cursor,
                          struct continuum_ledger *ret, struct continuum_error *error);
char *continuum_transfer_json(const struct continuum_transfer *transfer); /* one line */

struct continuum_status {
    char url[256], federation_name[128], federation_id[23], coordinator_key[44];
    char instance_id[32], level[16], effective_level[16], privacy_mode[16], tier[32];
    char joined_at[21];
    uint64_t level_missing; /* contributions that the declared level still wants this week */
    uint64_t contributions, released;
    uint64_t epoch, threshold; /* contributors it takes to release a pattern */
    char epoch_started_at[21];
    char oprf_url[256];    /* of the OPRF helper that evaluates; "": the coordinator does */
    uint64_t older_sealed; /* contributions of past epochs that no one can join any more: contribute
                              them again */
    char older_until[21];  /* when they expire, at the latest; "": the coordinator does not tell */
    uint64_t carried; /* contributions to come that pay nothing, as a past epoch paid for them */
};

bool continuum_status_get(struct continuum_client *client, struct continuum_status *ret,
                          struct continuum_error *error);
char *continuum_status_json(const struct continuum_status *status);

/* The status of a new member with the link that invites others: a secret. */
char *continuum_membership_json(const struct continuum_status *status, const char *link);

struct continuum_withdrawal {
    uint64_t withdrawn;
    int64_t reversed_millicredits, balance_millicredits;
};

/* Takes back one contribution, or all of them when `tag` is NULL. */
bool continuum_withdraw(struct continuum_client *client, const char *tag,
                        struct continuum_withdrawal *ret, struct continuum_error *error);
char *continuum_withdrawal_json(const struct continuum_withdrawal *withdrawal);

/*
 * Hands all that the coordinator holds of this member to `take`, as it arrives: one JSON object a
 * line. `take` returns false when it wants no more, which fails. What it took before a failure is
 * not all.
 */
bool continuum_export(struct continuum_client *client,
                      bool (*take)(void *context, const char *bytes, size_t length), void *context,
                      struct continuum_error *error);

/* --- leaving
 * ------------------------------------------------------------------------------------------------
 */

/* What a coordinator signs when it has erased a member. */
struct continuum_receipt {
    char instance_id[32], erased_at[21];
    uint64_t contributions, verifications, votes, queries, deliveries; /* that it erased */
    char coordinator_key[44], signature[87];
};

/*
 * Has the coordinator erase everything of this member. With the error "signature-invalid" it did
 * so, and *ret is what it said, but no proof. Keep the receipt, then continuum_forget.
 * When the answer is lost, it asks again, for some minutes at most. With the error "receipt-lost"
 * the member is erased, and there is no receipt: continuum_forget.
 */
bool continuum_leave(struct continuum_client *client, struct continuum_receipt *ret,
                     struct continuum_error *error);
char *continuum_receipt_json(const struct continuum_receipt *receipt);

/* Removes the profile: the member's key and the federation's. */
bool continuum_forget(struct continuum_client *client, struct continuum_error *error);

/*
 * Checks a receipt as continuum_receipt_json writes it. Whether the key in it is the coordinator's
 * is the caller's to know, or that of `coordinator_key`, when it is not NULL.
 */
bool continuum_receipt_check(const char *text, size_t length, const char *coordinator_key,
                             struct continuum_receipt *ret, struct continuum_error *error);

/* The error as a problem document (RFC 9457). */
char *continuum_error_json(const struct continuum_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
